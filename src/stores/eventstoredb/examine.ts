import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import type { Finding } from '../../ports.ts'
import { openReader, type ReadingClient } from './clients.ts'
import type { EventStoreDbPlace } from './event-store.ts'
import { failureOf } from './failure.ts'
import { scan } from './scan.ts'

/** The server tells its time in whole seconds. */
const CLOCKS_APART_MS = 3_000
const ANSWER_MS = 5_000
const OLDEST = [22, 6] as const

const finding =
  (status: Finding['status']) =>
  (check: string, found: string, todo: string | null = null): Finding => ({
    check,
    status,
    found,
    todo,
  })
const [ok, warning, problem, unknown] = (['ok', 'warning', 'problem', 'unknown'] as const).map(
  finding,
) as [Find, Find, Find, Find]
type Find = ReturnType<typeof finding>

/** Looks at a server of EventStoreDB as the login of the ledger sees it, and changes nothing. */
export async function examineEventStoreDb({
  url,
  prefix,
}: EventStoreDbPlace): Promise<readonly Finding[]> {
  const reader = openReader(url)
  try {
    const version = await examineVersion(reader)
    if (version.status === 'unknown') return [version]
    const settings = settingsOf(url)
    return [
      version,
      examineSecurity(settings),
      examinePreference(settings),
      await orUnknown('deletion', () => examineRights(reader, settings, prefix)),
      await orUnknown('retention', () => examineRetention(reader, prefix)),
      await orUnknown('clocks', () => examineClocks(settings)),
      ...(await examineMemory(settings)),
    ]
  } finally {
    await reader.close()
  }
}

async function orUnknown(check: string, examine: () => Promise<Finding>): Promise<Finding> {
  try {
    return await examine()
  } catch (error) {
    const todo = 'Look at the findings above first; this one may follow from them.'
    return unknown(check, `not examined: ${failureOf(error, 'none').message}`, todo)
  }
}

async function examineVersion(reader: ReadingClient): Promise<Finding> {
  try {
    const client = (await reader.get()) as unknown as {
      capabilities: Promise<{ serverVersion: string }>
    }
    const { serverVersion } = await client.capabilities
    const [major = 0, minor = 0] = serverVersion.split('.').map(Number)
    const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
    return isOld || Number.isNaN(major)
      ? problem('eventstoredb', `version ${serverVersion}`, 'Use 22.6 or newer.')
      : ok('eventstoredb', `version ${serverVersion}`)
  } catch (error) {
    const todo = 'Check that it runs, and the address, login and certificate of EVENTSTORE_URL.'
    return unknown('eventstoredb', `no connection: ${failureOf(error, 'none').message}`, todo)
  }
}

type Settings = Readonly<{ url: URL; isSecure: boolean; isCluster: boolean; preference: string }>

/** The names of settings are compared as the package does: whatever their case. */
function settingsOf(text: string): Settings {
  const url = new URL(text.replace(/^esdb(\+discover)?:/, 'http:').replace(/,[^/?]*/, ''))
  const given = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]))
  for (const [name, value] of given) url.searchParams.set(name, value)
  return {
    url,
    isSecure: given.get('tls') !== 'false',
    isCluster: text.startsWith('esdb+discover:') || /^[^?]*,/.test(text),
    preference: (given.get('nodepreference') ?? 'leader').toLowerCase(),
  }
}

function examineSecurity({ isSecure, url }: Settings): Finding {
  if (!isSecure) {
    const found = 'insecure: the server knows no users, so whoever reaches it may delete the log'
    return warning('security', found, 'Use TLS and a login of the ledger’s own.')
  }
  if (url.username === '') return problem('security', 'TLS without a login', 'Name one in the URL.')
  return ['admin', 'ops'].includes(url.username)
    ? warning('security', `the login is ${url.username}`, 'Use one that may not delete streams.')
    : ok('security', `TLS, login ${url.username}`)
}

const examinePreference = ({ preference }: Settings): Finding =>
  preference === 'leader'
    ? ok('preference', 'the leader is asked')
    : warning(
        'preference',
        `nodePreference=${preference}`,
        'Leave it out: the ledger asks the leader.',
      )

