import pg from 'pg'
import type { Finding } from '../../ports.ts'
import { examineDrift, examineMigrations } from './examine-schema.ts'
import { whyNotServable } from './migrate.ts'
import { connectionSettings, createPool } from './pool.ts'

const CONNECT_MS = 5_000
const VERSION_MIN = 150_000
const CLOCKS_APART_MS = 1_000

const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, todo: null })
const problem = (check: string, found: string, todo: string): Finding => ({
  check,
  status: 'problem',
  found,
  todo,
})

/**
 * Looks at a database as its runtime login sees it, and changes nothing. A check that fails by
 * itself is `unknown`, and the others go on.
 */
export async function examineDatabase(
  url: string,
  connectionsNeeded: number,
): Promise<readonly Finding[]> {
  const client = plainClient(url)
  try {
    await client.connect()
  } catch (error) {
    const todo = 'Check that Postgres runs, and the address, login and password of DATABASE_URL.'
    return [
      { check: 'postgres', status: 'unknown', found: `no connection: ${codeOf(error)}`, todo },
    ]
  }
  const checks: readonly (readonly [string, () => Promise<Finding | readonly Finding[]>])[] = [
    ['postgres', () => examineVersion(client)],
    ['pooler', () => examinePooler(url, client)],
    ['settings', () => examineSettings(url)],
    ['connections', () => examineConnections(client, connectionsNeeded)],
    ['login', () => examineLogin(url)],
    ['migrations', () => examineMigrations(client)],
    ['schema', () => examineDrift(client)],
    ['clocks', () => examineClocks(client)],
  ]
  try {
    const findings: Finding[] = []
    for (const [check, examine] of checks)
      findings.push(...[await orUnknown(check, examine)].flat())
    return findings
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function orUnknown<T>(check: string, examine: () => Promise<T>): Promise<T | Finding> {
  try {
    return await examine()
  } catch (error) {
    if ((error as { code?: string }).code === PROTOCOL_VIOLATION)
      return refusedSettings(check, error)
    const todo = 'Look at the findings above first; this one may follow from them.'
    return { check, status: 'unknown', found: `not examined: ${codeOf(error)}`, todo }
  }
}

const PROTOCOL_VIOLATION = '08P01'

/** PgBouncer lets nobody in who asks for a setting that it does not know. */
const refusedSettings = (check: string, error: unknown): Finding =>
  problem(
    check,
    `a pooler refuses the settings of the ledger: ${codeOf(error)}`,
    "Connect to Postgres itself. Or let PgBouncer, in session mode, have ignore_startup_parameters = statement_timeout, options, and set statement_timeout = '5s' and jit = off on the login.",
  )

const codeOf = (error: unknown): string => {
  const { code, message } = error as { code?: string; message?: string }
  return [code, message].filter((it) => it !== undefined && it !== '').join(' ')
}

/** Without the settings of the ledger, which some poolers refuse. */
function plainClient(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'dispatch-ledger doctor',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  })
  client.on('error', () => undefined)
  return client
}

async function examineVersion(client: pg.Client): Promise<Finding> {
  const [row] = (
    await client.query<{ number: number; name: string; standby: boolean }>(
      `select current_setting('server_version_num')::int as number,
        current_setting('server_version') as name, pg_is_in_recovery() as standby`,
    )
  ).rows
  if (row === undefined || row.number < VERSION_MIN) {
    return problem('postgres', `version ${row?.name}`, 'Use Postgres 15 or newer.')
  }
  if (row.standby) {
    return problem('postgres', `version ${row.name}, a standby`, 'Use the URL of the primary.')
  }
  return ok('postgres', `version ${row.name}`)
}

type Backend = Readonly<{ processID: number | null }>

/**
 * Two connections on one backend share it between transactions: locks of a session, LISTEN and
 * settings would be lost there. A pooler that gives each of us a backend of its own only shows by
 * the process id that it made up for the handshake.
 */
async function examinePooler(url: string, first: pg.Client): Promise<Finding> {
  const second = plainClient(url)
  await second.connect()
  try {
    const before = await backendOf(first)
    await second.query('begin')
    const other = await backendOf(second)
    // A pool of one would make us wait for the other's transaction: that is sharing, too.
    const after = await backendOf(first).catch(() => other)
    if (other === before || after !== before) {
      return problem(
        'pooler',
        'connections share their backends between transactions: PgBouncer in transaction mode, or alike',
        'Connect to Postgres itself, or to a pool in session mode.',
      )
    }
    const direct = (first as unknown as Backend).processID === before
    return ok('pooler', direct ? 'none: direct connections' : 'one, in session mode')
  } finally {
    await second.end().catch(() => undefined)
  }
}

