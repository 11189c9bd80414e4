import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { openSecond, ScriptedExecutor } from '../support/doubles.ts'
import {
  catalogueOf,
  eventsAfter,
  expectProblem,
  headOf,
  positionOf,
  register,
  typesOf,
  watch,
} from '../support/front-door.ts'
import { openLedger, openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { SAMPLE_CATALOGUE, sampleCommand, sampleFixture } from '../support/sample.ts'

const NOBODY = '00000000-0000-8000-8000-000000000000'
const executor = new ScriptedExecutor()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry })
})
afterEach(() => executor.reset())
afterAll(() => ledger.close())

const get = (path: string): Promise<Reply> => ledger.ask('GET', path)

describe('POST /v1/explain', () => {
  const explain = (command: object) => ledger.ask('POST', '/v1/explain', command)

  it('says what the command would be answered at each step of its life, and records nothing', async () => {
    const command = sampleCommand({ occurrence: 'explained' })
    const answers: unknown[] = []
    for (const mode of ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN']) {
      const { reply, events } = await watch(ledger, () => explain({ ...command, mode }))
      expect(events).toEqual([])
      answers.push([mode, reply.body.wouldAnswer, reply.body.reached])
      const dispatched = await ledger.dispatch({ ...command, mode })
      expect(dispatched.body.outcome).toBe(reply.body.wouldAnswer)
      const again = await explain({ ...command, mode })
      answers.push([mode, again.body.wouldAnswer, again.body.reached])
      expect(again.body.dispatchId).toBe(dispatched.body.dispatchId)
    }
    expect(answers).toEqual([
      ['PLAN_ONLY', 'created', null],
      ['PLAN_ONLY', 'replayed', 'Planned'],
      ['VERIFY_ONLY', 'advanced', 'Planned'],
      ['VERIFY_ONLY', 'replayed', 'PreflightPassed'],
      ['DRY_RUN', 'advanced', 'PreflightPassed'],
      ['DRY_RUN', 'replayed', 'DryRunRecorded'],
    ])
    expect(executor.runs).toBe(1)
  })

  it('shows every gate with its rule, what it requires and a sentence', async () => {
    const { status, body } = await explain(sampleCommand({ occurrence: 'gates' }))
    expect(status).toBe(200)
    expect(body.gates).toHaveLength(11)
    for (const gate of body.gates) {
      expect(gate).toMatchObject({ outcome: 'pass', rule: expect.any(Number) })
      expect(gate.required).toMatch(/\w/)
      expect(gate.says).toMatch(/\.$/)
    }
  })

  it.each([
    [{ params: { say: 1 } }, 'params-invalid'],
    [{ target: 'sample/none' }, 'target-missing'],
    [{ outputNamespace: 'PROD:x' }, 'namespace-production'],
    [{ mode: 'REAL_RUN' as const }, 'production-execution-not-authorized'],
  ])('names the code of the refusal for %j', async (change, code) => {
    const { reply, events } = await watch(ledger, () => explain(sampleCommand(change)))
    expect(reply).toMatchObject({ status: 200, body: { wouldAnswer: code, reached: null } })
    expect(events).toEqual([])
    expect((await ledger.dispatch(sampleCommand(change))).body.code).toBe(code)
  })

  it('runs no executor on the command, though it may run a baseline', async () => {
    const asked: string[] = []
    executor.build = 77
    const { onBaseline } = executor
    executor.onBaseline = (plan, signal) => {
      asked.push(plan.target.id)
      return onBaseline(plan, signal)
    }
    const { body } = await explain(sampleCommand({ occurrence: 'no-run' }))
    expect(body.wouldAnswer).toBe('created')
    expect({ asked, runs: executor.runs }).toEqual({ asked: ['baseline'], runs: 0 })
  })
})