/** Where no stream ever is, so that what is allowed fails all the same, and writes nothing. */
const NOWHERE = 2n ** 40n

/** Tries to delete a stream that is not there, and to limit what it keeps: may this login at all? */
async function examineRights(
  reader: ReadingClient,
  { isSecure }: Settings,
  prefix: string,
): Promise<Finding> {
  if (!isSecure) return warning('deletion', 'insecure: access lists are ignored', 'Use TLS.')
  const client = await reader.get()
  const stream = `${prefix}dispatch-${randomUUID()}`
  const at = { expectedRevision: NOWHERE }
  const tried = await Promise.allSettled([
    client.deleteStream(stream, at),
    client.setStreamMetadata(stream, { maxCount: 1 }, at),
  ])
  const denied = tried.filter(
    (it) => it.status === 'rejected' && (it.reason as { type?: string }).type === 'access-denied',
  )
  return denied.length === tried.length
    ? ok('deletion', 'this login may not delete streams, nor limit what they keep')
    : problem(
        'deletion',
        'this login may delete streams, or limit what they keep',
        'Run once, as an administrator: dispatch-ledger migrate --eventstore-url esdb://…',
      )
}

/** The ledger writes no metadata of streams: what is there was written by somebody else. */
async function examineRetention(reader: ReadingClient, prefix: string): Promise<Finding> {
  const of = prefix.replaceAll('.', String.raw`\.`)
  const names = new Set<string>()
  await scan(reader, { from: 0, pattern: `^\\$\\$${of}(control|dispatch-[0-9a-f-]{36})$` }, (it) =>
    names.add(it.event?.streamId ?? ''),
  )
  const [first] = names
  if (first === undefined) return ok('retention', 'no stream has limits or access of its own')
  const found = `${names.size} streams have settings of their own, the first is ${first}`
  return problem(
    'retention',
    found,
    'Remove them: $maxAge, $maxCount and $tb hide events, scavenging drops them.',
  )
}

async function examineClocks(settings: Settings): Promise<Finding> {
  const { headers } = await get(settings, '/health/live')
  const apartMs = Date.now() - Date.parse(headers.date ?? '')
  if (Number.isNaN(apartMs)) return unknown('clocks', 'the server does not tell its time')
  const found = `${(Math.abs(apartMs) / 1_000).toFixed(0)} s apart`
  return Math.abs(apartMs) <= CLOCKS_APART_MS
    ? ok('clocks', found)
    : problem('clocks', found, 'Run NTP on both: 10 s behind the server nothing can be appended.')
}

/** Told to administrators, and to everybody in insecure mode; others learn nothing here. */
async function examineMemory(settings: Settings): Promise<readonly Finding[]> {
  try {
    const options = JSON.parse((await get(settings, '/info/options')).body) as readonly Readonly<{
      name: string
      value: string
    }>[]
    const inMemory = options.some((it) => it.name === 'MemDb' && it.value === 'True')
    if (inMemory)
      return [problem('storage', 'the log is in memory alone', 'Run it without --mem-db.')]
    return options.length > 0 ? [ok('storage', 'on disk')] : []
  } catch {
    return []
  }
}

async function get(
  { url, isSecure, isCluster }: Settings,
  path: string,
): Promise<{ headers: IncomingMessage['headers']; body: string }> {
  if (isCluster) throw new Error('the URL names a cluster: look at one of its nodes')
  const ca = url.searchParams.get('tlscafile')
  const options = {
    host: url.hostname,
    port: url.port === '' ? 2113 : Number(url.port),
    path,
    timeout: ANSWER_MS,
    ...(url.username === '' ? {} : { auth: `${url.username}:${decodeURIComponent(url.password)}` }),
    ...(ca === null ? {} : { ca: await readFile(ca) }),
  }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = (isSecure ? https : http)(options, resolve)
    asked.on('error', reject)
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.end()
  })
  let body = ''
  for await (const chunk of answer) body += String(chunk)
  return { headers: answer.headers, body }
}
