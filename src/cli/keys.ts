import { ROLES, SCOPES } from '../access/scopes.ts'
import { readConfig } from '../config.ts'
import { createLog } from '../telemetry/log.ts'
import { exitOf, UsageError } from './exit.ts'
import { plainTable } from './read.ts'
import { ask, type CommonOptions, openSession, ownerUrl, print } from './session.ts'

export type KeyOptions = CommonOptions &
  Readonly<{
    name: string
    role?: string
    scope?: readonly string[]
    namespace?: readonly string[]
    expires?: string
    direct?: boolean
    databaseUrl?: string
  }>

type Wanted = Readonly<{
  name: string
  scopes: readonly string[]
  namespacePrefixes: readonly string[]
  expiresAt: Date | null
}>

/**
 * Makes a key and prints it, this once: through the server, with a key that holds keys:admin; with
 * `--direct` or `--database-url` as the owner of the database, which is how the first one is made.
 */
export async function createKey(options: KeyOptions): Promise<number> {
  const wanted = {
    name: options.name,
    scopes: scopesOf(options),
    namespacePrefixes: options.namespace ?? [],
    expiresAt: expiryOf(options.expires),
  }
  const databaseUrl = ownerUrl(options.databaseUrl)
  if (options.direct !== true && databaseUrl === undefined) return createThrough(options, wanted)
  // Only this way needs the whole server; it takes a second to load.
  const { makeKey } = await import('../direct.ts')
  const log = await createLog('warn')
  const made = await makeKey(readConfig(process.env), log, { ...wanted, databaseUrl })
  process.stdout.write(`${options.json ? JSON.stringify(made) : made.key}\n`)
  return 0
}

function createThrough(options: KeyOptions, { name, scopes, ...limits }: Wanted): Promise<number> {
  const { namespacePrefixes, expiresAt } = limits
  const body = {
    name,
    scopes,
    ...(namespacePrefixes.length === 0 ? {} : { namespacePrefixes }),
    ...(expiresAt === null ? {} : { expiresAt: expiresAt.toISOString() }),
  }
  const show = ({ key }: { key: string }): string => key
  return ask(options, { method: 'POST', path: '/v1/keys', body }, show)
}

function scopesOf({ role, scope = [] }: KeyOptions): readonly string[] {
  if (role === undefined && scope.length === 0) {
    throw new UsageError(`Give the key a --role (${Object.keys(ROLES).join(', ')}) or --scope.`)
  }
  const bundle = role === undefined ? [] : Object.hasOwn(ROLES, role) ? ROLES[role] : undefined
  if (bundle === undefined) {
    throw new UsageError(`There is no role ${role}: use ${Object.keys(ROLES).join(', ')}.`)
  }
  const unknown = scope.find((it) => !(SCOPES as readonly string[]).includes(it))
  if (unknown !== undefined) {
    throw new UsageError(`There is no scope ${unknown}: use ${SCOPES.join(', ')}.`)
  }
  return [...new Set([...bundle, ...scope])]
}

/** A day, which is one in UTC, or a time with its zone: nobody has to guess which was meant. */
const EXPIRY = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

function expiryOf(text: string | undefined): Date | null {
  if (text === undefined) return null
  const date = new Date(text)
  if (!EXPIRY.test(text) || Number.isNaN(date.getTime())) {
    throw new UsageError(`--expires takes 2030-12-31 or 2030-12-31T18:00:00Z: found ${text}.`)
  }
  return date
}

type Key = Readonly<{
  id: string
  name: string
  role: string | null
  scopes: readonly string[]
  namespacePrefixes: readonly string[]
  expiresAt: string | null
  revokedAt: string | null
  lastUsedAt: string | null
}>
type KeyPage = Readonly<{ keys: readonly Key[]; nextPageToken: string | null }>

/** Every key, the last made first. As JSON: one a line. */
export async function listKeys(options: CommonOptions): Promise<number> {
  const ledger = openSession(options)
  const keys: Key[] = []
  for (let token: string | null = ''; token !== null; ) {
    const query = new URLSearchParams({ pageSize: '1000', ...(token && { pageToken: token }) })
    const answer = await ledger.request('GET', `/v1/keys?${query.toString()}`)
    if (answer.status >= 300) {
      print(options, answer, String)
      return exitOf(answer)
    }
    const page = answer.body as KeyPage
    keys.push(...page.keys)
    token = page.nextPageToken
  }
  const text = options.json ? keys.map((key) => JSON.stringify(key)).join('\n') : showKeys(keys)
  process.stdout.write(`${text}\n`)
  return 0
}

function showKeys(keys: readonly Key[]): string {
  const table = plainTable(['key', 'name', 'may', 'limited to', 'ends', 'last used'])
  for (const key of keys) {
    const may = key.role ?? key.scopes.join(' ')
    const ends = key.revokedAt === null ? (key.expiresAt ?? '') : `revoked ${key.revokedAt}`
    const limits = key.namespacePrefixes.join(' ')
    table.push([key.id, key.name, may, limits, ends, key.lastUsedAt ?? 'never'])
  }
  return table.toString()
}

/** Revokes a key. Of the text of a key only the id leaves this process. */
export function revokeKey(idOrText: string, options: CommonOptions): Promise<number> {
  const id = /^dl_([a-z0-9]{12})_/.exec(idOrText)?.[1] ?? idOrText
  const path = `/v1/keys/${encodeURIComponent(id)}/revoke`
  const show = ({ name, revokedAt }: Key): string => `${id}  ${name}  revoked ${revokedAt}`
  return ask(options, { method: 'POST', path }, show)
}
