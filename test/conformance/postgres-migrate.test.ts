import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  grantRuntime,
  migrate,
  migrationNames,
  whyNotServable,
} from '../../src/stores/postgres/migrate.ts'
import { createPool } from '../../src/stores/postgres/pool.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { withDatabase } from '../support/global-setup.ts'
import { until } from '../support/until.ts'

const unique = (prefix: string): string => `${prefix}_${randomBytes(6).toString('hex')}`
const made: string[] = []

afterAll(() => run(inject('ownerUrl'), made.toReversed()))

describe('migrate', () => {
  it('brings an empty database to this build and has nothing to do the second time', async () => {
    const url = await emptyDatabase()
    expect(await migrate(url)).toEqual(migrationNames())
    expect(await migrate(url)).toEqual([])
    const rows = await query(url, 'select name, sha256 from ledger.migrations order by id')
    const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)
    expect(rows).toEqual(migrationNames().map((name) => ({ name, sha256 })))
  })

  it('may be run by many at once', async () => {
    const url = await emptyDatabase()
    const gate = await connect(url)
    // Nobody can make a schema until all of them are under way.
    await gate.query('begin; lock table pg_catalog.pg_namespace in share mode')
    const runs = [...Array(6).keys()].map(() => migrate(url))
    const outcomes = Promise.allSettled(runs)
    try {
      await until(async () => (await query(url, WAITING)).length === runs.length)
    } finally {
      await gate.end()
    }
    const failed = (await outcomes).filter((it) => it.status === 'rejected')
    expect(failed.map((it) => String(it.reason))).toEqual([])
    expect((await Promise.all(runs)).flat()).toEqual(migrationNames())
  })

  it('refuses a database that is newer and leaves it alone', async () => {
    const url = await emptyDatabase()
    await migrate(url)
    await query(url, NEWER)
    await expect(migrate(url)).rejects.toMatchObject({
      code: 'not-ready',
      message: expect.stringContaining('9999_from_the_future'),
    })
    const rows = await query(url, 'select count(*)::int as n from ledger.migrations')
    expect(rows).toEqual([{ n: migrationNames().length + 1 }])
  })

  it('needs no superuser: an owner who made the roles is enough', async () => {
    const owner = await login('createrole')
    // What Postgres 16 and later grant to whoever makes a role.
    await query(
      inject('ownerUrl'),
      `grant ledger_owner, ledger_writer, ledger_projector, ledger_analyst to ${owner.name}
        with admin true, inherit false, set false`,
    )
    const url = owner.urlOf(await emptyDatabase(`owner ${owner.name}`))
    expect(await migrate(url)).toEqual(migrationNames())
    const runtime = await login()
    await grantRuntime(url, runtime.name)
    expect(await whyNot(runtime.urlOf(url))).toBeNull()
  })
})

describe('a database can be served', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
    return () => database.drop()
  })

  it('with the runtime login', async () => {
    expect(await whyNot(database.runtimeUrl)).toBeNull()
  })

  it('not before it is migrated', async () => {
    const url = await emptyDatabase()
    const runtimeUrl = withDatabase(inject('runtimeUrl'), new URL(url).pathname.slice(1))
    expect(await whyNot(runtimeUrl)).toBe('the database has no ledger schema')
  })

  it('not while a migration of this build is missing', async () => {
    const [first = ''] = migrationNames()
    await withinDatabase(
      database,
      `delete from ledger.migrations where name = '${first}'`,
      async () => {
        expect(await whyNot(database.runtimeUrl)).toContain(`the migration ${first} is not applied`)
      },
    )
  })

  it('not when it has a migration that this build does not know', async () => {
    await withinDatabase(database, NEWER, async () => {
      const why = await whyNot(database.runtimeUrl)
      expect(why).toBe('the database has the newer migration 9999_from_the_future')
    })
  })

  it('not by the superuser', async () => {
    expect(await whyNot(database.ownerUrl)).toContain('the login may change ledger.commits')
  })

  it.each(['off', 'local'])('not when synchronous_commit is %s', async (value) => {
    const name = new URL(database.ownerUrl).pathname.slice(1)
    await query(database.ownerUrl, `alter database ${name} set synchronous_commit = ${value}`)
    expect(await whyNot(database.runtimeUrl)).toContain(`synchronous_commit is ${value}`)
    await query(database.ownerUrl, `alter database ${name} reset synchronous_commit`)
    expect(await whyNot(database.runtimeUrl)).toBeNull()
  })

  it.each([
    ['is no member of anything', ''],
    ['may write but not project', 'grant ledger_writer to LOGIN'],
    ['may project but not write', 'grant ledger_projector to LOGIN'],
  ])('not by a login that %s', async (_, grant) => {
    const { name, urlOf } = await login()
    await query(database.ownerUrl, grant.replace('LOGIN', name))
    const why = await whyNot(urlOf(database.ownerUrl))
    expect(why).toBe('the login is not a member of ledger_writer and ledger_projector')
  })

  it.each([
    ['owns the log', 'grant ledger_owner to LOGIN'],
    ['may take the role that owns the log', 'grant ledger_owner to LOGIN with inherit false'],
    ['may insert rows', 'grant insert on ledger.commits to LOGIN'],
    ['may insert values', 'grant insert (position, events) on ledger.commits to LOGIN'],
  ])('not by a login that %s', async (_, grant) => {
    const { name, urlOf } = await login()
    await query(database.ownerUrl, `grant ledger_writer, ledger_projector to ${name}`)
    await query(database.ownerUrl, grant.replace('LOGIN', name))
    const why = await whyNot(urlOf(database.ownerUrl))
    await query(database.ownerUrl, `revoke all on ledger.commits from ${name}`)
    expect(why).toBe('the login may change ledger.commits: use one that may not')
  })
})

const WAITING = `select pid from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`
const NEWER = `insert into ledger.migrations (name, run_on) values ('9999_from_the_future', now())`

/** The change is taken back when `use` is done. */
async function withinDatabase(
  database: TestDatabase,
  change: string,
  use: () => Promise<void>,
): Promise<void> {
  const kept = await database.query('select * from ledger.migrations order by id')
  await database.query(change)
  try {
    await use()
  } finally {
    await database.query('truncate ledger.migrations')
    const restore =
      'insert into ledger.migrations select * from json_populate_recordset(null::ledger.migrations, $1)'
    await database.query(restore, [JSON.stringify(kept)])
  }
}

async function whyNot(url: string): Promise<string | null> {
  const pool = createPool(url, 'start')
  try {
    return await whyNotServable(pool)
  } finally {
    await pool.end()
  }
}

async function emptyDatabase(options = ''): Promise<string> {
  const name = unique('m')
  await query(inject('ownerUrl'), `create database ${name} ${options}`)
  made.push(`drop database ${name} with (force)`)
  return withDatabase(inject('ownerUrl'), name)
}

async function login(attributes = '') {
  const name = unique('l')
  await query(inject('ownerUrl'), `create role ${name} login ${attributes} password 'secret'`)
  made.push(`drop role ${name}`)
  const urlOf = (database: string): string => {
    const url = new URL(database)
    url.username = name
    url.password = 'secret'
    return url.href
  }
  return { name, urlOf }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = await connect(url)
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  for (const text of statements) await query(url, text)
}
