import { ROLES, SCOPES } from '../access/scopes.ts'
import { readConfig } from '../config.ts'
import { makeKey, migrateDatabase } from '../main.ts'
import { UsageError } from './exit.ts'
import { createLog } from './log.ts'
import type { CommonOptions } from './session.ts'

/** Brings the schema of an external database up to date, and says how to make its logins. */
export async function migrate(
  options: CommonOptions & { readonly databaseUrl?: string },
): Promise<number> {
  const url = ownerUrl(options.databaseUrl)
  if (url === undefined) {
    throw new UsageError(
      'Name the owner’s URL: dispatch-ledger migrate --database-url postgres://…',
    )
  }
  const applied = await migrateDatabase(url)
  if (options.json) process.stdout.write(`${JSON.stringify({ applied })}\n`)
  else
    process.stdout.write(
      `${applied.length === 0 ? 'Nothing to do' : `Applied ${applied.join(', ')}`}.\n${LOGINS}`,
    )
  return 0
}

const LOGINS = `
Make the logins, once, with passwords of your own:
  CREATE ROLE ledger_app LOGIN PASSWORD '…' IN ROLE ledger_writer, ledger_projector;
  CREATE ROLE ledger_reports LOGIN PASSWORD '…' IN ROLE ledger_analyst;
Then serve with DATABASE_URL=postgres://ledger_app:…@host/database
`

function ownerUrl(given: string | undefined): string | undefined {
  if (given !== undefined && !/^postgres(ql)?:\/\//.test(given)) {
    throw new UsageError('--database-url must start with postgres://')
  }
  return given
}

export type KeyOptions = CommonOptions &
  Readonly<{
    name: string
    role?: string
    scope?: readonly string[]
    namespace?: readonly string[]
    expires?: string
    databaseUrl?: string
  }>

/** Makes an access key and prints it, this once. */
export async function createKey(options: KeyOptions): Promise<number> {
  const config = readConfig(process.env)
  const log = await createLog('warn')
  const made = await makeKey(config, log, {
    name: options.name,
    scopes: scopesOf(options),
    namespacePrefixes: options.namespace ?? [],
    expiresAt: expiryOf(options.expires),
    databaseUrl: ownerUrl(options.databaseUrl),
  })
  process.stdout.write(`${options.json ? JSON.stringify(made) : made.key}\n`)
  return 0
}

function scopesOf({ role, scope = [] }: KeyOptions): readonly string[] {
  if (role === undefined && scope.length === 0) {
    throw new UsageError(`Give the key a --role (${Object.keys(ROLES).join(', ')}) or --scope.`)
  }
  const bundle = role === undefined ? [] : ROLES[role]
  if (bundle === undefined) {
    throw new UsageError(`There is no role ${role}: use ${Object.keys(ROLES).join(', ')}.`)
  }
  const unknown = scope.find((it) => !(SCOPES as readonly string[]).includes(it))
  if (unknown !== undefined) {
    throw new UsageError(`There is no scope ${unknown}: use ${SCOPES.join(', ')}.`)
  }
  return [...new Set([...bundle, ...scope])]
}

function expiryOf(text: string | undefined): Date | null {
  if (text === undefined) return null
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) throw new UsageError(`--expires takes a date: found ${text}.`)
  return date
}
