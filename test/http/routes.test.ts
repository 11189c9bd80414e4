import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/json.ts'
import { SCOPES, type Scope } from '../../src/access/scopes.ts'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import type { HttpPorts } from '../../src/http/ports.ts'
import { createServer } from '../../src/http/server.ts'
import { openSecond, ScriptedExecutor } from '../support/doubles.ts'
import {
  catalogueOf,
  eventsAfter,
  headOf,
  register,
  retire,
  typesOf,
  watch,
} from '../support/front-door.ts'
import { openLedger, openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import {
  SAMPLE_CATALOGUE,
  sampleCommand,
  sampleContract,
  sampleFixture,
  sampleTarget,
} from '../support/sample.ts'

const NOBODY = '00000000-0000-8000-8000-000000000000'
const executor = new ScriptedExecutor()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry })
})
afterEach(() => executor.reset())
afterAll(() => ledger.close())

const get = (path: string): Promise<Reply> => ledger.ask('GET', path)
const positionOf = ({ headers }: Reply): number => Number(headers['ledger-position'])
const expectProblem = ({ status, body }: Reply, expected: [number, string]): void =>
  expect([status, body.code]).toEqual(expected)

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

describe('GET and PUT /v1/switch', () => {
  const put = (scope: string, body: unknown) => ledger.ask('PUT', `/v1/switch/${scope}`, body)
  afterAll(() => ledger.setSwitch('DRY_RUN_ONLY'))

  it('sets a scope with one event, and shows it', async () => {
    const { reply, events } = await watch(ledger, () =>
      put('global', { state: 'HALTED', reason: 'a drill' }),
    )
    expect(reply.status).toBe(200)
    expect(typesOf(events)).toEqual(['SwitchSet'])
    expect(events[0].data).toEqual({ scope: 'global', state: 'HALTED', reason: 'a drill' })
    const { id, position, recordedAt, revision, metadata } = events[0]
    const inForce = {
      state: 'HALTED',
      reason: 'a drill',
      revision,
      position,
      eventId: id,
      recordedAt,
      actor: metadata.actor,
    }
    expect(reply.body).toEqual({ scope: 'global', ...inForce })
    expect(positionOf(reply)).toBe(position)
    const shown = await get(`/v1/switch?minPosition=${position}`)
    expect(positionOf(shown)).toBe(position)
    expect(shown.body).toEqual({
      guarantee: 'atomic',
      controlRevision: revision,
      scopes: { global: inForce },
    })
  })

  it('answers the same state again with the event in force, and appends none', async () => {
    const before = await get('/v1/switch')
    const { reply, events } = await watch(ledger, () =>
      put('global', { state: 'HALTED', reason: 'another reason' }),
    )
    expect(reply.status).toBe(200)
    expect(events).toEqual([])
    expect(reply.body).toEqual({ scope: 'global', ...before.body.scopes.global })
    expect(positionOf(reply)).toBe(reply.body.position)
  })

  it('makes one event of many equal flips at once', async () => {
    const { reply, events } = await watch(ledger, () =>
      Promise.all(
        Array.from({ length: 8 }, () => put('global', { state: 'DRY_RUN_ONLY', reason: 'all' })),
      ),
    )
    expect(reply.map((it) => it.status)).toEqual(Array(8).fill(200))
    expect(typesOf(events)).toEqual(['SwitchSet'])
    expect(new Set(reply.map((it) => it.body.eventId))).toEqual(new Set([events[0].id]))
  })

  it('sets a contract and an executor beside global, and shows every scope that was set', async () => {
    await register(ledger, [{ ...sampleContract, id: 'hc/rows/deep' }])
    const scopes = ['executor:simulator', 'contract:hc/rows/deep']
    for (const scope of scopes) {
      const { reply, events } = await watch(ledger, () =>
        put(encodeURIComponent(scope), { state: 'HALTED', reason: 'a drill' }),
      )
      expect({ status: reply.status, scope: reply.body.scope }).toEqual({ status: 200, scope })
      expect(events.map((it) => it.data)).toMatchObject([{ scope, state: 'HALTED' }])
    }
    const { body } = await get('/v1/switch')
    expect(Object.keys(body.scopes)).toEqual(['global', ...scopes])
    expect(body.scopes['contract:hc/rows/deep']).toMatchObject({ state: 'HALTED' })
    const again = await watch(ledger, () =>
      put('executor:simulator', { state: 'HALTED', reason: 'again' }),
    )
    expect([again.reply.status, again.events]).toEqual([200, []])
    for (const scope of scopes) {
      await put(encodeURIComponent(scope), { state: 'DRY_RUN_ONLY', reason: 'over' })
    }
  })

  it.each([
    'contract:hc%2Fnone',
    'contract:hc%252Frows%252Fdeep',
    'executor:nothing',
    'contract:nobody.knows',
    'Global',
    'everything',
    '%20',
    'global%20',
  ])('does not find the scope %s', async (scope) => {
    const { reply, events } = await watch(ledger, () =>
      put(scope, { state: 'HALTED', reason: 'x' }),
    )
    expectProblem(reply, [404, 'not-found'])
    expect(events).toEqual([])
  })

  it.each<[string, unknown]>([
    ['a reason over 500 characters', { state: 'HALTED', reason: 'x'.repeat(501) }],
    ['an empty reason', { state: 'HALTED', reason: '' }],
    ['no reason', { state: 'HALTED' }],
    ['a state that lets everything pass', { state: 'LIVE', reason: 'x' }],
    ['a state in small letters', { state: 'halted', reason: 'x' }],
    ['no state', { reason: 'x' }],
    ['a member too many', { state: 'HALTED', reason: 'x', until: 'tomorrow' }],
    ['a list', []],
  ])('refuses %s', async (_, body) => {
    const { reply, events } = await watch(ledger, () => put('global', body))
    expectProblem(reply, [422, 'schema-invalid'])
    expect(events).toEqual([])
  })

  it('takes a reason of 500 characters', async () => {
    const reason = 'é'.repeat(500)
    expect((await put('global', { state: 'HALTED', reason })).body.reason).toBe(reason)
  })
})

