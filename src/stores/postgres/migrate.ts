import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { LedgerError } from '../../errors.ts'

const DIRECTORY = fileURLToPath(new URL('./migrations', import.meta.url))

/** The migrations of this build, in order, without their ending. */
export const migrationNames = (): readonly string[] =>
  readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.replace(/\.sql$/, ''))
    .toSorted()

export const sha256Of = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(`${DIRECTORY}/${name}.sql`))
    .digest('hex')

/**
 * Brings the schema of a database to this build's, as a login that may create roles and schemas.
 * Safe to run twice and by two at once. Returns what was applied. Refuses a newer database.
 */
export async function migrate(ownerUrl: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    // `if not exists` alone is no protection from another migrate at the same moment.
    await client.query(`select pg_advisory_lock(hashtextextended('dispatch-ledger migrate', 0))`)
    await client.query('create schema if not exists ledger')
    await refuseNewer(client)
    const applied = await runner({
      dbClient: client,
      dir: DIRECTORY,
      direction: 'up',
      migrationsSchema: 'ledger',
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait',
      log: () => undefined,
    })
    await recordDigests(client)
    return applied.map((it) => it.name)
  } finally {
    await client.end()
  }
}

async function refuseNewer(client: pg.Client): Promise<void> {
  const { rows } = await client.query(`select to_regclass('ledger.migrations') as there`)
  if (rows[0]?.there === null) return
  const unknown = (await appliedNames(client)).filter((name) => !migrationNames().includes(name))
  if (unknown.length === 0) return
  throw new LedgerError(
    'not-ready',
    `The database has the migration ${unknown.join(', ')}, which this build does not know: run a newer dispatch-ledger`,
  )
}

const appliedNames = async (client: pg.Client | pg.Pool): Promise<readonly string[]> =>
  (await client.query<{ name: string }>('select name from ledger.migrations order by id')).rows.map(
    (row) => row.name,
  )

/** What each applied file said, so that an edited one can be found later. */
async function recordDigests(client: pg.Client): Promise<void> {
  await client.query('alter table ledger.migrations add column if not exists sha256 text')
  for (const name of migrationNames()) {
    const text = 'update ledger.migrations set sha256 = $2 where name = $1 and sha256 is null'
    await client.query(text, [name, sha256Of(name)])
  }
}

/** Makes a login the runtime login of a ledger: it may append and project, and owns nothing. */
export async function grantRuntime(ownerUrl: string, login: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    const name = client.escapeIdentifier(login)
    await client.query(`grant ledger_writer, ledger_projector to ${name}`)
  } finally {
    await client.end()
  }
}

/** Why a database cannot be served by this build with this login, or null when it can. */
export async function whyNotServable(pool: pg.Pool): Promise<string | null> {
  const [access] = (await pool.query<Access>(ACCESS)).rows
  if (access?.has_schema !== true) return 'the database has no ledger schema'
  if (!access.is_member) return 'the login is not a member of ledger_writer and ledger_projector'
  const applied = await appliedNames(pool)
  const missing = migrationNames().filter((name) => !applied.includes(name))
  const newer = applied.filter((name) => !migrationNames().includes(name))
  if (missing.length > 0) return `the migration ${missing.join(', ')} is not applied`
  if (newer.length > 0) return `the database has the newer migration ${newer.join(', ')}`
  const [powers] = (await pool.query<Powers>(POWERS)).rows
  return powers === undefined ? 'the database did not say what the login may' : whyUnsafe(powers)
}

type Access = Readonly<{ has_schema: boolean; is_member: boolean }>

/** Reads the catalogs alone: a login without any right on the schema may ask, too. */
const ACCESS = `
  select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'ledger' and c.relname = 'migrations') as has_schema,
    coalesce((select bool_and(pg_has_role(current_user, r.oid, 'usage')) from pg_roles r
      where r.rolname in ('ledger_writer', 'ledger_projector')), false) as is_member`

type Powers = Readonly<{
  owns: boolean
  may_change: boolean
  synchronous_commit: string
  standby: boolean
}>

const POWERS = `
  select pg_has_role(current_user, c.relowner, 'member') as owns,
    has_table_privilege(c.oid, 'insert, update, delete, truncate')
      or has_any_column_privilege(c.oid, 'insert, update') as may_change,
    current_setting('synchronous_commit') as synchronous_commit,
    pg_is_in_recovery() as standby
  from pg_class c where c.oid = to_regclass('ledger.commits')`

function whyUnsafe(found: Powers): string | null {
  if (found.standby) return 'the server is a standby: use the primary'
  if (found.owns || found.may_change) {
    return 'the login may change ledger.commits: use one that may not'
  }
  return ['off', 'local'].includes(found.synchronous_commit)
    ? `synchronous_commit is ${found.synchronous_commit}: an acknowledged append could be lost`
    : null
}
