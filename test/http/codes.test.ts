import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { ERRORS } from '../../src/errors.ts'
import { type Executor, ExecutorFailure } from '../../src/ports.ts'
import {
  dryReport,
  openSecond,
  ScriptedExecutor,
  ScriptedStore,
  storeGone,
} from '../support/doubles.ts'
import {
  catalogueOf,
  register,
  retire,
  type SeenEvent,
  sqlCatalogueOf,
  watch,
} from '../support/front-door.ts'
import { openLedger, openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand, sampleContract, sampleTarget } from '../support/sample.ts'

const executor = new ScriptedExecutor()
const store = new ScriptedStore()
const reached = new Set<string>()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry, store: store.wrap })
})
afterEach(() => {
  executor.reset()
  store.reset()
})
afterAll(() => ledger.close())

let drawn = 0
const fresh = (change: Partial<AskedCommand> = {}): AskedCommand =>
  sampleCommand({ occurrence: `code-${drawn++}`, ...change })
const dispatch = (change: Partial<AskedCommand> = {}) => ledger.dispatch(fresh(change))
const dispatchText = (text: string) => ledger.send('/v1/dispatches', text)
const fails = (error: unknown) => () => {
  throw error
}

type Who = 'caller' | 'operator' | 'catalogue-owner' | 'nobody'
type Expected = Readonly<{
  status: number
  who: Who
  retryable: boolean
  rule?: number
  stage?: 'admission' | 'preflight' | 'execution'
  recorded?: 'event' | 'none' | 'unknown'
  /** Types of the events that came into the log; left out means none. */
  events?: readonly string[]
  /** Seconds of the header Retry-After. */
  retryAfter?: string
}>

/** What CONTRACT section 8 says of a status. A code that differs says so in its own line. */
const caller = { who: 'caller', retryable: false } as const
const never = { who: 'nobody', retryable: false } as const
const owner = { who: 'catalogue-owner', retryable: true } as const
const operator = { who: 'operator', retryable: true } as const
const nobody = { who: 'nobody', retryable: true } as const
/** Judged at admission, and recorded as the first event of its stream. */
const admitted = { stage: 'admission', recorded: 'event', events: ['Refused'] } as const
const preflight = {
  stage: 'preflight',
  recorded: 'event',
  events: ['Planned', 'Refused'],
} as const
const execution = {
  stage: 'execution',
  recorded: 'event',
  events: ['Planned', 'PreflightPassed', 'Refused'],
} as const

/** Every member of a problem, and what it left in the log. */
async function expectProblem(code: string, expected: Expected, act: () => Promise<Reply>) {
  const { reply, events } = await watch(ledger, act)
  const { status, who, retryable, rule = null, stage = null, recorded = 'none' } = expected
  expect(reply.headers['content-type']).toMatch(/^application\/problem\+json\b/)
  expect(reply.status).toBe(status)
  expect(reply.body).toMatchObject({
    type: `/problems/${code}`,
    status,
    code,
    rule,
    stage,
    retryable,
    whoMustAct: who,
    recorded,
  })
  for (const text of ['title', 'detail']) expect(reply.body[text]).toMatch(/\S{2,}/)
  expect(reply.headers['retry-after']).toBe(expected.retryAfter)
  expect(events.map((it) => it.type)).toEqual(expected.events ?? [])
  if (recorded === 'event') expectRefused(reply.body, events.at(-1))
  else expect(reply.body).not.toHaveProperty('refusalId')
  reached.add(code)
  const meaning = await ledger.ask('GET', reply.body.type)
  expect(meaning.body).toMatchObject({ code, status })
}