describe('GET /v1/dispatches', () => {
  const name = 'listed'
  const ids: string[] = []
  let last: Reply
  beforeAll(async () => {
    const { manifests, command } = catalogueOf(name)
    await register(ledger, manifests)
    for (const occurrence of ['1', '2', '3', '4', '5']) {
      last = await ledger.dispatch(command({ occurrence }))
      ids.unshift(last.body.dispatchId)
    }
    last = await ledger.dispatch(command({ occurrence: '5', mode: 'REAL_RUN' }))
  })

  it('lists a dispatch as soon as its position is asked for, the last opened first', async () => {
    const reply = await get(`/v1/dispatches?pageSize=5&minPosition=${positionOf(last)}`)
    expect(reply.status).toBe(200)
    expect(positionOf(reply)).toBeGreaterThanOrEqual(positionOf(last))
    expect(reply.body.dispatches.map((it: Reply['body']) => it.dispatchId)).toEqual(ids)
    expect(reply.body.dispatches[0]).toEqual({
      dispatchId: ids[0],
      digest: last.body.digest,
      contract: { id: 'listed.echo', version: 1 },
      target: 'listed/one',
      outputNamespace: 'DRYRUN-NS:listed',
      occurrence: '5',
      reached: 'DryRunRecorded',
      verdict: 'would_succeed',
      outputDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      refusals: 1,
      lastRefusal: 'production-execution-not-authorized',
      lastEvent: 'Refused',
      lastStage: 'admission',
      lastGate: 'mode',
      openedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      changedAt: expect.stringMatching(/Z$/),
      position: positionOf(last),
    })
  })

  it('goes on from page to page without losing or repeating one', async () => {
    const seen: string[] = []
    let token: string | null = null
    for (let pages = 0; pages < 50; pages++) {
      const query: string = token === null ? '' : `&pageToken=${token}`
      const { body }: Reply = await get(`/v1/dispatches?pageSize=2${query}`)
      expect(body.dispatches.length).toBeLessThanOrEqual(2)
      seen.push(...body.dispatches.map((it: Reply['body']) => it.dispatchId))
      token = body.nextPageToken
      if (token === null) break
    }
    const whole = await get('/v1/dispatches?pageSize=1000')
    expect(whole.body.nextPageToken).toBeNull()
    expect(seen).toEqual(whole.body.dispatches.map((it: Reply['body']) => it.dispatchId))
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.slice(0, 5)).toEqual(ids)
  })

  it('gives the same next page while new dispatches come in', async () => {
    const first = await get('/v1/dispatches?pageSize=2')
    await ledger.dispatch(catalogueOf(name).command({ occurrence: 'meanwhile' }))
    const second = await get(`/v1/dispatches?pageSize=2&pageToken=${first.body.nextPageToken}`)
    expect(second.body.dispatches.map((it: Reply['body']) => it.dispatchId)).toEqual(
      ids.slice(2, 4),
    )
  })

  it.each([
    'pageSize=0',
    'pageSize=1001',
    'pageSize=-1',
    'pageSize=1.5',
    'pageSize=1&pageSize=2',
    'pageToken=nonsense',
    'pageToken=',
    'minPosition=-1',
    'minPosition=x',
    'filter=target',
  ])('refuses ?%s', async (query) => {
    expectProblem(await get(`/v1/dispatches?${query}`), [422, 'schema-invalid'])
  })

  it('is an empty list on a ledger where nothing happened', async () => {
    const own = await openLedger()
    const { status, body } = await own.ask('GET', '/v1/dispatches')
    expect({ status, body }).toEqual({ status: 200, body: { dispatches: [], nextPageToken: null } })
    await own.close()
  })

  it('is not ready after 2 s where a position is not reached, as every read is', async () => {
    const paths = [
      '/v1/dispatches',
      '/v1/events',
      '/v1/switch',
      '/v1/catalogue',
      `/v1/dispatches/${ids[0]}`,
    ]
    const startedMs = performance.now()
    const replies = await Promise.all(paths.map((path) => get(`${path}?minPosition=999999`)))
    const tookMs = performance.now() - startedMs
    for (const reply of replies) {
      expectProblem(reply, [503, 'not-ready'])
      expect(reply.headers['retry-after']).toBe('1')
    }
    expect(tookMs).toBeGreaterThan(1_900)
  })
})

