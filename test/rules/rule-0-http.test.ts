import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parseHttpAllow } from '../../src/http-allow.ts'
import type { Executor } from '../../src/ports.ts'
import { dryReport, ScriptedExecutor } from '../support/doubles.ts'
import { gateIn, historyOf, httpCatalogueOf, register, typesOf } from '../support/front-door.ts'
import { dryAnswer, openService, type Service } from '../support/http-service.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { createSqlSource, type SqlSource } from '../support/sql-source.ts'
import { openUserService, type UserService } from '../support/user-service.ts'

const RENAME = {
  method: 'POST',
  path: '/users/{id}/rename',
  bind: { id: '/id' },
  body: { name: { $param: '/name' } },
}

describe('rule 0: a service is really asked, and the evidence that nothing mutated is stored', () => {
  let service: UserService
  let ledger: TestLedger
  beforeAll(async () => {
    service = await openUserService(inject('ownerUrl'))
    ledger = await openReadyLedger({ httpAllow: parseHttpAllow(service.origin) })
  })
  afterAll(async () => {
    await ledger.close()
    await service.close()
  })
  async function ready(name: string, change: Parameters<typeof httpCatalogueOf>[2] = {}) {
    const catalogue = httpCatalogueOf(name, service.origin, { program: RENAME, ...change })
    await register(ledger, catalogue.manifests)
    return catalogue
  }

  it('answers what the service would do, which has done nothing', async () => {
    const { command } = await ready('rename')
    const before = await service.visible()
    const { status, body } = await ledger.dispatch(command({ params: { id: 1, name: 'Lady' } }))
    expect({ status, reached: body.reached }).toEqual({ status: 201, reached: 'DryRunRecorded' })
    expect(body.event.data).toMatchObject({
      verdict: 'would_succeed',
      output: { status: 200, body: { id: 1, name: 'Lady' } },
      executor: { type: 'http', build: 1 },
    })
    expect(await service.visible()).toBe(before)
  })

  it('leaves in one event all that shows why nothing mutated', async () => {
    const { command } = await ready('whole')
    const { body } = await ledger.dispatch(command({ params: { id: 1, name: 'x' } }))
    const [, , recorded] = await historyOf(ledger, body.dispatchId)
    const { gates } = recorded.data.snapshot
    expect(gateIn(gates, 'read-only').seen).toEqual({
      sideEffects: 'none',
      facts: {
        origin: { allowed: true, by: [service.origin] },
        sendsMarker: false,
        crossCheck: null,
      },
    })
    expect(gateIn(gates, 'evidence').seen).toEqual({
      dryRunProven: { holds: true, seen: { method: 'POST', marker: 'as declared' } },
      addressPinned: { holds: true, seen: { judged: '127.0.0.1', connected: '127.0.0.1' } },
      notRedirected: { holds: true, seen: { status: 200 } },
    })
  })

  it('says each piece of it in a plain sentence', async () => {
    const { command } = await ready('said')
    const { body } = await ledger.dispatch(command({ params: { id: 1, name: 'x' } }))
    const why = await ledger.ask('GET', `/v1/dispatches/${body.dispatchId}/explain`)
    expect(why.body.steps.at(-1).evidence).toEqual([
      { name: 'dryRunProven', holds: true, says: expect.stringMatching(/dry\.$/) },
      { name: 'addressPinned', holds: true, says: expect.stringMatching(/is allowed\.$/) },
      { name: 'notRedirected', holds: true, says: expect.stringMatching(/nowhere else\.$/) },
    ])
  })

  it('records a marked “no” as would_fail, and replays it', async () => {
    const { command } = await ready('missing')
    const asked = command({ params: { id: 9, name: 'x' } })
    expect((await ledger.dispatch(asked)).body.event.data).toMatchObject({
      verdict: 'would_fail',
      output: { status: 404, body: { error: 'no such user' } },
    })
    const again = await ledger.dispatch(asked)
    expect(again.body).toMatchObject({ outcome: 'replayed', eventsAppended: 0 })
  })

  it.each([
    ['is empty', { id: '', name: 'x' }, '/id'],
    ['climbs', { id: '../admin', name: 'x' }, '/id'],
    ['breaks the line', { id: '1\r\nx: y', name: 'x' }, '/id'],
    ['is no text', { id: { a: 1 }, name: 'x' }, '/id'],
    ['is not there', { id: 1 }, '/name'],
  ])('refuses params of which one %s', async (what, params, path) => {
    const { command } = await ready(`params-${what.replaceAll(/[^a-z]/g, '')}`)
    const refused = await ledger.dispatch(command({ params }))
    expect(refused).toMatchObject({ status: 422, body: { code: 'params-invalid' } })
    expect(gateIn(refused.body.gates, 'params').seen).toEqual({
      valid: false,
      errors: [{ path, keyword: 'bind' }],
    })
  })

  it.each<[string, object]>([
    ['an origin that is not allowed', { origin: 'http://127.0.0.1:1' }],
    ['a target that declares no marker', { marker: undefined }],
    ['a marker that the request holds itself', { marker: { pointer: '/name', value: 'x' } }],
  ])('refuses %s before anything is sent', async (what, target) => {
    const { command } = await ready(`unsafe-${what.length}`, { target: target as never })
    const { status, body } = await ledger.dispatch(command({ params: { id: 1, name: 'x' } }))
    expect({ status, code: body.code, stage: body.stage, reached: body.reached }).toEqual({
      status: 409,
      code: 'executor-unsafe',
      stage: 'preflight',
      reached: 'Planned',
    })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual(['Planned', 'Refused'])
  })
})

