import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOWED_FUNCTIONS, ALLOWED_TYPES } from '../../src/executors/sql-read/allowed-names.ts'
import {
  COLUMNS_OF_THEIR_OWN,
  NAMING_THEIR_COLUMN,
} from '../../src/executors/sql-read/judge-columns.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { HOSTILE_SQL } from '../support/hostile-corpus.ts'

/**
 * Volatile for Postgres, and allowed: each one reads what moves while a statement runs. One that is
 * not here was allowed without a thought of what it may do beside that.
 */
const KNOWN_HARMLESS = [
  // A clock.
  'clock_timestamp',
  // Sizes, as the file system says; each locks its relation as a SELECT does.
  'pg_database_size',
  'pg_indexes_size',
  'pg_relation_size',
  'pg_table_size',
  'pg_tablespace_size',
  'pg_total_relation_size',
  // How far the server is.
  'pg_current_wal_lsn',
  'pg_is_in_recovery',
  'pg_last_wal_receive_lsn',
  'pg_last_wal_replay_lsn',
  'pg_last_xact_replay_timestamp',
  'pg_sequence_last_value',
  // One row of the catalogue, and what the collation library of the system says of its version.
  'pg_collation_actual_version',
  'pg_database_collation_actual_version',
  // Who waits for whom. It holds up all who take locks for as long as it looks.
  'pg_blocking_pids',
]

/** Not volatile for Postgres, and yet it runs SQL text, gives out a transaction id or reads files. */
const STABLE_BUT_HOSTILE =
  /_to_xml|_xmlschema|^ts_debug|^txid_current|^pg_current_xact_id$|^pg_ls_|^pg_config$|^pg_stat_get_activity$/

type Known = Readonly<{ name: string; volatile: boolean; acl: boolean }>
let database: TestDatabase
let functions: readonly Known[]
beforeAll(async () => {
  database = await createDatabase()
  functions = await database.query<Known>(`
    select proname as name, bool_or(provolatile = 'v') as volatile,
      bool_or(not has_function_privilege('public', oid, 'execute')) as acl
    from pg_proc where pronamespace = 'pg_catalog'::regnamespace group by proname order by proname`)
})
afterAll(() => database.drop())

const allowed = () => functions.filter(({ name }) => ALLOWED_FUNCTIONS.has(name))
const namesOf = (known: readonly Known[]) => known.map(({ name }) => name)

describe('the functions that a statement may call', () => {
  it('are all of pg_catalog', () => {
    expect(functions.length).toBeGreaterThan(2_000)
    expect(namesOf(allowed())).toEqual([...ALLOWED_FUNCTIONS].toSorted())
  })

  it('call a single column by a name of their own only where the judge knows it', async () => {
    const named = await database.query<{ name: string }>(`
      select distinct proname as name from pg_proc, unnest(proargmodes) as mode
      where pronamespace = 'pg_catalog'::regnamespace and mode in ('o', 'b', 't')
      group by oid, proname having count(*) = 1 order by 1`)
    const allowedOnes = named.map(({ name }) => name).filter((name) => ALLOWED_FUNCTIONS.has(name))
    expect(allowedOnes).toEqual(NAMING_THEIR_COLUMN)
  })

  it('are not volatile, but for those that are known to be harmless', () => {
    const volatile = namesOf(allowed().filter((it) => it.volatile))
    expect(volatile).toEqual(KNOWN_HARMLESS.toSorted())
    expect(functions.filter((it) => it.volatile).length).toBeGreaterThan(150)
  })

  it('are none that run SQL text or read files though Postgres calls them stable', () => {
    const hostile = namesOf(functions).filter((name) => STABLE_BUT_HOSTILE.test(name))
    expect(hostile.length).toBeGreaterThan(15)
    expect(hostile.filter((name) => ALLOWED_FUNCTIONS.has(name))).toEqual([])
  })

  it('are none whose EXECUTE Postgres keeps from everybody', () => {
    expect(functions.filter((it) => it.acl).length).toBeGreaterThan(40)
    expect(namesOf(allowed().filter((it) => it.acl))).toEqual([])
  })

  it('are none that the corpus has', () => {
    const refused = HOSTILE_SQL.flatMap(({ entries }) => entries)
      .flatMap(({ refusedBy }) => refusedBy)
      .flatMap((it) => /^(?:function|field) (\w+)$/.exec(it)?.[1] ?? [])
    expect(refused.length).toBeGreaterThan(100)
    expect(refused.filter((name) => ALLOWED_FUNCTIONS.has(name))).toEqual([])
  })

  it('are called by no column that a function in FROM may name without a list', () => {
    expect(namesOf(functions).filter((it) => COLUMNS_OF_THEIR_OWN.includes(it))).toEqual([])
  })
})

describe('what a statement calls without naming a function', () => {
  it('is nothing volatile: operators, casts and the input of types', async () => {
    const volatile = await database.query(`
      select p.oid::regprocedure::text from pg_proc p where p.provolatile = 'v' and p.oid in (
        select oprcode from pg_operator union select castfunc from pg_cast
        union select typinput from pg_type union select typoutput from pg_type
        union select typmodin from pg_type union select typmodout from pg_type)
        and p.pronamespace = 'pg_catalog'::regnamespace`)
    expect(volatile).toEqual([])
  })

  it('is of types that Postgres has', async () => {
    const types = await database.query<{ name: string }>(`select typname as name from pg_type
      where typnamespace = 'pg_catalog'::regnamespace`)
    const known = new Set(types.map(({ name }) => name))
    expect([...ALLOWED_TYPES].filter((name) => !known.has(name))).toEqual([])
  })
})
