import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { Finding } from '../../src/ports.ts'
import { examineDatabase } from '../../src/stores/postgres/examine.ts'
import { describeSchema } from '../../src/stores/postgres/examine-schema.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { withDatabase } from '../support/global-setup.ts'
import { type PoolingProxy, startPoolingProxy } from '../support/pooling-proxy.ts'

const NEEDED = 10
let database: TestDatabase
let name: string
beforeAll(async () => {
  database = await createDatabase()
  name = new URL(database.ownerUrl).pathname.slice(1)
  return () => database.drop()
})

const examine = (url = database.runtimeUrl, needed = NEEDED) => examineDatabase(url, needed)
const notOk = (findings: readonly Finding[]) => findings.filter((it) => it.status !== 'ok')

/** What is not well while a change stands; afterwards all must be as it was. */
async function withChange(change: string, back: string, examined = examine): Promise<Finding[]> {
  // From outside where it is about the database: it may be one that nobody can write to.
  const apply = (text: string) =>
    text.startsWith('alter database') ? database.admin(text) : database.query(text)
  await apply(change)
  try {
    return notOk(await examined())
  } finally {
    await apply(back)
  }
}

it('schema.txt is what the migrations make: `npx vitest run test/conformance/postgres-doctor.test.ts -u` after one', async () => {
  const owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  const lines = await describeSchema(owner)
  await owner.end()
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../../src/stores/postgres/schema.txt')
})

describe('the examination of a sound database', () => {
  it('finds nothing, and says what it looked at', async () => {
    const findings = await examine()
    // The tests' Postgres runs without fsync, and nothing else is wrong with it.
    expect(notOk(findings).map(({ found }) => found)).toEqual([
      'fsync is off',
      'full_page_writes is off',
    ])
    const checks = [
      'postgres',
      'pooler',
      'settings',
      'connections',
      'login',
      'migrations',
      'schema',
      'clocks',
    ]
    expect([...new Set(findings.map((it) => it.check))]).toEqual(checks)
  })
})

describe('a change to the schema is found', () => {
  const kinds: readonly (readonly [string, string, string, string])[] = [
    [
      'a grant to change the log',
      'grant update on ledger.commits to ledger_writer',
      'revoke update on ledger.commits from ledger_writer',
      'added: grant UPDATE on commits to ledger_writer',
    ],
    [
      'a grant on one column',
      'grant insert (events) on ledger.commits to ledger_projector',
      'revoke insert (events) on ledger.commits from ledger_projector',
      'added: grant INSERT on commits (events) to ledger_projector',
    ],
    [
      'a trigger that does not fire',
      'alter table ledger.commits disable trigger append_only',
      'alter table ledger.commits enable trigger append_only',
      'EXECUTE FUNCTION ledger.refuse_change(), enabled D',
    ],
    [
      'another owner',
      'alter table ledger.commits owner to postgres',
      'alter table ledger.commits owner to ledger_owner',
      'missing: table commits, owned by ledger_owner',
    ],
    [
      'a function that everybody may call',
      'grant execute on function ledger.refuse_change to public',
      'revoke execute on function ledger.refuse_change from public',
      'added: grant EXECUTE on refuse_change() to public',
    ],
    [
      'a function with another setting',
      'alter function ledger.refuse_change reset search_path',
      'alter function ledger.refuse_change set search_path = pg_catalog, pg_temp',
      'added: function refuse_change(), body',
    ],
    [
      'a column',
      'alter table ledger.commits add column note text',
      'alter table ledger.commits drop column note',
      'added: column commits.note text',
    ],
    [
      'a constraint that is gone',
      'alter table ledger.commits drop constraint commits_count_check',
      'alter table ledger.commits add constraint commits_count_check check (count > 0)',
      'missing: constraint on commits: CHECK ((count > 0))',
    ],
    [
      'an index',
      'create index note on ledger.commits (call_id)',
      'drop index ledger.note',
      'added: CREATE INDEX note',
    ],
  ]
  it.each(kinds)('%s', async (_, change, back, found) => {
    const drift = (await withChange(change, back)).filter((it) => it.check === 'schema')
    expect(drift).toMatchObject([{ status: 'problem', found: expect.stringContaining(found) }])
    expect(drift[0]?.todo).toContain('undo it')
  })

  it('and one that only lets somebody read is a warning', async () => {
    const findings = await withChange(
      'grant select on ledger.commits to ledger_analyst',
      'revoke select on ledger.commits from ledger_analyst',
    )
    expect(findings.filter((it) => it.check === 'schema')).toMatchObject([{ status: 'warning' }])
  })
})

