import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Executor } from '../../src/ports.ts'
import { dryReport, ScriptedExecutor } from '../support/doubles.ts'
import { gateIn, historyOf, register, sqlCatalogueOf, typesOf } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { ONLY_READS } from '../support/sql-plan.ts'
import { createSqlSource, type SqlSource } from '../support/sql-source.ts'

const ORDERS = 'select id, word from shop.orders where id <= $1 order by id'
const BY_ID = { bind: ['/upTo'], target: { source: 'shop', schemas: ['shop'] } }

describe('rule 0: a database is really asked, and the evidence that nothing mutated is stored', () => {
  let source: SqlSource
  let ledger: TestLedger
  let roleName: string
  beforeAll(async () => {
    source = await createSqlSource()
    await source.database.query(`create schema shop;
      create table shop.orders (id int primary key, word text);
      insert into shop.orders select n, 'order ' || n from generate_series(1, 5) n`)
    const { name, url } = await source.reader('shop')
    roleName = name
    const sqlSources = { shop: url, owned: source.database.ownerUrl }
    ledger = await openReadyLedger({ sqlSources })
  })
  afterAll(async () => {
    await ledger.close()
    await source.drop()
  })
  async function ready(name: string, ...asked: [sql: string, change?: object]) {
    const catalogue = sqlCatalogueOf(name, ...asked)
    await register(ledger, catalogue.manifests)
    return catalogue
  }

  it('answers the rows of the database, with params bound by their pointers', async () => {
    const { command } = await ready('orders', ORDERS, BY_ID)
    const { status, body } = await ledger.dispatch(command({ params: { upTo: 2 } }))
    expect({ status, reached: body.reached }).toEqual({ status: 201, reached: 'DryRunRecorded' })
    expect(body.event.data).toMatchObject({
      verdict: 'would_succeed',
      output: {
        rows: [
          { id: 1, word: 'order 1' },
          { id: 2, word: 'order 2' },
        ],
      },
      executor: { type: 'sql-read', build: 1 },
    })
  })

  it('leaves in one event all that shows why nothing mutated', async () => {
    const { command } = await ready('whole', ORDERS, BY_ID)
    const { body } = await ledger.dispatch(command({ params: { upTo: 1 } }))
    const [, , recorded] = await historyOf(ledger, body.dispatchId)
    const { gates } = recorded.data.snapshot
    expect(gateIn(gates, 'read-only').seen).toEqual({
      sideEffects: 'none',
      facts: {
        sql: { allowed: true, schemas: ['shop'] },
        source: {
          role: roleName,
          database: expect.stringMatching(/^t_/),
          serverVersion: expect.any(Number),
          replica: false,
          ...ONLY_READS,
        },
      },
    })
    expect(gateIn(gates, 'evidence').seen).toEqual({
      noTransactionId: { holds: true, seen: { transactionId: null } },
      stillReadOnly: { holds: true, seen: { transactionReadOnly: 'on' } },
      canaryIntact: { holds: true, seen: { canary: 'as set', statementTimeout: '1s' } },
    })
  })

  it('says each piece of it in a plain sentence', async () => {
    const { command } = await ready('said', ORDERS, BY_ID)
    const { body } = await ledger.dispatch(command({ params: { upTo: 1 } }))
    const why = await ledger.ask('GET', `/v1/dispatches/${body.dispatchId}/explain`)
    expect(why.body.steps.at(-1).evidence).toEqual([
      { name: 'noTransactionId', holds: true, says: expect.stringMatching(/^Postgres gave/) },
      { name: 'stillReadOnly', holds: true, says: expect.stringMatching(/READ ONLY\.$/) },
      { name: 'canaryIntact', holds: true, says: expect.stringMatching(/rolled back\.$/) },
    ])
  })

  it('records what the database definitely refuses as would_fail, and replays it', async () => {
    const { command } = await ready('fails', "select 'no order 9'::int as it", {
      target: BY_ID.target,
    })
    const first = await ledger.dispatch(command())
    expect(first.body.event.data).toMatchObject({
      verdict: 'would_fail',
      output: { error: { sqlstate: '22P02' } },
    })
    const again = await ledger.dispatch(command())
    expect(again.body).toMatchObject({ outcome: 'replayed', eventsAppended: 0 })
  })

  it.each([
    ['a write', 'delete from shop.orders', 'it is no SELECT: DeleteStmt'],
    ['a function that is not listed', 'select pg_sleep(1)', 'the function pg_sleep is not allowed'],
    ['two statements', 'select 1; select 2', 'it is 2 statements, not one'],
    [
      'a parameter that nothing is bound to',
      'select $1::int',
      'takes 1 parameters, and 0 are bound',
    ],
  ])('registers no contract with %s', async (_what, sql, why) => {
    const { manifests } = sqlCatalogueOf('hostile', sql)
    const { status, body } = await ledger.ask('POST', '/v1/catalogue', { manifests })
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'manifest-invalid' })
    expect(body.detail).toContain(why)
  })

  it.each<[string, object, string]>([
    ['a source', { target: { source: undefined } }, '/source'],
    ['a well-formed pointer', { bind: ['upTo'] }, '/program/bind/0: a JSON Pointer'],
    ['no baseline', { contract: { baseline: [] } }, 'baseline'],
  ])('registers nothing without %s', async (_what, change, why) => {
    const { manifests } = sqlCatalogueOf('shapeless', ORDERS, change)
    const sent = manifests.map((it) =>
      it['kind'] === 'Contract' ? { ...it, ...(change as { contract?: object }).contract } : it,
    )
    const { status, body } = await ledger.ask('POST', '/v1/catalogue', { manifests: sent })
    expect(status).toBe(422)
    expect(body.detail).toContain(why)
  })

  it('refuses params that leave a pointer nothing to find: null has to be said', async () => {
    const { command } = await ready('unbound', 'select $1::text as it', {
      ...BY_ID,
      bind: ['/a/b'],
    })
    const refused = await ledger.dispatch(command({ params: { a: {} } }))
    expect(refused).toMatchObject({ status: 422, body: { code: 'params-invalid' } })
    expect(gateIn(refused.body.gates, 'params').seen).toEqual({
      valid: false,
      errors: [{ path: '/a/b', keyword: 'bind' }],
    })
    const { body } = await ledger.dispatch(command({ params: { a: { b: null } } }))
    expect(body.event.data.output).toEqual({ rows: [{ it: null }] })
  })

  it.each<[string, string, object, string]>([
    ['sql-not-allowed', ORDERS, { ...BY_ID, target: { source: 'shop' } }, 'offer the schema shop'],
    ['executor-unsafe', 'select 1 as it', { target: { source: 'owned' } }, 'superuser'],
    ['executor-unsafe', 'select 1 as it', { target: { source: 'unknown' } }, 'null'],
    ['executor-unsafe', 'select 1 as it', { target: { source: 'shop', replica: true } }, 'false'],
  ])('refuses in preflight with %s: %s %j', async (code, sql, change, shown) => {
    const name = `unsafe-${JSON.stringify(change).length}`
    const { command } = await ready(name, sql, change)
    const { body } = await ledger.dispatch(command({ params: { upTo: 1 } }))
    expect(body).toMatchObject({ code, rule: 4, stage: 'preflight', reached: 'Planned' })
    expect(JSON.stringify(gateIn(body.gates, 'read-only').seen)).toContain(shown)
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual(['Planned', 'Refused'])
  })

  it('cannot tell, and refuses, while a source cannot be asked', async () => {
    const gone = await openReadyLedger({ sqlSources: { gone: 'postgres://x@127.0.0.1:1/x' } })
    const { manifests, command } = sqlCatalogueOf('gone', 'select 1 as it')
    await register(gone, manifests)
    const { status, body } = await gone.dispatch(command())
    expect({ status, code: body.code, rule: body.rule }).toEqual({
      status: 503,
      code: 'gate-indeterminate',
      rule: 4,
    })
    await gone.close()
  })
})