describe('GET /v1/dispatches/{id}', () => {
  const command = sampleCommand({ occurrence: 'one', params: { say: 'one' } })
  let id: string
  let last: Reply
  beforeAll(async () => {
    await ledger.dispatch({ ...command, mode: 'REAL_RUN' })
    last = await ledger.dispatch(command)
    id = last.body.dispatchId
  })

  it('is where the dispatch stands, read from the log', async () => {
    const reply = await get(`/v1/dispatches/${id}?minPosition=${positionOf(last)}`)
    expect(reply.status).toBe(200)
    expect(positionOf(reply)).toBe(positionOf(last))
    const { mode: _, ...digested } = command
    expect(reply.body).toMatchObject({
      dispatchId: id,
      digest: last.body.digest,
      command: digested,
      reached: 'DryRunRecorded',
      verdict: 'would_succeed',
      revision: 3,
      position: positionOf(last),
      refusals: [{ code: 'production-execution-not-authorized', rule: 1, stage: 'admission' }],
      links: {
        self: `/v1/dispatches/${id}`,
        events: `/v1/dispatches/${id}/events`,
        explain: `/v1/dispatches/${id}/explain`,
      },
    })
    expect(Object.keys(reply.body.pins)).toEqual(['contract', 'fixture', 'target'])
  })

  it('has links that lead somewhere', async () => {
    for (const link of Object.values(last.body.links)) {
      expect((await get(String(link))).status).toBe(200)
    }
  })

  it('/events are its events as recorded, in order', async () => {
    const reply = await get(`/v1/dispatches/${id}/events`)
    expect(positionOf(reply)).toBe(positionOf(last))
    const { events } = reply.body
    expect(typesOf(events)).toEqual(['Refused', 'Planned', 'PreflightPassed', 'DryRunRecorded'])
    expect(events.map((it: Reply['body']) => it.revision)).toEqual([0, 1, 2, 3])
    for (const event of events) {
      expect(Object.keys(event).toSorted()).toEqual([
        'data',
        'id',
        'metadata',
        'position',
        'recordedAt',
        'revision',
        'stream',
        'type',
      ])
      expect(event.stream).toBe(`dispatch-${id}`)
      expect(event.recordedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }
    const all = await eventsAfter(ledger, events[0].position - 1)
    expect(all.filter((it) => it.stream === `dispatch-${id}`)).toEqual(events)
  })

  it('/explain says why it stands where it stands, gate by gate', async () => {
    const { status, body } = await get(`/v1/dispatches/${id}/explain`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ dispatchId: id, reached: 'DryRunRecorded' })
    const steps: Reply['body'][] = body.steps
    expect(steps.map((it) => [it.type, it.mode, it.code, it.gates.length])).toEqual([
      ['Refused', 'REAL_RUN', 'production-execution-not-authorized', 7],
      ['Planned', 'DRY_RUN', undefined, 7],
      ['PreflightPassed', 'DRY_RUN', undefined, 11],
      ['DryRunRecorded', 'DRY_RUN', undefined, 12],
    ])
    for (const gate of steps.flatMap((it) => it.gates)) {
      expect(gate.says).toMatch(/^[A-Z].*\.$/)
      expect(gate.required).toMatch(/\w/)
    }
    expect(steps.map((it) => it.evidence.length)).toEqual([0, 0, 0, 1])
  })

  it.each(['', '/events', '/explain'])(
    '%s is not found for a dispatch that is none',
    async (part) => {
      expectProblem(await get(`/v1/dispatches/${NOBODY}${part}`), [404, 'not-found'])
    },
  )

  it.each(['', '/events', '/explain'])('%s does not take what is no id', async (part) => {
    for (const bad of ['x', '1', `${NOBODY}0`, `dispatch-${NOBODY}`, 'control', '..%2fcontrol']) {
      expectProblem(await get(`/v1/dispatches/${bad}${part}`), [422, 'schema-invalid'])
    }
  })

  it('takes no query that it does not know', async () => {
    expectProblem(await get(`/v1/dispatches/${id}?verbose=1`), [422, 'schema-invalid'])
  })
})