/** The answer of a judged refusal is its event, and what follows from it. */
function expectRefused(problem: Reply['body'], refused: SeenEvent): void {
  const { code, rule, stage, reached: at, dispatchId, digest, refusalId, gates } = problem
  expect(refused).toMatchObject({
    id: refusalId,
    stream: `dispatch-${dispatchId}`,
    type: 'Refused',
  })
  const { snapshot, command, digest: opening, ...data } = refused.data
  expect(data).toEqual({ mode: expect.any(String), code, rule, stage })
  const opens = refused.revision === 0
  expect(opening).toBe(opens ? digest : undefined)
  expect(command === undefined).toBe(!opens)
  expect(problem.eventsAppended).toBe(refused.revision + 1)
  expect(at).toBe(
    { admission: null, preflight: 'Planned', execution: 'PreflightPassed' }[stage as 'admission'],
  )
  const record = ({ gate, outcome, seen, revision }: SeenEvent) => ({
    gate,
    outcome,
    seen,
    revision,
  })
  expect(gates.map(record)).toEqual(snapshot.gates)
  const outcomes: string[] = snapshot.gates.map((it: SeenEvent) => it.outcome)
  const decided = outcomes.findIndex((it) => it !== 'pass')
  expect(['fail', 'indeterminate']).toContain(outcomes[decided])
  expect(gates[decided].rule).toBe(rule)
  expect(new Set(outcomes.slice(0, decided))).toEqual(new Set(decided === 0 ? [] : ['pass']))
  expect(outcomes.slice(decided + 1).every((it) => it === 'not_evaluated')).toBe(true)
}

type Case = [code: string, expected: Expected, act: () => Promise<Reply>]
const it400 = { status: 400, ...caller }

describe('400: the bytes are not what two readers would read alike', () => {
  it.each<Case>([
    ['malformed-json', it400, () => dispatchText('{"mode":')],
    ['duplicate-key', it400, () => dispatchText('{"mode":"DRY_RUN","mode":"REAL_RUN"}')],
    ['unsafe-number', it400, () => dispatchText('{"n":9007199254740993}')],
    ['lone-surrogate', it400, () => dispatchText('{"n":"\\ud800"}')],
    ['nul-character', it400, () => dispatchText('{"n":"\\u0000"}')],
    ['forbidden-key', it400, () => dispatchText('{"__proto__":{}}')],
    ['too-deep', it400, () => dispatchText('['.repeat(33) + ']'.repeat(33))],
  ])('%s', expectProblem)
})

describe('401, 403, 404, 413, 415: the door', () => {
  it.each<Case>([
    ['unauthenticated', { status: 401, ...caller }, () => ledger.dispatch(fresh(), { key: '' })],
    [
      'forbidden',
      { status: 403, ...never },
      async () => ledger.dispatch(fresh(), { key: await ledger.newKey({ scopes: [] }) }),
    ],
    ['not-found', { status: 404, ...caller }, () => ledger.ask('GET', '/v1/nothing')],
    [
      'too-large',
      { status: 413, ...caller },
      () => dispatch({ params: { say: 'x'.repeat(70_000) } }),
    ],
    [
      'media-type',
      { status: 415, ...caller },
      () => ledger.send('/v1/dispatches', '{}', { headers: { 'content-type': 'text/plain' } }),
    ],
  ])('%s', expectProblem)
})

describe('403: never', () => {
  const it403 = { status: 403, ...never, ...admitted }
  it.each<Case>([
    [
      'production-execution-not-authorized',
      { ...it403, rule: 1 },
      () => dispatch({ mode: 'REAL_RUN' }),
    ],
    [
      'namespace-production',
      { ...it403, rule: 6 },
      () => dispatch({ outputNamespace: 'PROD:orders' }),
    ],
  ])('%s', expectProblem)
})