describe('rule 0: a service that proves nothing', () => {
  let silent: Service
  let ledger: TestLedger
  beforeAll(async () => {
    silent = await openService((_, response) => response.end('{}'))
    ledger = await openReadyLedger({ httpAllow: parseHttpAllow('127.0.0.0/8') })
  })
  afterAll(async () => {
    await ledger.close()
    await silent.close()
  })
  const suspicions = async (): Promise<number> => {
    const { payload } = await ledger.app.inject('/metrics')
    return Number(/ledger_mutation_suspected_total (\d+)/.exec(payload)?.[1])
  }

  it('is suspected: an event, a metric, and nothing of what it said', async () => {
    const { command, manifests } = httpCatalogueOf('silent', silent.origin)
    await register(ledger, manifests)
    const before = await suspicions()
    const { status, body } = await ledger.dispatch(command({ params: {} }))
    expect({ status, code: body.code }).toEqual({ status: 502, code: 'mutation-suspected' })
    expect(body).toMatchObject({ whoMustAct: 'operator', retryable: false, recorded: 'event' })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
      'Refused',
    ])
    expect(await suspicions()).toBe(before + 1)
    const { scopes } = (await ledger.ask('GET', '/v1/switch')).body
    expect(Object.keys(scopes)).toEqual(['global'])
  })

  it('halts its contract where the target asks for it, before the answer is there', async () => {
    const target = { haltOnSuspicion: true }
    const { command, manifests } = httpCatalogueOf('halting', silent.origin, { target })
    await register(ledger, manifests)
    const { body } = await ledger.dispatch(command({ params: {} }))
    expect(body.code).toBe('mutation-suspected')
    const { events } = (await ledger.ask('GET', '/v1/events?type=SwitchSet&limit=1000')).body
    const halt = events.at(-1)
    expect(halt).toMatchObject({
      data: {
        scope: 'contract:halting.echo',
        state: 'HALTED',
        reason: `mutation-suspected in the dispatch ${body.dispatchId}`,
      },
      metadata: { actor: 'ledger' },
    })
    const next = await ledger.dispatch(command({ params: {}, occurrence: 'next' }))
    expect(next).toMatchObject({ status: 423, body: { code: 'kill-switch-engaged' } })
    expect(gateIn(next.body.gates, 'kill-switch').revision).toBe(halt.revision)
  })

  it('is suspected too where it says more than the contract lets it, and proves nothing', async () => {
    const long = await openService((_, response) => response.end('x'.repeat(5_000)))
    const contract = { limits: { bytes: 1_000 } }
    const { command, manifests } = httpCatalogueOf('long', long.origin, { contract })
    await register(ledger, manifests)
    const { body } = await ledger.dispatch(command({ params: {} }))
    expect(body.code).toBe('mutation-suspected')
    await long.close()
  })

  it('halts once, however many were under way', async () => {
    const target = { haltOnSuspicion: true }
    const { command, manifests } = httpCatalogueOf('many', silent.origin, { target })
    await register(ledger, manifests)
    const calls = Array.from({ length: 8 }, (_, n) =>
      ledger.dispatch(command({ params: {}, occurrence: `n${n}` })),
    )
    const codes = new Set((await Promise.all(calls)).map(({ body }) => body.code))
    expect([...codes].filter((it) => it !== 'kill-switch-engaged')).toEqual(['mutation-suspected'])
    const { events } = (await ledger.ask('GET', '/v1/events?type=SwitchSet&limit=1000')).body
    const halts = events.filter(
      (it: { data: { scope: string } }) => it.data.scope === 'contract:many.echo',
    )
    expect(halts).toHaveLength(1)
  })
})