describe('POST /v1/catalogue', () => {
  const post = (manifests: readonly unknown[], more: object = {}) =>
    ledger.ask('POST', '/v1/catalogue', { manifests, ...more })
  const resultsOf = ({ body }: Reply): unknown[] =>
    body.results.map((it: Reply['body']) => [it.kind, it.id, it.version, it.outcome, it.code])

  it('registers what is new in one append, and finds the same again unchanged', async () => {
    const { manifests } = catalogueOf('fresh')
    const first = await watch(ledger, () => post(manifests))
    expect(first.reply.status).toBe(201)
    expect(resultsOf(first.reply)).toEqual([
      ['Target', 'fresh/one', 1, 'new', null],
      ['Fixture', 'fresh.words', 1, 'new', null],
      ['Contract', 'fresh.echo', 1, 'new', null],
    ])
    expect(typesOf(first.events)).toEqual(Array(3).fill('ManifestRegistered'))
    expect(new Set(first.events.map((it) => it.metadata.callId)).size).toBe(1)
    expect(first.events.map((it) => it.data.body)).toEqual(manifests)
    expect(positionOf(first.reply)).toBe(first.events[2].position)
    const again = await watch(ledger, () => post(manifests.toReversed()))
    expect(again.reply.status).toBe(200)
    expect(again.reply.body.results.map((it: Reply['body']) => it.outcome)).toEqual(
      Array(3).fill('unchanged'),
    )
    expect(again.events).toEqual([])
    const more = await watch(ledger, () => post([...manifests, catalogueOf('fresh').target(2)]))
    expect(more.reply.status).toBe(201)
    expect(typesOf(more.events)).toEqual(['ManifestRegistered'])
  })

  it('takes the same content for the same, in whatever order its members stand', async () => {
    const turned = Object.fromEntries(Object.entries(sampleContract).toReversed())
    const { status, body } = await post([turned])
    expect([status, body.results[0].outcome]).toEqual([200, 'unchanged'])
  })

  it('keeps the body as received: nothing is filled in', async () => {
    const bare = {
      kind: 'Contract',
      id: 'bare.contract',
      version: 1,
      executor: 'telepathy',
      targets: 'bare',
      fixture: 'sample.words@1',
      sideEffects: 'none',
      params: {},
      program: {},
    }
    expect((await post([bare])).status).toBe(201)
    expect((await get('/v1/catalogue/contract/bare.contract/1')).body.body).toEqual(bare)
  })

  it('does not register other content under a version that is taken', async () => {
    const { reply, events } = await watch(ledger, () =>
      post([
        { ...sampleFixture, data: {} },
        { ...sampleTarget(), id: 'sample/new' },
      ]),
    )
    expectProblem(reply, [409, 'manifest-conflict'])
    expect(resultsOf(reply)).toEqual([
      ['Fixture', 'sample.words', 1, 'conflict', 'manifest-conflict'],
      ['Target', 'sample/new', 1, 'new', null],
    ])
    expect(events).toEqual([])
    expectProblem(await get('/v1/catalogue/target/sample%2Fnew/1'), [404, 'not-found'])
  })

  it('finds two contents of one version in one request to be a conflict', async () => {
    const one = { ...sampleFixture, id: 'twin.words' }
    const same = await post([one, one], { validateOnly: true })
    expect(resultsOf(same).map((it) => (it as unknown[])[3])).toEqual(['new', 'unchanged'])
    const { reply, events } = await watch(ledger, () => post([one, { ...one, data: null }]))
    expectProblem(reply, [409, 'manifest-conflict'])
    expect(events).toEqual([])
  })

  const invalid: readonly (readonly [string, readonly JsonObject[], RegExp])[] = [
    ['an unknown member', [{ ...sampleTarget(3), port: 80 }], /port/],
    ['a fixture without data', [{ kind: 'Fixture', id: 'x', version: 1 }], /data/],
    ['side effects', [{ ...catalogueOf('i').contract, sideEffects: 'some' }], /sideEffects/],
    [
      'a limit over that of the product',
      [{ ...sampleContract, id: 'i.a', limits: { timeMs: 30_001 } }],
      /timeMs/,
    ],
    ['no program', [{ ...sampleContract, id: 'i.b', program: {} }], /program/],
    [
      'a pattern with a star inside',
      [{ ...sampleContract, id: 'i.c', targets: '*/one' }],
      /targets/,
    ],
    ['a pattern of a bare star', [{ ...sampleContract, id: 'i.d', targets: '*' }], /targets/],
    [
      'a fixture without version',
      [{ ...sampleContract, id: 'i.e', fixture: 'sample.words' }],
      /fixture/,
    ],
    ['a fixture that is not there', [catalogueOf('i').contract], /neither registered nor in the/],
    ['no baseline', [{ ...sampleContract, id: 'i.f', baseline: [] }], /baseline/],
    [
      'a baseline left out',
      [
        Object.fromEntries(
          Object.entries({ ...sampleContract, id: 'i.g' }).filter(([it]) => it !== 'baseline'),
        ),
      ],
      /baseline/,
    ],
    [
      'a baseline that differs',
      [
        {
          ...sampleContract,
          id: 'i.h',
          baseline: [{ name: 'wrong', params: {}, verdict: 'would_fail', output: 1 }],
        },
      ],
      /1 of 1 baseline cases differ: wrong/,
    ],
    [
      'a schema that is none',
      [{ ...sampleContract, id: 'i.i', params: { type: 'thing' } }],
      /2020-12/,
    ],
    [
      'a schema with an unknown keyword',
      [{ ...sampleContract, id: 'i.j', params: { types: 'object' } }],
      /2020-12/,
    ],
    [
      'a default',
      [
        {
          ...sampleContract,
          id: 'i.k',
          params: { type: 'object', properties: { a: { default: 1 } } },
        },
      ],
      /default/,
    ],
    [
      'a default of a property that is called properties',
      [
        {
          ...sampleContract,
          id: 'i.o',
          params: { type: 'object', properties: { properties: { type: 'string', default: 'x' } } },
        },
      ],
      /default/,
    ],
    [
      'a reference to elsewhere',
      [{ ...sampleContract, id: 'i.l', params: { $ref: 'https://example.com/s' } }],
      /\$ref/,
    ],
    [
      'a reference to a file',
      [{ ...sampleContract, id: 'i.m', params: { allOf: [{ $ref: 'other.json#/a' }] } }],
      /\$ref/,
    ],
    [
      'an id of its own',
      [{ ...sampleContract, id: 'i.n', params: { $id: 'https://example.com/s' } }],
      /\$id/,
    ],
    [
      'over 256 KiB',
      [{ ...sampleFixture, id: 'i.large', data: 'x'.repeat(262_144) }],
      /262\d+ bytes/,
    ],
  ]
  let besides = 0
  it.each(invalid)(
    'refuses a manifest with %s, and everything beside it',
    async (_, bad, detail) => {
      const good = { ...sampleFixture, id: `beside.words-${besides++}` }
      const { reply, events } = await watch(ledger, () => post([good, ...bad]))
      expectProblem(reply, [422, 'manifest-invalid'])
      expect(reply.body.results[0]).toMatchObject({ outcome: 'new', code: null, detail: null })
      expect(reply.body.results[1]).toMatchObject({ outcome: 'invalid', code: 'manifest-invalid' })
      expect(reply.body.results[1].detail).toMatch(detail)
      expect(events).toEqual([])
      expectProblem(await get(`/v1/catalogue/fixture/${good.id}/1`), [404, 'not-found'])
    },
  )

  it('takes names that look like keywords, and references within the schema', async () => {
    const params = {
      type: 'object',
      $defs: { default: { type: 'string' } },
      properties: { default: { $ref: '#/$defs/default' }, $ref: { type: 'number' }, say: {} },
    }
    const { status, body } = await post([{ ...sampleContract, id: 'named.default', params }], {
      validateOnly: true,
    })
    expect(body.results[0]).toMatchObject({ outcome: 'new', detail: null })
    expect(status).toBe(200)
  })

  it('puts invalid before conflict where both are there', async () => {
    const reply = await post([
      { ...sampleFixture, data: 0 },
      { ...sampleTarget(4), port: 1 },
    ])
    expectProblem(reply, [422, 'manifest-invalid'])
    expect(resultsOf(reply).map((it) => (it as unknown[])[3])).toEqual(['conflict', 'invalid'])
  })

  it('with validateOnly says the same and writes nothing', async () => {
    const { manifests } = catalogueOf('validated')
    const { reply, events } = await watch(ledger, async () => [
      await post(manifests, { validateOnly: true }),
      await post([{ ...sampleFixture, data: 0 }], { validateOnly: true }),
      await post([{ ...sampleTarget(4), port: 1 }], { validateOnly: true }),
      await post(
        [
          {
            ...sampleContract,
            id: 'i.v',
            baseline: [{ name: 'wrong', params: {}, verdict: 'would_fail', output: 1 }],
          },
        ],
        { validateOnly: true },
      ),
    ])
    expect(reply.map((it) => it.status)).toEqual([200, 409, 422, 422])
    expect(reply[0]?.body.results.map((it: Reply['body']) => it.outcome)).toEqual(
      Array(3).fill('new'),
    )
    expect(events).toEqual([])
    expectProblem(await get('/v1/catalogue/contract/validated.echo/1'), [404, 'not-found'])
    expect((await post(manifests)).status).toBe(201)
  })

  it.each<[string, unknown]>([
    ['no manifests', {}],
    ['an empty list', { manifests: [] }],
    ['an unknown kind', { manifests: [{ kind: 'Role', id: 'x', version: 1 }] }],
    ['an id with capitals', { manifests: [{ ...sampleFixture, id: 'Words' }] }],
    ['a version of 0', { manifests: [{ ...sampleFixture, version: 0 }] }],
    ['a member too many', { manifests: [sampleFixture], force: true }],
    ['a flag that is text', { manifests: [sampleFixture], validateOnly: 'true' }],
  ])('does not fit its schema with %s', async (_, body) => {
    expectProblem(await ledger.ask('POST', '/v1/catalogue', body), [422, 'schema-invalid'])
  })

  it('registers once when many send the same at once', async () => {
    const { manifests } = catalogueOf('racing')
    const { reply, events } = await watch(ledger, () =>
      Promise.all(Array.from({ length: 6 }, () => post(manifests))),
    )
    expect(reply.filter((it) => it.status === 201)).toHaveLength(1)
    expect(reply.filter((it) => it.status === 200)).toHaveLength(5)
    expect(typesOf(events)).toEqual(Array(3).fill('ManifestRegistered'))
  })
})

