import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/json.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { readExample } from '../support/example.ts'
import { SITUATIONS, WELL } from '../support/situations.ts'
import { createSqlSource, type Login, type SqlSource } from '../support/sql-source.ts'
import { until } from '../support/until.ts'

const example = readExample('health-check')

let source: SqlSource
let monitor: Login

beforeAll(async () => {
  source = await createSqlSource()
  await run(WELL)
  monitor = await source.login('in role pg_monitor')
  const { name } = monitor
  await run([
    `grant usage on schema shop to ${name}`,
    `grant select on all tables in schema shop to ${name}`,
    `grant select on all sequences in schema shop to ${name}`,
    `alter default privileges in schema shop grant select on tables to ${name}`,
    `alter default privileges in schema shop grant select on sequences to ${name}`,
  ])
})
afterEach(() => run(['drop table if exists shop.log']))
afterAll(() => source.drop())

async function run(statements: readonly string[]): Promise<void> {
  for (const statement of statements) await source.database.query(statement)
}

type Rows = readonly JsonObject[]

/** By a session of its own, which begins with the settings of the moment. */
async function rowsOf(check: string, params: JsonObject = {}): Promise<Rows> {
  const executor = createSqlRead({ checked: monitor.url })
  const report = await executor.dryRun(example.plan(check, params), new AbortController().signal)
  await executor.close()
  expect(report.verdict, JSON.stringify(report.output)).toBe('would_succeed')
  return (report.output as { rows: Rows }).rows
}

const some = async (rows: Promise<Rows>): Promise<Rows | false> =>
  (await rows).length > 0 && (await rows)
const none = async (rows: Promise<Rows>): Promise<boolean> => (await rows).length === 0

describe('a check finds, and only while it is there:', () => {
  it.each(SITUATIONS)('$name ($check)', async ({ check, params, make, finds, cure }) => {
    const found = async () =>
      (await rowsOf(check, params)).filter((row) => row['schema'] === 'shop')
    expect(await found()).toEqual([])
    await run(make)
    expect(await until(() => some(found()))).toMatchObject(finds)
    await run(cure)
    await until(() => none(found()), { what: `${check} to find nothing` })
  })

  it('an index that could not be built (hc.invalid-indexes)', async () => {
    const found = () => rowsOf('hc.invalid-indexes')
    expect(await found()).toEqual([])
    const building = run(['create unique index concurrently once on shop.orders (customer)'])
    await expect(building).rejects.toMatchObject({ code: '23505' })
    expect(await found()).toMatchObject([
      { status: 'critical', schema: 'shop', table: 'orders', index: 'once', isBeingBuilt: false },
    ])
    await run(['drop index shop.once'])
    expect(await found()).toEqual([])
  })

  it('a setting that loses commits (hc.settings)', async () => {
    const found = async () =>
      (await rowsOf('hc.settings')).filter((row) => row['setting'] === 'synchronous_commit')
    expect(await found()).toEqual([])
    await run([`alter role ${monitor.name} set synchronous_commit = off`])
    expect(await found()).toMatchObject([{ status: 'warning', value: 'off', source: 'user' }])
    await run([`alter role ${monitor.name} reset synchronous_commit`])
    expect(await found()).toEqual([])
  })

  it('a slot that nobody reads (hc.replication-slots)', async () => {
    const slot = `slot_${monitor.name}`
    const found = async (criticalBytes: number) => {
      const params = { warningBytes: criticalBytes, criticalBytes }
      return (await rowsOf('hc.replication-slots', params)).filter((row) => row['slot'] === slot)
    }
    expect(await found(1e12)).toEqual([])
    await run([`select pg_create_physical_replication_slot('${slot}', true)`])
    expect(await found(1e12)).toMatchObject([
      { status: 'warning', type: 'physical', active: false },
    ])
    expect(await found(0)).toMatchObject([{ status: 'critical', walStatus: 'reserved' }])
    await run([`select pg_drop_replication_slot('${slot}')`])
    expect(await found(1e12)).toEqual([])
  })

  it('what was sorted on disk (hc.temp-files)', async () => {
    const found = () => rowsOf('hc.temp-files', { warningBytes: 1, criticalBytes: 1e12 })
    expect(await found()).toMatchObject([{ status: 'ok', files: 0, bytes: 0 }])
    await run([
      `begin; set local work_mem = '64kB';
      select from generate_series(1, 50000) as g order by g desc; commit`,
    ])
    await until(async () => (await found())[0]?.['status'] === 'warning')
  })

  it('the rows of one table (hc.table-rows)', async () => {
    const found = (table: string) => rowsOf('hc.table-rows', { schema: 'shop', table })
    await until(async () => (await found('orders'))[0]?.['rows'] === 100)
    expect(await found('nowhere')).toEqual([])
  })

  it.each([
    ['hc.connections', 'warningPercent', 'criticalPercent', 100],
    ['hc.database-age', 'warningAge', 'criticalAge', 2_147_483_647],
    ['hc.multixact-age', 'warningAge', 'criticalAge', 2_147_483_647],
  ])('what is over a threshold (%s)', async (check, warning, critical, most) => {
    const statusAt = async (params: JsonObject) =>
      new Set((await rowsOf(check, params)).map((row) => row['status']))
    expect(await statusAt({ [warning]: most, [critical]: most })).toEqual(new Set(['ok']))
    expect(await statusAt({ [warning]: 0, [critical]: most })).toEqual(new Set(['warning']))
    expect(await statusAt({ [warning]: 0, [critical]: 0 })).toEqual(new Set(['critical']))
  })
})