describe('GET /v1/events', () => {
  const positions = ({ body }: Reply): number[] =>
    body.events.map((it: Reply['body']) => it.position)

  it('is every event in position order, the switch and the catalogue too', async () => {
    const reply = await get('/v1/events?limit=1000')
    const head = await headOf(ledger)
    expect(positionOf(reply)).toBe(head)
    expect(positions(reply)).toEqual(Array.from({ length: head }, (_, n) => n + 1))
    expect(typesOf(reply.body.events.slice(0, 4))).toEqual([
      'SwitchSet',
      'ManifestRegistered',
      'ManifestRegistered',
      'ManifestRegistered',
    ])
    expect(reply.body.next).toBeNull()
    expect(reply.body.events[0]).toMatchObject({
      stream: 'control',
      revision: 0,
      data: { scope: 'global', state: 'DRY_RUN_ONLY', reason: 'a test' },
    })
  })

  it('has at most 100 events where no limit is given', async () => {
    const { body } = await get('/v1/events')
    expect(body.events.length).toBeLessThanOrEqual(100)
  })

  it('goes on after the position that the page before named', async () => {
    const seen: number[] = []
    let next: number | null = 0
    while (next !== null) {
      const reply: Reply = await get(`/v1/events?after=${next}&limit=7`)
      seen.push(...positions(reply))
      next = reply.body.next
    }
    expect(seen).toEqual(Array.from({ length: await headOf(ledger) }, (_, n) => n + 1))
  })

  it('begins after a position and ends with another, also in the middle of an append', async () => {
    const page = await get('/v1/events?after=2&until=5&limit=1000')
    expect(positions(page)).toEqual([3, 4, 5])
    expect(page.body.next).toBeNull()
    const cut = await get('/v1/events?after=2&until=5&limit=2')
    expect([positions(cut), cut.body.next]).toEqual([[3, 4], 4])
    const exact = await get('/v1/events?after=2&until=5&limit=3')
    expect([positions(exact), exact.body.next]).toEqual([[3, 4, 5], null])
  })

  it('is empty at the end, and for a range that holds nothing', async () => {
    const head = await headOf(ledger)
    for (const query of [
      `after=${head}`,
      'after=5&until=5',
      'after=9&until=3',
      `after=${head + 9}`,
    ]) {
      const { status, body } = await get(`/v1/events?${query}`)
      expect({ status, body }).toEqual({ status: 200, body: { events: [], next: null } })
    }
  })

  it('has one type only where it is asked for, and pages through that', async () => {
    const all = (await get('/v1/events?limit=1000')).body.events as Reply['body'][]
    const wanted = all.filter((it) => it.type === 'Planned').map((it) => it.position)
    expect(wanted.length).toBeGreaterThan(3)
    const seen: number[] = []
    let next: number | null = 0
    while (next !== null) {
      const reply: Reply = await get(`/v1/events?type=Planned&after=${next}&limit=2`)
      seen.push(...positions(reply))
      next = reply.body.next
    }
    expect(seen).toEqual(wanted)
    expect((await get('/v1/events?type=Nothing')).body).toEqual({ events: [], next: null })
  })

  it.each(['limit=0', 'limit=1001', 'after=-1', 'after=x', 'until=1.5', 'order=desc'])(
    'refuses ?%s',
    async (query) => {
      expectProblem(await get(`/v1/events?${query}`), [422, 'schema-invalid'])
    },
  )
})

