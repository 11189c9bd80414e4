import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { invoke } from '../../src/executors/sql-read/invoke.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { describeExecutor } from '../conformance/executor.ts'
import { sqlPlan } from '../support/sql-plan.ts'
import { SHOP_SQL } from '../support/sql-shop.ts'
import { createSqlSource, sqlServers } from '../support/sql-source.ts'
import { until } from '../support/until.ts'
import { watchDatabase } from '../support/watched-database.ts'

const SHOP_ONLY = { schemas: ['shop'] }
/** Ends by its time alone, and asks nothing that the SQL judge would keep away. */
const ENDLESS = 'select count(*) from generate_series(1, 1000000000000)'
const never = () => new AbortController().signal

async function openShop(serverUrl?: string) {
  const source = await createSqlSource(serverUrl)
  await source.database.query(SHOP_SQL)
  const { url } = await source.reader('shop')
  const executor = createSqlRead({ shop: url })
  return {
    source,
    executor,
    async close() {
      await executor.close()
      await source.drop()
    },
  }
}

describe.each(sqlServers())('on %s', (_name, serverUrl) =>
  describeExecutor('sql-read', {
    evidence: ['noTransactionId', 'stillReadOnly', 'canaryIntact'],
    open: async () => {
      const shop = await openShop(serverUrl)
      const { source, executor } = shop
      const watched = watchDatabase(source.database)
      const sql = 'select id, word from shop.orders where paid = $1 order by id'
      return {
        executor,
        quick: sqlPlan(sql, { ...SHOP_ONLY, bind: ['/paid'], params: { paid: true } }),
        endless: (timeMs) => sqlPlan(ENDLESS, { limits: { timeMs } }),
        oversized: (outputBytes) =>
          sqlPlan('select * from shop.orders', { ...SHOP_ONLY, limits: { outputBytes } }),
        watched: () => watched.digest(),
        close: () => shop.close(),
      }
    },
    negativeControls: [
      {
        name: 'a source that it does not have',
        plan: () => sqlPlan('select 1', { source: 'elsewhere' }),
        failure: 'threw',
        code: 'source-unknown',
      },
      {
        name: 'a write',
        plan: () => sqlPlan("insert into shop.orders values (51, 'x', true)"),
        failure: 'threw',
        code: '25006',
      },
      {
        name: 'a function that writes',
        plan: () => sqlPlan('select shop.note()'),
        failure: 'threw',
        code: '25006',
      },
      {
        name: 'a view that writes',
        plan: () => sqlPlan('select * from shop.noting', SHOP_ONLY),
        failure: 'threw',
        code: '25006',
      },
      {
        name: 'a temporary table',
        plan: () => sqlPlan('create temporary table note (id int)'),
        failure: 'threw',
        code: '25006',
      },
      {
        name: 'more rows than the plan allows',
        plan: () => sqlPlan('select generate_series(1, 11)', { limits: { rows: 10 } }),
        failure: 'limit',
        code: 'rows',
      },
      {
        name: 'one value that is far longer than the plan allows',
        plan: () => sqlPlan("select repeat('x', 100000000)"),
        failure: 'limit',
        code: 'output',
      },
      {
        name: 'two columns of one name',
        plan: () => sqlPlan('select 1 as a, 2 as a'),
        failure: 'not-json',
        code: 'duplicate-column',
      },
      {
        name: 'JSON that holds a key twice',
        plan: () => sqlPlan(`select '{"a":1,"a":2}'::json as it`),
        failure: 'not-json',
        code: 'duplicate-key',
      },
      {
        name: 'JSON that holds a number no double can',
        plan: () => sqlPlan(`select '[12345678901234567890]'::jsonb as it`),
        failure: 'not-json',
        code: 'unsafe-number',
      },
      {
        name: 'the end of its own session',
        plan: () => sqlPlan('select pg_terminate_backend(pg_backend_pid())'),
        failure: 'threw',
        code: '57P01',
      },
      {
        name: 'a pointer that finds nothing',
        plan: () => sqlPlan('select $1::text', { bind: ['/absent'] }),
        failure: 'threw',
        code: 'no-program',
      },
      {
        name: 'a program of another type',
        plan: () => ({ ...sqlPlan(''), program: { jsonata: '1' } }),
        failure: 'threw',
        code: 'no-program',
      },
    ],
  }),
)