describe('what could lose or stop appends is found', () => {
  it.each([
    ['synchronous_commit', 'off'],
    ['default_transaction_isolation', 'serializable'],
    ['default_transaction_read_only', 'on'],
  ])('%s is %s', async (setting, value) => {
    const findings = await withChange(
      `alter database ${name} set ${setting} = '${value}'`,
      `alter database ${name} reset ${setting}`,
    )
    const found = findings.filter((it) => it.found === `${setting} is ${value}`)
    expect(found).toMatchObject([{ check: 'settings', status: 'problem' }])
  })

  it('fewer connections than a server opens', async () => {
    const findings = await withChange(
      `alter database ${name} connection limit 12`,
      `alter database ${name} connection limit -1`,
      () => examine(database.runtimeUrl, 13),
    )
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'connections', status: 'problem' }),
    )
  })

  it('a login that may change the log', async () => {
    const found = notOk(await examine(database.ownerUrl)).filter((it) => it.check === 'login')
    expect(found).toMatchObject([{ found: expect.stringContaining('may change ledger.commits') }])
  })

  it('a clock that was set back', async () => {
    const set = (time: string) => `update ledger.head set recorded_at = ${time}`
    const findings = await withChange(set(`clock_timestamp() + interval '1 hour'`), set('null'))
    expect(findings.filter((it) => it.check === 'clocks')).toMatchObject([
      { status: 'problem', found: expect.stringMatching(/recorded 3[56]\d\d\.\d s after/) },
    ])
  })
})

describe('migrations', () => {
  const changed = async (change: string) => {
    const kept = JSON.stringify(await database.query('select * from ledger.migrations order by id'))
    const rows = `json_populate_recordset(null::ledger.migrations, '${kept}')`
    const back = `truncate ledger.migrations; insert into ledger.migrations select * from ${rows}`
    return (await withChange(change, back)).filter((it) => it.check === 'migrations')
  }

  it('of a newer build are found', async () => {
    const newer = `insert into ledger.migrations (name, run_on) values ('9999_future', now())`
    expect(await changed(newer)).toMatchObject([{ found: '9999_future unknown to this build' }])
  })

  it('that are missing are found', async () => {
    const gone = `delete from ledger.migrations where name like '0001%'`
    expect(await changed(gone)).toMatchObject([{ found: '0001_ledger not applied' }])
  })

  it('that were edited after they were applied are found', async () => {
    const edited = `update ledger.migrations set sha256 = 'f00' where name like '0001%'`
    expect(await changed(edited)).toMatchObject([
      { status: 'problem', found: '0001_ledger was applied as another file' },
    ])
  })
})

describe('a pooler', () => {
  let proxy: PoolingProxy
  const poolerOf = async (mode: 'transaction' | 'session') => {
    proxy = await startPoolingProxy(database.runtimeUrl, mode)
    const findings = await examine(proxy.url)
    await proxy.close()
    return findings.find((it) => it.check === 'pooler')
  }

  it('that shares backends between transactions is a problem', async () => {
    expect(await poolerOf('transaction')).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('transaction mode'),
    })
  })

  it('that gives each connection a backend of its own is told, and none', async () => {
    expect(await poolerOf('session')).toMatchObject({ status: 'ok', found: 'one, in session mode' })
    const direct = (await examine()).find((it) => it.check === 'pooler')
    expect(direct).toMatchObject({ status: 'ok', found: 'none: direct connections' })
  })
})

describe('where it cannot tell', () => {
  it('a server that does not answer is unknown', async () => {
    const findings = await examine('postgres://nobody:hush@127.0.0.1:1/none')
    expect(findings).toMatchObject([{ check: 'postgres', status: 'unknown' }])
    expect(JSON.stringify(findings)).not.toContain('hush')
  })

  it('a database without a ledger has unknown findings, and says what to do', async () => {
    const empty = `d_${randomBytes(6).toString('hex')}`
    await database.admin(`create database ${empty}`)
    const findings = await examine(withDatabase(inject('runtimeUrl'), empty))
    await database.admin(`drop database ${empty} with (force)`)
    expect(findings.find((it) => it.check === 'login')).toMatchObject({
      status: 'problem',
      found: 'the database has no ledger schema',
      todo: expect.stringContaining('migrate'),
    })
    expect(findings.find((it) => it.check === 'migrations')?.status).toBe('unknown')
  })
})