describe('409: change the world and try again', () => {
  const gone = catalogueOf('codes')
  const other = { ...gone.contract, id: 'codes.other', executor: 'other', program: {} }
  beforeAll(async () => {
    await register(ledger, [
      ...gone.manifests,
      { ...gone.fixture, id: 'codes.retired' },
      { ...gone.contract, id: 'codes.no-fixture', fixture: 'codes.retired@1' },
      { ...gone.contract, id: 'codes.retired' },
      { ...other, baseline: [] },
      { ...gone.target(), id: 'codes/other', executor: 'other' },
    ])
    await retire(ledger, 'fixture', 'codes.retired')
    await retire(ledger, 'contract', 'codes.retired')
  })
  const contract = (id: string) => ({ contract: { id, version: 1 }, target: 'codes/one' })
  const owners = { status: 409, ...owner, rule: 8 }
  const operators = { status: 409, ...operator }

  it.each<Case>([
    ['contract-missing', { ...owners, ...admitted }, () => dispatch(contract('codes.none'))],
    ['contract-retired', { ...owners, ...admitted }, () => dispatch(contract('codes.retired'))],
    ['fixture-missing', { ...owners, ...admitted }, () => dispatch(contract('codes.no-fixture'))],
    ['target-missing', { ...owners, ...admitted }, () => dispatch({ target: 'sample/none' })],
    [
      'baseline-mismatch',
      { ...owners, ...preflight },
      () => {
        const onBaseline: ScriptedExecutor['onBaseline'] = (plan) => dryReport(plan, { output: 0 })
        Object.assign(executor, { build: 2, onBaseline })
        return dispatch()
      },
    ],
    [
      'executor-missing',
      { ...operators, ...preflight, rule: 0 },
      () => dispatch({ ...contract('codes.other'), target: 'codes/other' }),
    ],
    [
      'executor-unsafe',
      { ...operators, ...preflight, rule: 4 },
      () => {
        executor.sideEffects = 'some'
        return dispatch()
      },
    ],
    [
      'manifest-conflict',
      { status: 409, ...owner },
      () =>
        ledger.ask('POST', '/v1/catalogue', {
          manifests: [{ ...sampleContract, limits: { timeMs: 2_000 } }],
        }),
    ],
  ])('%s', expectProblem)
})

describe('422: change the request', () => {
  const it422 = { status: 422, ...caller }
  const stale = catalogueOf('stale')
  const sql = sqlCatalogueOf('codes-sql', 'select 1 as one')
  beforeAll(() => register(ledger, [...stale.manifests, ...sql.manifests]))

  it.each<Case>([
    ['schema-invalid', it422, () => dispatch({ mode: 'LIVE' as 'DRY_RUN' })],
    [
      'manifest-invalid',
      it422,
      () => ledger.ask('POST', '/v1/catalogue', { manifests: [{ ...sampleTarget(9), port: 1 }] }),
    ],
    ['params-invalid', { ...it422, ...admitted, rule: 8 }, () => dispatch({ params: { say: 1 } })],
    [
      'namespace-invalid',
      { ...it422, ...admitted, rule: 6 },
      () => dispatch({ outputNamespace: 'DRYRUN-NS:A' }),
    ],
    [
      'target-not-allowed',
      { ...it422, ...admitted, rule: 8 },
      () => dispatch({ target: 'elsewhere/one' }),
    ],
    [
      'sql-not-allowed',
      { ...it422, ...preflight, rule: 4 },
      () => {
        const sqlRead = new ScriptedExecutor()
        const facts = { sql: { allowed: false, why: 'a test' }, source: null }
        Object.assign(sqlRead, { type: 'sql-read', onFacts: () => facts })
        executor.registry.set('sql-read', sqlRead as unknown as Executor)
        return ledger.dispatch(sql.command())
      },
    ],
  ])('%s', expectProblem)

  it('plan-stale', async () => {
    await ledger.dispatch(stale.command({ mode: 'PLAN_ONLY' }))
    await register(ledger, [stale.target(2)])
    const { reply, events } = await watch(ledger, () => ledger.dispatch(stale.command()))
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json\b/)
    expect(reply.status).toBe(422)
    expect(reply.body).toMatchObject({
      code: 'plan-stale',
      rule: 8,
      stage: 'preflight',
      retryable: false,
      whoMustAct: 'caller',
      recorded: 'event',
      reached: 'Planned',
      eventsAppended: 1,
      refusalId: events[0].id,
    })
    expect(events).toMatchObject([{ type: 'Refused', revision: 1, data: { code: 'plan-stale' } }])
    expect(events[0].data).not.toHaveProperty('digest')
    reached.add('plan-stale')
  })
})

describe('423: wait for an operator', () => {
  afterAll(() => ledger.setSwitch('DRY_RUN_ONLY'))

  it('kill-switch-engaged', async () => {
    await ledger.setSwitch('HALTED')
    const expected = { status: 423, ...operator, ...admitted, rule: 2 }
    await expectProblem('kill-switch-engaged', expected, () => dispatch())
  })
})