describe('a statement', () => {
  let shop: Awaited<ReturnType<typeof openShop>>
  beforeAll(async () => {
    shop = await openShop()
  })
  afterAll(() => shop.close())
  const run = (...asked: Parameters<typeof sqlPlan>) =>
    shop.executor.dryRun(sqlPlan(...asked), never())
  const rowsOf = async (...asked: Parameters<typeof sqlPlan>) =>
    ((await run(...asked)).output as { rows: unknown[] }).rows

  it('is answered with rows, each by its columns', async () => {
    const asked = { ...SHOP_ONLY, bind: ['/id'], params: { id: 7 } }
    expect(await rowsOf('select * from shop.orders where id = $1', asked)).toEqual([
      { id: 7, word: 'order 7', paid: false },
    ])
    expect(await rowsOf('select from shop.orders where id < 3', SHOP_ONLY)).toEqual([{}, {}])
    expect(await rowsOf('select 1 where false')).toEqual([])
  })

  it.each([
    ['true', true],
    ['null', null],
    ['7::int2', 7],
    ['9007199254740991::int8', 9007199254740991],
    ['9007199254740992::int8', '9007199254740992'],
    ['1.50::numeric', '1.50'],
    ['0.1::float8', 0.1],
    ["'NaN'::float8", 'NaN'],
    ["'Infinity'::float4", 'Infinity'],
    ['1e300::float8', '1e+300'],
    ["'x'::text", 'x'],
    ['\'{"a":[1,null]}\'::jsonb', { a: [1, null] }],
    ["date '2026-01-02'", '2026-01-02'],
    ["timestamptz '2026-01-02 03:04:05+02'", '2026-01-02 01:04:05+00'],
    ["interval '1 day 2 hours'", 'P1DT2H'],
    ["'\\xff00'::bytea", '\\xff00'],
    ['array[1, null, 3]', '{1,NULL,3}'],
  ])('gives %s as JSON', async (value, expected) => {
    expect(await rowsOf(`select ${value} as it`)).toStrictEqual([{ it: expected }])
  })

  it.each([
    ['a text that would be SQL', "'; drop table shop.orders; --"],
    ['a number', 1.5],
    ['a truth', false],
    ['null', null],
    ['a list', [1, 'two']],
    ['an object', { a: { b: "'" } }],
  ])('is bound to %s, and never spliced', async (_what, value) => {
    const [row] = await rowsOf('select $1::text as it', { bind: ['/it'], params: { it: value } })
    const text = value === null || typeof value === 'string' ? value : JSON.stringify(value)
    expect(row).toEqual({ it: text })
  })

  it.each([
    ['22012', 'select 1 / 0 as it'],
    ['42P01', 'select * from shop.nothing'],
    ['42501', 'select * from pg_catalog.pg_authid'],
    ['22P02', "select 'the order 99 does not exist'::int as it"],
  ])('that raises %s would fail, and leaves whole evidence', async (sqlstate, sql) => {
    const { verdict, output, evidence } = await run(sql)
    expect(verdict).toBe('would_fail')
    expect(output).toEqual({ error: { sqlstate, message: expect.any(String) } })
    expect(Object.values(evidence).map((it) => it.holds)).toEqual([true, true, true])
  })

  it('leaves evidence that says what was seen', async () => {
    const { evidence } = await run('select 1 as one', { limits: { timeMs: 2_500 } })
    expect(evidence).toEqual({
      noTransactionId: { holds: true, seen: { transactionId: null } },
      stillReadOnly: { holds: true, seen: { transactionReadOnly: 'on' } },
      canaryIntact: { holds: true, seen: { canary: 'as set', statementTimeout: '2500ms' } },
    })
  })

  it.each([
    [6, 'select 1 as one'],
    [7, 'select 1 / 0 as none'],
  ])('costs %i statements beside itself: %s', async (expected, sql) => {
    const { url } = await shop.source.login()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const statements = vi.spyOn(client, 'query')
    const question = { sql, values: [], limits: sqlPlan(sql).limits, breakOff: () => undefined }
    await invoke(client, question, 'a canary')
    const counted = statements.mock.calls.map(([text]: readonly unknown[]) =>
      typeof text === 'string' ? text.split(';').length : 1,
    )
    expect(counted.reduce((sum, count) => sum + count)).toBe(expected + 1)
    await client.end()
  })

  it('that ends the transaction breaks the canary, and its session is never used again', async () => {
    const { evidence } = await run('commit')
    expect(evidence).toMatchObject({
      stillReadOnly: { holds: false },
      canaryIntact: { holds: false, seen: { canary: 'not as set', statementTimeout: '0' } },
    })
  })

  it('with such evidence costs its session, and one with good evidence does not', async () => {
    const sessionOf = async () => (await rowsOf('select pg_backend_pid() as pid'))[0]
    const first = await sessionOf()
    expect(await sessionOf()).toEqual(first)
    await run('commit')
    expect(await sessionOf()).not.toEqual(first)
  })

  it('that lifts its limit of time breaks the canary', async () => {
    const { evidence } = await run("select set_config('statement_timeout', '0', true)")
    expect(evidence['canaryIntact']).toMatchObject({ holds: false, seen: { canary: 'as set' } })
  })

  it('is ended on the server as well when its caller gives up', async () => {
    const caller = new AbortController()
    const running = shop.executor.dryRun(sqlPlan(ENDLESS), caller.signal).catch(() => 'ended')
    const active = async () =>
      (
        await shop.source.database.query<{ n: number }>(
          `select count(*)::int as n from pg_stat_activity
          where datname = current_database() and query like '%generate_series(1, 1000000000000)%'
            and pid <> pg_backend_pid() and state = 'active'`,
        )
      )[0]?.n
    await until(async () => ((await active()) === 1 ? true : undefined))
    caller.abort()
    expect(await running).toBe('ended')
    await until(async () => ((await active()) === 0 ? true : undefined))
  })
})