describe('GET /v1/catalogue, and retiring', () => {
  const { manifests, contract, target } = catalogueOf('shelf')
  beforeAll(() => register(ledger, manifests))
  const shelf = async (query = ''): Promise<Reply['body'][]> => {
    const { body } = await get(`/v1/catalogue${query}`)
    return body.manifests.filter((it: Reply['body']) => it.id.startsWith('shelf'))
  }

  it('lists every version, of all kinds or of one', async () => {
    expect((await shelf()).map((it) => it.kind)).toEqual(['Target', 'Fixture', 'Contract'])
    const [only] = await shelf('?kind=contract')
    expect(only).toEqual({
      kind: 'Contract',
      id: 'shelf.echo',
      version: 1,
      sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      executor: 'simulator',
      targets: contract.targets,
      revision: expect.any(Number),
      retired: false,
    })
    expectProblem(await get('/v1/catalogue?kind=Contract'), [422, 'schema-invalid'])
  })

  it('gives one version with its body; a slash of its id is %2F', async () => {
    const one = await get('/v1/catalogue/contract/shelf.echo/1')
    expect(one.status).toBe(200)
    expect(one.body.body).toEqual(contract)
    const slashed = await get('/v1/catalogue/target/shelf%2Fone/1')
    expect(slashed.body).toMatchObject({ kind: 'Target', id: 'shelf/one', body: target() })
  })

  it.each([
    ['contract/shelf.echo/2', 404, 'not-found'],
    ['fixture/shelf.echo/1', 404, 'not-found'],
    ['target/shelf/one/1', 404, 'not-found'],
    ['Contract/shelf.echo/1', 422, 'schema-invalid'],
    ['contract/Shelf/1', 422, 'schema-invalid'],
    ['contract/shelf.echo/0', 422, 'schema-invalid'],
    ['contract/shelf.echo/one', 422, 'schema-invalid'],
    ['contract/shelf.echo/2147483648', 422, 'schema-invalid'],
  ])('has no %s', async (path, status, code) => {
    expectProblem(await get(`/v1/catalogue/${path}`), [status, code])
  })

  it('retires a version for ever; retiring it again appends nothing', async () => {
    const first = await watch(ledger, () => retire(ledger, 'target', 'shelf/one'))
    expect(first.reply.status).toBe(200)
    const retired = { kind: 'Target', id: 'shelf/one', version: 1, retired: true }
    expect(first.reply.body).toEqual({ ...retired, eventsAppended: 1 })
    expect(first.events.map((it) => [it.type, it.data])).toEqual([
      ['ManifestRetired', { kind: 'Target', id: 'shelf/one', version: 1 }],
    ])
    expect(positionOf(first.reply)).toBe(first.events[0].position)
    const again = await watch(ledger, () => retire(ledger, 'target', 'shelf/one'))
    expect(again.reply.body).toEqual({ ...retired, eventsAppended: 0 })
    expect(again.events).toEqual([])
    const sent = await ledger.ask('POST', '/v1/catalogue', { manifests: [target()] })
    expect([sent.status, sent.body.results[0].outcome]).toEqual([200, 'unchanged'])
    expect((await shelf('?kind=target'))[0]).toMatchObject({ retired: true })
    expect((await get('/v1/catalogue/target/shelf%2Fone/1')).body.retired).toBe(true)
  })

  it('does not retire what is not there', async () => {
    const { reply, events } = await watch(ledger, () => retire(ledger, 'contract', 'shelf.none'))
    expectProblem(reply, [404, 'not-found'])
    expect(events).toEqual([])
  })
})