describe('Ledger-Position', () => {
  it('stands in the head of every good answer that reads or writes the log', async () => {
    const id = (await ledger.dispatch(sampleCommand({ occurrence: 'one' }))).body.dispatchId
    await ledger.setSwitch('DRY_RUN_ONLY')
    const command = sampleCommand({ occurrence: 'position' })
    const { manifests } = catalogueOf('position')
    const asked: readonly (readonly [string, string, unknown?])[] = [
      ['POST', '/v1/dispatches', command],
      ['POST', '/v1/dispatches', command],
      ['POST', '/v1/explain', command],
      ['GET', '/v1/dispatches'],
      ['GET', `/v1/dispatches/${id}`],
      ['GET', `/v1/dispatches/${id}/events`],
      ['GET', `/v1/dispatches/${id}/explain`],
      ['GET', '/v1/refusals'],
      ['GET', '/v1/outputs'],
      ['GET', '/v1/projections'],
      ['GET', '/v1/projections/outputs'],
      ['GET', '/v1/events'],
      ['GET', '/v1/switch'],
      ['PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'again' }],
      ['POST', '/v1/catalogue', { manifests }],
      ['POST', '/v1/catalogue', { manifests }],
      ['POST', '/v1/catalogue', { manifests: [sampleFixture], validateOnly: true }],
      ['GET', '/v1/catalogue'],
      ['GET', '/v1/catalogue/fixture/sample.words/1'],
      ['POST', '/v1/catalogue/fixture/position.words/1/retire'],
      ['POST', '/v1/catalogue/fixture/position.words/1/retire'],
    ]
    const without: string[] = []
    for (const [method, path, body] of asked) {
      const { status, headers } = await ledger.ask(method, path, body)
      expect(status).toBeLessThan(300)
      if (!/^[0-9]+$/.test(String(headers['ledger-position']))) without.push(`${method} ${path}`)
    }
    expect(without).toEqual([])
  })
})

describe('GET /problems/{code}', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])('says what %s means', async (code) => {
    const { status, body } = await get(`/problems/${code}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ code, status: expect.any(Number), ...ERRORS[code] })
    expect(body.remedy).toMatch(/\.$|…$|DIR$|list$/)
  })

  it.each(['nothing', 'constructor', '__proto__', 'x'.repeat(64)])('knows no %s', async (code) => {
    expectProblem(await get(`/problems/${code}`), [404, 'not-found'])
  })
})

describe('GET /livez and /readyz', () => {
  it('say that the process answers, and what it looked at', async () => {
    expect((await get('/livez')).body).toEqual({ status: 'ok', version: '0.0.0-test' })
    const { status, body } = await get('/readyz')
    expect(status).toBe(200)
    expect(body.ready).toBe(true)
    expect(Object.keys(body.checks).toSorted()).toEqual([
      'negativeControls',
      'projection:dispatches',
      'projection:gate_outcomes',
      'projection:outputs',
      'projection:refusals',
      'schema',
      'store',
      'switch',
    ])
  })

  it('stay ready while the switch is HALTED, and say so', async () => {
    await ledger.setSwitch('HALTED')
    const { status, body } = await get('/readyz')
    expect({ status, halted: body.checks.switch }).toEqual({
      status: 200,
      halted: { ok: false, detail: 'HALTED' },
    })
    await ledger.setSwitch('DRY_RUN_ONLY')
  })

  it('are not ready on a schema that a newer build made', async () => {
    const { query } = ledger.database
    await query(`insert into ledger.migrations (name, run_on) values ('9999_future', now())`)
    try {
      const { status, body } = await get('/readyz')
      expect(status).toBe(503)
      expect(body.checks.schema).toMatchObject({
        ok: false,
        detail: expect.stringContaining('9999_future'),
      })
      expect((await get('/livez')).status).toBe(200)
    } finally {
      await query(`delete from ledger.migrations where name = '9999_future'`)
    }
  })
})

describe('a server that shares the database', () => {
  it('reads and writes the same ledger', async () => {
    const second = await openSecond(ledger, { executors: executor.registry })
    try {
      const created = await second.dispatch(sampleCommand({ occurrence: 'shared' }))
      const { status, body } = await get(`/v1/dispatches/${created.body.dispatchId}`)
      expect({ status, reached: body.reached }).toEqual({ status: 200, reached: 'DryRunRecorded' })
      const sent = await second.ask('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })
      expect(sent.status).toBe(200)
    } finally {
      await second.close()
    }
  })
})