describe('rule 0: each piece of the evidence of sql-read decides', () => {
  const item = { holds: true, seen: null }
  const whole = { noTransactionId: item, stillReadOnly: item, canaryIntact: item }
  const sqlRead = new ScriptedExecutor()
  const catalogue = sqlCatalogueOf('scripted', 'select 1 as it')
  let ledger: TestLedger
  beforeAll(async () => {
    Object.assign(sqlRead, {
      type: 'sql-read',
      onFacts: () => ({ sql: { allowed: true, schemas: [] }, source: ONLY_READS }),
    })
    const executors = new Map([
      ['simulator', new ScriptedExecutor() as unknown as Executor],
      ['sql-read', sqlRead as unknown as Executor],
    ])
    ledger = await openReadyLedger({ executors })
    await register(ledger, catalogue.manifests)
  })
  afterAll(() => ledger.close())

  it('records a dry run of which all three hold', async () => {
    sqlRead.onRun = (plan) => ({ ...dryReport(plan), output: { rows: [] }, evidence: whole })
    const { body } = await ledger.dispatch(catalogue.command({ occurrence: 'whole' }))
    expect(body.reached).toBe('DryRunRecorded')
  })

  it.each(Object.keys(whole))('refuses a dry run of which %s alone does not', async (name) => {
    const evidence = { ...whole, [name]: { holds: false, seen: { found: 'otherwise' } } }
    sqlRead.onRun = (plan) => ({ ...dryReport(plan), output: { rows: [] }, evidence })
    const { status, body } = await ledger.dispatch(catalogue.command({ occurrence: name }))
    expect(status).toBe(502)
    expect(body).toMatchObject({ code: 'mutation-suspected', reached: 'PreflightPassed' })
    const why = await ledger.ask('GET', `/v1/dispatches/${body.dispatchId}/explain`)
    const broken = why.body.steps.at(-1).evidence.filter((it: { holds: boolean }) => !it.holds)
    expect(broken).toEqual([{ name, holds: false, says: expect.stringMatching(/^.{30,}\.$/) }])
  })
})