describe('rule 0: a service that lies', () => {
  let database: SqlSource
  let lying: Service
  let ledger: TestLedger
  beforeAll(async () => {
    database = await createSqlSource()
    await database.database.query(`create schema shop; create table shop.users (id int, name text);
      insert into shop.users values (1, 'Ada'), (2, 'Grace')`)
    const { url } = await database.reader('shop')
    lying = await openService((request, response) => {
      const rename = `update shop.users set name = name || '!' where id = 1`
      const done = request.url === '/idle' ? Promise.resolve() : database.database.query(rename)
      void done.then(async () => {
        if (request.url === '/cut') return response.destroy()
        if (request.url === '/halted') await ledger.setSwitch('HALTED')
        if (request.url === '/halted') return undefined
        return dryAnswer()(request, response)
      })
    })
    ledger = await openReadyLedger({
      httpAllow: parseHttpAllow(lying.origin),
      sqlSources: { shop: url, owned: database.database.ownerUrl },
    })
  })
  afterAll(async () => {
    await ledger.close()
    await lying.close()
    await database.drop()
  })
  const CHECK = {
    source: 'shop',
    schemas: ['shop'],
    sql: 'select xmin::text as by, * from shop.users where id = $1',
    bind: ['/id'],
  }
  async function ask(name: string, crossCheck: object | null, path = '/', id: unknown = 1) {
    const target = crossCheck === null ? {} : { crossCheck: crossCheck as never }
    const catalogue = httpCatalogueOf(name, lying.origin, { target, program: { path } })
    await register(ledger, catalogue.manifests)
    return ledger.dispatch(catalogue.command({ params: { id } as never }))
  }
  const evidenceIn = ({ body }: Awaited<ReturnType<typeof ask>>) =>
    gateIn(body.gates ?? body.event.data.snapshot.gates, 'evidence').seen

  it('is believed where its answer is all there is to see', async () => {
    expect((await ask('believed', null)).body.event.data.verdict).toBe('would_succeed')
  })

  it('is seen by a look at its database before and after', async () => {
    const reply = await ask('seen', CHECK)
    expect(reply).toMatchObject({ status: 502, body: { code: 'mutation-suspected' } })
    const { dryRunProven, sourceUnchanged } = evidenceIn(reply)
    expect(dryRunProven.holds).toBe(true)
    expect(sourceUnchanged.holds).toBe(false)
    expect(sourceUnchanged.seen.before.rows).not.toBe(sourceUnchanged.seen.after.rows)
  })

  it('is seen although it cuts the connection instead of answering', async () => {
    const reply = await ask('cut', CHECK, '/cut')
    expect(reply.body.code).toBe('mutation-suspected')
    expect(evidenceIn(reply).notRedirected).toEqual({ holds: false, seen: { status: null } })
  })

  it('is seen although a halt ended the run before it answered', async () => {
    const reply = await ask('halted', CHECK, '/halted')
    await ledger.setSwitch('DRY_RUN_ONLY')
    expect(reply).toMatchObject({ status: 502, body: { code: 'mutation-suspected' } })
    expect(evidenceIn(reply).sourceUnchanged.holds).toBe(false)
    expect(typesOf(await historyOf(ledger, reply.body.dispatchId)).at(-1)).toBe('Refused')
  })

  it('is not suspected for what it did to others, or not at all', async () => {
    const others = await ask('others', CHECK, '/', 2)
    expect(others.body.event.data.verdict).toBe('would_succeed')
    expect(evidenceIn(others).sourceUnchanged.holds).toBe(true)
    expect((await ask('idle', CHECK, '/idle')).body.event.data.verdict).toBe('would_succeed')
  })

  it.each<[string, object, unknown, string]>([
    ['a login that can do more than read', { ...CHECK, source: 'owned' }, 1, 'executor-unsafe'],
    ['a source that is not there', { ...CHECK, source: 'none' }, 1, 'executor-unsafe'],
    ['a schema that it does not name', { ...CHECK, schemas: ['public'] }, 1, 'sql-not-allowed'],
    ['a pointer that finds nothing', { ...CHECK, bind: ['/none'] }, 1, 'params-invalid'],
    ['rows that it cannot get', CHECK, 'x', 'executor-failed'],
  ])('is not even asked with %s', async (what, check, id, code) => {
    const before = lying.heard.length
    const { body } = await ask(`check-${what.length}`, check, '/', id)
    expect({ code: body.code, asked: lying.heard.length - before }).toEqual({ code, asked: 0 })
  })

  it.each([
    ['a write', 'delete from shop.users', 'no SELECT'],
    ['another number of params', 'select $1::int, $2::int', 'takes 2 parameters'],
  ])('registers no target whose cross-check is %s', async (_what, sql, why) => {
    const target = { crossCheck: { ...CHECK, sql } }
    const { manifests } = httpCatalogueOf('bad-check', lying.origin, { target })
    const { status, body } = await ledger.ask('POST', '/v1/catalogue', { manifests })
    expect(status).toBe(422)
    expect(body.detail).toContain(why)
  })
})