/** What a key must hold for each. */
const ROUTES: readonly (readonly [string, string, Scope | 'any' | null])[] = [
  ['POST', '/v1/dispatches', 'dispatch:append'],
  ['POST', '/v1/dispatches/batch', 'dispatch:append'],
  ['POST', '/v1/explain', 'dispatch:append'],
  ['GET', '/v1/dispatches', 'dispatch:read'],
  ['GET', '/v1/dispatches/{id}', 'dispatch:read'],
  ['GET', '/v1/dispatches/{id}/events', 'dispatch:read'],
  ['GET', '/v1/dispatches/{id}/explain', 'dispatch:read'],
  ['GET', '/v1/refusals', 'dispatch:read'],
  ['GET', '/v1/outputs', 'dispatch:read'],
  ['GET', '/v1/projections', 'projections:read'],
  ['GET', '/v1/projections/{name}', 'projections:read'],
  ['GET', '/v1/events', 'events:read'],
  ['GET', '/v1/analytics', 'analytics:read'],
  ['GET', '/v1/analytics/{view}', 'analytics:read'],
  ['GET', '/v1/switch', 'switch:read'],
  ['PUT', '/v1/switch/{scope}', 'switch:write'],
  ['POST', '/v1/self-test', 'switch:write'],
  ['POST', '/v1/catalogue', 'catalogue:write'],
  ['GET', '/v1/catalogue', 'catalogue:read'],
  ['GET', '/v1/catalogue/{kind}/{id}/{version}', 'catalogue:read'],
  ['POST', '/v1/catalogue/{kind}/{id}/{version}/retire', 'catalogue:write'],
  ['GET', '/v1/me', 'any'],
  ['POST', '/v1/keys', 'keys:admin'],
  ['GET', '/v1/keys', 'keys:admin'],
  ['POST', '/v1/keys/{id}/revoke', 'keys:admin'],
  ['GET', '/livez', null],
  ['GET', '/readyz', null],
  ['GET', '/problems/{code}', null],
]
/** An address of each, whose answer tells that the caller was let in, whatever it finds there. */
const addressOf = (path: string): string =>
  path
    .replace('/dispatches/{id}', `/dispatches/${NOBODY}`)
    .replace('{name}', 'nothing')
    .replace('{view}', 'nothing')
    .replace('/keys/{id}', '/keys/aaaaaaaaaaaa')
    .replace('{scope}', 'nothing')
    .replace('{kind}/{id}/{version}', 'fixture/nothing/1')
    .replace('{code}', 'not-found')