describe('429: slow down', () => {
  it('rate-limited', async () => {
    executor.onRun = fails(new ExecutorFailure('threw', 'E1'))
    const command = fresh()
    const { events } = execution
    const expected = { status: 429, ...caller, retryable: true, retryAfter: '1', events }
    await expectProblem('rate-limited', expected, async () => {
      await ledger.dispatch(command)
      return ledger.dispatch(command)
    })
    expect(executor.runs).toBe(1)
  })
})

describe('502 and 504: the executor', () => {
  it.each<Case>([
    [
      'executor-failed',
      { status: 502, ...nobody, ...execution, rule: 0 },
      () => {
        executor.onRun = fails(new ExecutorFailure('threw', 'E1'))
        return dispatch()
      },
    ],
    [
      'mutation-suspected',
      { status: 502, ...operator, ...execution, rule: 0, retryable: false },
      () => {
        executor.onRun = (plan) =>
          dryReport(plan, { evidence: { isolated: { holds: false, seen: null } } })
        return dispatch()
      },
    ],
    [
      'executor-timeout',
      { status: 504, ...nobody, ...execution, rule: 0 },
      () => {
        executor.onRun = fails(new ExecutorFailure('timeout', 'time'))
        return dispatch()
      },
    ],
  ])('%s', expectProblem)
})

describe('503: we could not tell', () => {
  const it503 = { status: 503, ...nobody, retryAfter: '1' }

  it.each<Case>([
    [
      'gate-indeterminate',
      { status: 503, ...nobody, ...preflight, rule: 4 },
      () => {
        executor.onFacts = fails(new Error('gone'))
        return dispatch()
      },
    ],
    [
      'contended',
      { ...it503, rule: 9 },
      () => {
        store.onAppend = async () => ({ outcome: 'conflict', revision: 7 })
        return dispatch()
      },
    ],
    [
      'store-unavailable',
      { ...it503, rule: 9, recorded: 'unknown' },
      () => {
        store.onAppend = fails(storeGone())
        return dispatch()
      },
    ],
  ])('%s', expectProblem)

  it('contended after five tries, in which the executor ran once', async () => {
    store.onAppend = async () => ({ outcome: 'stale', controlRevision: 7 })
    const { body } = await dispatch()
    expect(body).toMatchObject({ code: 'contended', recorded: 'none' })
    expect({ appends: store.appends, runs: executor.runs }).toEqual({ appends: 5, runs: 1 })
  })

  it('not-ready', async () => {
    const silent = [{ gate: 'evidence', fired: false }] as const
    const server = await openSecond(ledger, {
      executors: executor.registry,
      negativeControls: silent,
    })
    await expectProblem('not-ready', it503, () => server.dispatch(fresh()))
    await server.close()
  })

  it('kill-switch-indeterminate', async () => {
    const own = await openLedger()
    const reply = await own.dispatch(sampleCommand())
    expect(reply.status).toBe(503)
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json\b/)
    expect(reply.body).toMatchObject({
      code: 'kill-switch-indeterminate',
      rule: 2,
      stage: 'admission',
      retryable: true,
      whoMustAct: 'operator',
      recorded: 'event',
      reached: null,
      eventsAppended: 1,
    })
    expect(await own.countEvents()).toBe(1)
    reached.add('kill-switch-indeterminate')
    await own.close()
  })
})

describe('the members of a problem', () => {
  it('name the dispatch wherever the command has an identity', async () => {
    const named: Record<string, unknown> = {}
    const ask = async (command = fresh()) => {
      const { body } = await ledger.dispatch(command)
      const { dispatchId, digest } = body
      named[body.code] = { dispatchId, digest }
      return body
    }
    const id = { dispatchId: expect.any(String), digest: expect.stringMatching(/^sha256:/) }
    store.onAppend = async () => ({ outcome: 'conflict', revision: 7 })
    await ask()
    store.onAppend = fails(storeGone())
    await ask()
    store.reset()
    executor.onRun = fails(new ExecutorFailure('threw', 'E1'))
    const command = fresh()
    await ask(command)
    await ask(command)
    expect(named).toEqual({
      contended: id,
      'store-unavailable': id,
      'executor-failed': id,
      'rate-limited': id,
    })
  })
})

describe('the codes of this file', () => {
  it('are all there are', () => {
    expect([...reached].toSorted()).toEqual(Object.keys(ERRORS).toSorted())
  })
})