describe('rule 0: each piece of the evidence of http decides', () => {
  const item = { holds: true, seen: null }
  const whole = { dryRunProven: item, addressPinned: item, notRedirected: item }
  const http = new ScriptedExecutor()
  const catalogue = httpCatalogueOf('scripted', 'http://127.0.0.1:1')
  let ledger: TestLedger
  beforeAll(async () => {
    Object.assign(http, {
      type: 'http',
      onFacts: () => ({ origin: { allowed: true }, sendsMarker: false }),
    })
    const executors = new Map([
      ['simulator', new ScriptedExecutor() as unknown as Executor],
      ['http', http as unknown as Executor],
    ])
    ledger = await openReadyLedger({ executors })
    await register(ledger, catalogue.manifests)
  })
  afterAll(() => ledger.close())
  const dispatch = (occurrence: string, evidence: object) => {
    http.onRun = (plan) => ({ ...dryReport(plan), output: {}, evidence })
    return ledger.dispatch(catalogue.command({ params: {}, occurrence }))
  }

  it('records a dry run of which all hold', async () => {
    expect((await dispatch('whole', whole)).body.reached).toBe('DryRunRecorded')
  })

  it.each(Object.keys(whole))('refuses a dry run of which %s alone does not', async (name) => {
    const { body } = await dispatch(name, { ...whole, [name]: { holds: false, seen: null } })
    expect(body).toMatchObject({ code: 'mutation-suspected', reached: 'PreflightPassed' })
  })
})