describe('scopes', () => {
  it.each(SCOPES)('a key with %s alone reaches its routes and no other', async (scope) => {
    const key = await ledger.newKey({ scopes: [scope] })
    const { events } = await watch(ledger, async () => {
      for (const [method, path, needed] of ROUTES) {
        const body = method === 'GET' ? undefined : {}
        const reply = await ledger.ask(method, addressOf(path), body, { key })
        const shut = reply.status === 403 && reply.body.code === 'forbidden'
        const wanted = needed === null || needed === 'any' || needed === scope
        expect({ method, path, shut }).toEqual({ method, path, shut: !wanted })
        expect(reply.status).not.toBe(401)
      }
    })
    expect(events).toEqual([])
  })

  it('nobody without a key reaches more than what is open to all', async () => {
    for (const [method, path, needed] of ROUTES) {
      const body = method === 'GET' ? undefined : {}
      const { status } = await ledger.ask(method, addressOf(path), body, { key: '' })
      expect({ path, shut: status === 401 }).toEqual({ path, shut: needed !== null })
    }
    expect((await ledger.ask('GET', '/openapi.json', undefined, { key: '' })).status).toBe(200)
  })

  it('a route that declares none keeps the server from starting', async () => {
    const ports = {
      version: '0.0.0',
      negativeControls: [],
      consoleFiles: [],
    } as unknown as HttpPorts
    const silent = pino({ level: 'silent' })
    for (const [config, starts] of [
      [{ scope: null }, true],
      [{ scope: 'switch:read' as const }, true],
      [{}, false],
      [undefined, false],
    ] as const) {
      const plant = (app: TestLedger['app']): void => {
        app.register(async (scoped) => {
          scoped.get('/planted', config === undefined ? {} : { config }, async () => 'reached')
        })
      }
      const starting = createServer(ports, silent, plant).then((app) => app.close())
      if (starts) await starting
      else await expect(starting).rejects.toThrow('/planted declares no scope')
    }
  })
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

describe('GET /openapi.json', () => {
  let document: Reply['body']
  beforeAll(async () => {
    document = (await get('/openapi.json')).body
  })

  it('is an OpenAPI 3.1 document that names the product and its keys', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.info).toMatchObject({ title: 'Dispatch Ledger', version: '0.0.0-test' })
    expect(document.components.securitySchemes).toEqual({ key: { type: 'http', scheme: 'bearer' } })
  })

  it('has exactly these routes, each with the scope it asks for', () => {
    const found = Object.entries<Reply['body']>(document.paths).flatMap(([path, methods]) =>
      Object.entries<Reply['body']>(methods).map(([method, route]) => {
        const [asked] = route.security
        const scope = asked === undefined ? null : (asked.key[0] ?? 'any')
        return `${method.toUpperCase()} ${path} ${scope}`
      }),
    )
    const wanted = ROUTES.map(([method, path, scope]) => `${method} ${path} ${scope}`)
    expect(found.toSorted()).toEqual(wanted.toSorted())
  })

  it('describes every route: summary, parameters of its path, a good answer and problems', () => {
    for (const [path, methods] of Object.entries<Reply['body']>(document.paths)) {
      for (const [method, route] of Object.entries<Reply['body']>(methods)) {
        expect({ path, method, summary: route.summary }).toMatchObject({
          summary: expect.stringMatching(/\w/),
        })
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((it) => it[1])
        const declared = (route.parameters ?? []).filter((it: Reply['body']) => it.in === 'path')
        expect(declared.map((it: Reply['body']) => it.name)).toEqual(inPath)
        if (!path.startsWith('/v1/')) continue
        expect(Object.keys(route.responses)).toEqual(expect.arrayContaining(['4XX', '5XX']))
        expect(Object.keys(route.responses)[0]).toMatch(/^20[01]$/)
        expect(route.responses['4XX'].content).toHaveProperty(['application/problem+json'])
        if (method !== 'get' && !/\/(retire|revoke|self-test)$/.test(path)) {
          expect(route.requestBody.content).toHaveProperty(['application/json'])
        }
      }
    }
  })

  it('refers to nothing that is not in it', () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)
    for (const [, reference = ''] of references) {
      const path = reference.replace(/^#\//, '').split('/')
      const found = path.reduce<Reply['body']>((at, step) => at?.[step], document)
      expect({ reference, found: found !== undefined }).toEqual({ reference, found: true })
    }
  })

  it('gives each operation an id of its own', () => {
    const ids = Object.values<Reply['body']>(document.paths).flatMap((methods) =>
      Object.values<Reply['body']>(methods).map((it) => it.operationId),
    )
    expect(ids.every((it) => typeof it === 'string')).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
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