const backendOf = async (client: pg.Client): Promise<number> =>
  (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid

/** As the connections of the ledger have them, so with the settings that they ask for. */
async function examineSettings(url: string): Promise<readonly Finding[]> {
  const client = new pg.Client(connectionSettings(url, 'doctor'))
  client.on('error', () => undefined)
  await client.connect()
  try {
    const names = Object.keys(WANTED)
    const { rows } = await client.query<{ name: string; setting: string }>(
      'select name, setting from pg_settings where name = any($1)',
      [names],
    )
    const wrong = rows.filter(({ name, setting }) => WANTED[name]?.isGood(setting) !== true)
    if (wrong.length === 0) return [ok('settings', rows.map(textOf).join(', '))]
    return wrong.map((row) => problem('settings', textOf(row), WANTED[row.name]?.todo ?? ''))
  } finally {
    await client.end().catch(() => undefined)
  }
}

const textOf = ({ name, setting }: { name: string; setting: string }): string =>
  `${name} is ${setting}`

type Wanted = Readonly<{ isGood: (setting: string) => boolean; todo: string }>
const wanted = (good: readonly string[], todo: string): Wanted => ({
  isGood: (setting) => good.includes(setting),
  todo,
})

const WANTED: Readonly<Record<string, Wanted>> = {
  fsync: wanted(['on'], 'Set it on: a crash of the machine would lose what was answered.'),
  full_page_writes: wanted(['on'], 'Set it on: a crash could tear pages of the log.'),
  synchronous_commit: wanted(
    ['on', 'remote_write', 'remote_apply'],
    'Set it on for this database: an acknowledged append could be lost.',
  ),
  default_transaction_isolation: wanted(
    ['read committed'],
    'Reset it for this login and database: appends refuse any other.',
  ),
  default_transaction_read_only: wanted(
    ['off'],
    'Reset it for this login and database: nothing can be appended.',
  ),
  jit: wanted(
    ['off'],
    'The ledger asks for jit=off and does not get it: set it on the login, where a pooler drops it.',
  ),
  statement_timeout: {
    isGood: (setting) => setting !== '0',
    todo: 'The ledger asks for one and does not get it: set it on the login, where a pooler drops it.',
  },
}

async function examineConnections(client: pg.Client, needed: number): Promise<Finding> {
  const { rows } = await client.query<{ most: number; mine: number; base: number }>(
    `select current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) as most,
      (select rolconnlimit from pg_roles where rolname = current_user) as mine,
      (select datconnlimit from pg_database where datname = current_database()) as base`,
  )
  const limits = Object.values(rows[0] ?? {}).filter((limit) => limit >= 0)
  const least = Math.min(...limits)
  const found = `a server opens up to ${needed}, Postgres gives ${least}`
  return least >= needed
    ? ok('connections', found)
    : problem('connections', found, 'Raise max_connections, or the limit of the login or database.')
}

async function examineLogin(url: string): Promise<Finding> {
  const pool = createPool(url, 'doctor')
  try {
    const why = await whyNotServable(pool)
    if (why === null) return ok('login', 'may append and project, and change nothing')
    const todo = 'Mend it, or run: dispatch-ledger migrate --database-url <owner>'
    return problem('login', why, todo)
  } finally {
    await pool.end()
  }
}

/** Positions never go back, times do not either: a clock set back stops the time of events. */
async function examineClocks(client: pg.Client): Promise<Finding> {
  const sentMs = Date.now()
  const { rows } = await client.query<{ now: Date; last: Date | null }>(
    'select clock_timestamp() as now, (select recorded_at from ledger.head) as last',
  )
  const hereMs = (sentMs + Date.now()) / 2
  const { now = new Date(0), last = null } = rows[0] ?? {}
  const aheadMs = last === null ? 0 : last.getTime() - now.getTime()
  if (aheadMs > CLOCKS_APART_MS) {
    return problem(
      'clocks',
      `the last event was recorded ${seconds(aheadMs)} after the clock of Postgres`,
      'Set that clock right: until it passes that time, events are recorded with it.',
    )
  }
  const apartMs = Math.abs(now.getTime() - hereMs)
  const found = `Postgres and this machine are ${seconds(apartMs)} apart`
  if (apartMs <= CLOCKS_APART_MS) return ok('clocks', found)
  return { check: 'clocks', status: 'warning', found, todo: 'Let both keep time by NTP.' }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