describe('a check finds a session, and only while it is there:', () => {
  const sessions: pg.Client[] = []
  const session = async () => {
    const client = new pg.Client({ connectionString: source.database.ownerUrl })
    sessions.push(client)
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return { client, pid: rows[0]?.pid ?? 0 }
  }
  afterEach(() => Promise.all(sessions.splice(0).map((it) => it.end())))

  const inSession = async (check: string, pid: number, seconds = 0) => {
    const rows = await rowsOf(check, { warningSeconds: seconds, criticalSeconds: 1e6 })
    return rows.filter((row) => row['pid'] === pid)
  }

  it.each(['hc.long-transactions', 'hc.idle-in-transaction'])('left open (%s)', async (check) => {
    const { client, pid } = await session()
    expect(await inSession(check, pid)).toEqual([])
    await client.query('begin')
    expect(await until(() => some(inSession(check, pid)))).toMatchObject([
      { status: 'warning', state: 'idle in transaction' },
    ])
    expect(await inSession(check, pid, 1000)).toEqual([])
    await client.query('rollback')
    await until(() => none(inSession(check, pid)))
  })

  it('that waits for the lock of another (hc.blocked-queries)', async () => {
    const [holder, waiter] = [await session(), await session()]
    await holder.client.query('begin; lock table shop.orders')
    const waiting = waiter.client.query('select from shop.orders')
    const found = () => inSession('hc.blocked-queries', waiter.pid)
    expect(await until(() => some(found()))).toMatchObject([
      {
        status: 'warning',
        mode: 'AccessShareLock',
        relation: 'shop.orders',
        blockedBy: [holder.pid],
      },
    ])
    await holder.client.query('rollback')
    await waiting
    expect(await found()).toEqual([])
  })

  it('that was ended in a deadlock (hc.deadlocks)', async () => {
    const count = async () => (await rowsOf('hc.deadlocks', { warning: 1, critical: 2 }))[0]
    expect(await count()).toMatchObject({ status: 'ok', deadlocks: 0 })
    const [one, other] = [await session(), await session()]
    const begin = `set deadlock_timeout = '10ms'; begin; select from shop.customer where name =`
    await one.client.query(`${begin} 'Ada' for update`)
    await other.client.query(`${begin} 'Blaise' for update`)
    const lock = async ({ client }: typeof one, name: string) => {
      await client.query('select from shop.customer where name = $1 for update', [name])
      await client.query('rollback')
    }
    const crossed = await Promise.allSettled([lock(one, 'Blaise'), lock(other, 'Ada')])
    expect(crossed.filter((it) => it.status === 'rejected').length).toBeGreaterThan(0)
    await Promise.all([one.client.end(), other.client.end()])
    await until(async () => (await count())?.['status'] !== 'ok')
  })
})
