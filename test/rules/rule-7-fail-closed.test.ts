import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { GATES } from '../../domain/gates/index.ts'
import { ExecutorFailure, type NewEvent } from '../../src/ports.ts'
import { openLog } from '../../src/stores/open-log.ts'
import {
  dryReport,
  openSecond,
  ScriptedExecutor,
  ScriptedStore,
  type SecondServer,
} from '../support/doubles.ts'
import { catalogueOf, gateIn, historyOf, register, typesOf, watch } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const executor = new ScriptedExecutor()
const store = new ScriptedStore()
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
/** A command that nobody sent before. */
const fresh = () => sampleCommand({ occurrence: `fresh-${drawn++}` })
const fails = (error: unknown) => () => {
  throw error
}
/** A baseline that was not asked for with this build yet is not in the cache. */
const NEW_BUILD = 1_000

describe('rule 7: what preflight cannot establish refuses', () => {
  it.each<[string, Partial<ScriptedExecutor>, string, number]>([
    ['the facts of the executor reject', { onFacts: fails(new Error('gone')) }, 'read-only', 4],
    ['the facts are null', { onFacts: () => null }, 'read-only', 4],
    ['the facts are text', { onFacts: () => 'none' }, 'read-only', 4],
    ['the facts are a list', { onFacts: () => [] }, 'read-only', 4],
    ['the facts are not there', { onFacts: () => undefined }, 'read-only', 4],
    ['the side effects are not declared', { sideEffects: undefined }, 'read-only', 4],
    ['the side effects are a flag', { sideEffects: false }, 'read-only', 4],
    ['the build is missing', { build: undefined }, 'executor', 0],
    ['the build is null', { build: null }, 'executor', 0],
    ['the build is text', { build: '1' }, 'executor', 0],
    ['the build is a fraction', { build: 1.5 }, 'executor', 0],
    ['the build is not a number', { build: Number.NaN }, 'executor', 0],
    ['the executor says it is of another type', { type: 'sql-read' }, 'executor', 0],
    ['the executor does not say its type', { type: undefined }, 'executor', 0],
    [
      'a baseline case throws',
      { build: NEW_BUILD, onBaseline: fails(new Error('no')) },
      'baseline',
      8,
    ],
    [
      'a baseline case runs out of time',
      { build: NEW_BUILD, onBaseline: fails(new ExecutorFailure('timeout', 'time')) },
      'baseline',
      8,
    ],
    [
      'a baseline case gives no JSON',
      {
        build: NEW_BUILD,
        onBaseline: (plan) => dryReport(plan, { output: Number.POSITIVE_INFINITY }),
      },
      'baseline',
      8,
    ],
  ])('when %s', async (_, change, gate, rule) => {
    Object.assign(executor, change)
    const { reply, events } = await watch(ledger, () => ledger.dispatch(fresh()))
    expect(reply.status).toBe(503)
    expect(executor.runs).toBe(0)
    expect(reply.body).toMatchObject({
      code: 'gate-indeterminate',
      rule,
      stage: 'preflight',
      retryable: true,
      whoMustAct: 'nobody',
      recorded: 'event',
      reached: 'Planned',
      eventsAppended: 2,
    })
    expect(gateIn(reply.body.gates, gate)).toMatchObject({ outcome: 'indeterminate' })
    expect(typesOf(events)).toEqual(['Planned', 'Refused'])
    expect(gateIn(events[1].data.snapshot.gates, gate)).toHaveProperty('seen')
  })

  it('and goes on from there once it can be established', async () => {
    const command = fresh()
    executor.onFacts = fails(new Error('gone'))
    await ledger.dispatch(command)
    executor.reset()
    const { status, body } = await ledger.dispatch(command)
    expect(status).toBe(200)
    expect(body).toMatchObject({ outcome: 'advanced', eventsAppended: 2 })
  })
})

/** What an executor's answer makes of the call: a refusal, whatever else. */
async function expectRefused(onRun: ScriptedExecutor['onRun']): Promise<Reply> {
  executor.onRun = onRun
  const { reply, events } = await watch(ledger, () => ledger.dispatch(fresh()))
  expect(reply.status).toBeGreaterThanOrEqual(502)
  expect(reply.body).toMatchObject({
    rule: 0,
    stage: 'execution',
    recorded: 'event',
    reached: 'PreflightPassed',
    eventsAppended: 3,
  })
  expect(typesOf(events)).toEqual(['Planned', 'PreflightPassed', 'Refused'])
  const shown = gateIn(events[2].data.snapshot.gates, 'evidence')
  expect(['fail', 'indeterminate']).toContain(shown.outcome)
  expect(shown).toHaveProperty('seen')
  return reply
}

describe('rule 7: an invocation without a readable report refuses', () => {
  it.each<[string, ScriptedExecutor['onRun'], string]>([
    ['throws', fails(new Error('boom')), 'executor-failed'],
    ['throws nothing at all', fails(undefined), 'executor-failed'],
    ['fails by itself', fails(new ExecutorFailure('threw', 'E1')), 'executor-failed'],
    ['meets a limit', fails(new ExecutorFailure('limit', 'output')), 'executor-failed'],
    ['gives no JSON', fails(new ExecutorFailure('not-json', 'function')), 'executor-failed'],
    ['runs out of time', fails(new ExecutorFailure('timeout', 'time')), 'executor-timeout'],
    ['reports nothing', () => undefined, 'executor-failed'],
    ['reports null', () => null, 'executor-failed'],
    ['reports text', () => 'fine', 'executor-failed'],
    [
      'outputs infinity',
      (plan) => dryReport(plan, { output: Number.POSITIVE_INFINITY }),
      'executor-failed',
    ],
    ['outputs nothing', (plan) => ({ ...dryReport(plan), output: undefined }), 'executor-failed'],
    ['outputs half a pair', (plan) => dryReport(plan, { output: '\ud800' }), 'executor-failed'],
  ])('when the executor %s', async (_, onRun, code) => {
    expect((await expectRefused(onRun)).body.code).toBe(code)
  })

  it.each<[string, ScriptedExecutor['onRun']]>([
    ['no evidence', (plan) => ({ ...dryReport(plan), evidence: undefined })],
    ['evidence that is null', (plan) => ({ ...dryReport(plan), evidence: null })],
    ['evidence that is a list', (plan) => ({ ...dryReport(plan), evidence: [] })],
    ['an unknown verdict', (plan) => ({ ...dryReport(plan), verdict: 'maybe' })],
    ['no verdict', (plan) => ({ ...dryReport(plan), verdict: undefined })],
    ['an output over its limit', (plan) => dryReport(plan, { output: 'x'.repeat(70_000) })],
    ['an output with U+0000', (plan) => dryReport(plan, { output: 'a\u0000b' })],
  ])('when a report has %s', async (_, onRun) => {
    await expectRefused(onRun)
  })

  it.each<[string, unknown]>([
    ['a number that JSON has not', Number.NaN],
    ['a date', new Date(0)],
    ['an undefined member', { engine: undefined }],
    ['a big integer', 1n],
    ['nothing', undefined],
  ])('when the evidence saw %s, which cannot be stored verbatim', async (_, seen) => {
    await expectRefused((plan) => ({
      ...dryReport(plan),
      evidence: { isolated: { holds: true, seen } },
    }))
  })
})

/** Executor limit and 10 s, and what a busy machine takes to get there. */
const DEADLINE_MS = 13_020

/** Under the first judgement of a call: all is judged again, in what time is left. */
function moveControlAndHang(): () => unknown {
  let moved: Promise<Reply> | null = null
  return async () => {
    const flip = { state: 'DRY_RUN_ONLY', reason: 'control moves' }
    await (moved ??= ledger.ask('PUT', '/v1/switch/executor:simulator', flip))
    return never()
  }
}

const never = () => new Promise(() => undefined)
const onAbort: ScriptedExecutor['onRun'] = async (plan, signal) => {
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve)
  })
  return dryReport(plan)
}

describe('rule 7: what does not come in time refuses before the deadline of the request', () => {
  const late: [string, Partial<ScriptedExecutor>, number, string][] = [
    ['facts-that-hang', { onFacts: never }, 503, 'gate-indeterminate'],
    [
      'facts-that-hang-while-control-moves',
      { onFacts: moveControlAndHang() },
      503,
      'gate-indeterminate',
    ],
    ['a-baseline-that-hangs', { build: 2, onBaseline: never }, 503, 'gate-indeterminate'],
    ['a-run-that-does-not-heed-its-signal', { onRun: never }, 504, 'executor-timeout'],
    ['a-report-after-its-time', { onRun: onAbort }, 504, 'executor-timeout'],
  ]
  const servers = new Map<string, SecondServer>()
  // All is registered before the first of them waits: control moves under none, so each judges once.
  beforeAll(async () => {
    for (const [name, change] of late) {
      const own = new ScriptedExecutor()
      const server = await openSecond(ledger, { executors: own.registry })
      servers.set(name, server)
      const { contract, fixture, target } = catalogueOf(name)
      await register(server, [target(), fixture, { ...contract, limits: { timeMs: 20 } }])
      Object.assign(own, change)
    }
  })
  afterAll(() => Promise.all([...servers.values()].map((it) => it.close())))

  it.each(late)('%s', { concurrent: true }, async (name, _, status, code) => {
    const server = servers.get(name) as SecondServer
    const reply = await beforeDeadline(server.dispatch(catalogueOf(name).command()))
    expect(reply).toMatchObject({ status, body: { code, recorded: 'event' } })
    const events = await historyOf(ledger, (reply as Reply).body.dispatchId)
    expect(typesOf(events)).not.toContain('DryRunRecorded')
    expect(events.at(-1)).toMatchObject({ type: 'Refused', data: { code } })
  })
})

/** The answer, or that there was none before the deadline. */
async function beforeDeadline(asked: Promise<Reply>): Promise<Reply | string> {
  const timer = new AbortController()
  const late = new Promise<string>((resolve) => {
    const timeout = setTimeout(resolve, DEADLINE_MS, 'no answer before the deadline')
    timer.signal.addEventListener('abort', () => clearTimeout(timeout))
  })
  const reply = await Promise.race([asked, late])
  timer.abort()
  return reply
}

describe('rule 7: a store or a key table that cannot be read refuses', () => {
  it('when the dispatch cannot be loaded, and no executor runs', async () => {
    store.onLoad = fails(new Error('connection reset'))
    const command = fresh()
    const { status } = await ledger.dispatch(command)
    expect(status).toBe(503)
    expect(executor.runs).toBe(0)
    store.reset()
    expect((await ledger.dispatch(command)).status).toBe(201)
  })

  it('when the keys cannot be looked up', async () => {
    const { query } = ledger.database
    await query('alter table ledger.access_keys rename to elsewhere')
    try {
      const { status, body } = await ledger.dispatch(fresh())
      expect(status).toBe(503)
      expect(body).toMatchObject({ code: 'store-unavailable', recorded: 'none' })
    } finally {
      await query('alter table ledger.elsewhere rename to access_keys')
    }
  })
})

describe('rule 7: a gate that did not show it can refuse keeps the server unready', () => {
  const silent = GATES.map(({ name }) => ({ gate: name, fired: name !== 'evidence' }))
  it.each([
    ['one that did not fire', silent],
    ['none that were run', []],
  ])('with %s', async (_, negativeControls) => {
    const server = await openSecond(ledger, { executors: executor.registry, negativeControls })
    try {
      const { reply, events } = await watch(ledger, () => server.dispatch(fresh()))
      expect(reply.status).toBe(503)
      expect(reply.body).toMatchObject({ code: 'not-ready', recorded: 'none', rule: null })
      expect(events).toEqual([])
      expect((await server.ask('POST', '/v1/explain', fresh())).body.code).toBe('not-ready')
      const ready = await server.ask('GET', '/readyz')
      expect(ready.status).toBe(503)
      expect(ready.body).toMatchObject({
        ready: false,
        checks: { negativeControls: { ok: false } },
      })
      expect((await server.ask('GET', '/livez')).status).toBe(200)
      expect((await server.ask('GET', '/v1/switch')).status).toBe(200)
    } finally {
      await server.close()
    }
  })

  it('and every gate of this build did show it', async () => {
    const { status, body } = await ledger.ask('GET', '/readyz')
    expect(status).toBe(200)
    expect(body.checks.negativeControls).toEqual({
      ok: true,
      detail: '12/12 negative controls fired',
    })
  })
})

describe('rule 7: a log that this build cannot read stops the judging', () => {
  /** Writes into the log what no build of today would. */
  const plant = async (stream: string, expected: number, event: object): Promise<void> => {
    const { database, eventStoreDb } = ledger
    const log = openLog({ url: database.runtimeUrl, eventStoreDb })
    const { control } = await log.load('control')
    const append = { expected, events: [event as NewEvent], callId: randomUUID() }
    const result =
      stream === 'control'
        ? await log.appendControl(append)
        : await log.appendDispatch({ ...append, stream, controlRevision: control.revision })
    expect(result.outcome).toBe('appended')
    await log.close()
  }
  const metadata = { schemaVersion: 1, correlationId: '0'.repeat(32), actor: 'key:planted' }
  const plantedEvent = (type: string, data: object) => ({ id: randomUUID(), type, data, metadata })

  it('for one dispatch, whose stream holds a rules number it does not know', async () => {
    const command = fresh()
    const { body } = await ledger.dispatch({ ...command, mode: 'PLAN_ONLY' })
    const [planned] = await historyOf(ledger, body.dispatchId)
    const snapshot = { ...planned.data.snapshot, rules: 999 }
    const data = { mode: 'DRY_RUN', executor: { type: 'simulator', build: 1 }, snapshot }
    await plant(`dispatch-${body.dispatchId}`, 0, plantedEvent('PreflightPassed', data))
    const { status, body: problem } = await ledger.dispatch(command)
    expect(status).toBe(503)
    expect(problem).toMatchObject({ code: 'not-ready', recorded: 'none' })
    expect((await ledger.dispatch(fresh())).status).toBe(201)
  })

  it('for one dispatch, whose stream was opened with another digest', async () => {
    const command = fresh()
    const { body } = await ledger.ask('POST', '/v1/explain', command)
    const [planned] = await historyOf(ledger, (await ledger.dispatch(fresh())).body.dispatchId)
    await plant(`dispatch-${body.dispatchId}`, -1, plantedEvent('Planned', planned.data))
    const { reply, events } = await watch(ledger, () => ledger.dispatch(command))
    expect(reply.status).toBe(503)
    expect(reply.body).toMatchObject({ code: 'gate-indeterminate', recorded: 'none' })
    expect(events).toEqual([])
    expect(executor.runs).toBe(1)
  })

  it('for every dispatch, once control holds an event that it does not know', async () => {
    const recorded = fresh()
    await ledger.dispatch(recorded)
    const { body } = await ledger.ask('GET', '/v1/switch')
    const data = { scope: 'global', state: 'DRY_RUN_ONLY', reason: 'from the future' }
    await plant('control', body.controlRevision, plantedEvent('SwitchLoosened', data))
    for (const command of [recorded, fresh()]) {
      const reply = await ledger.dispatch(command)
      expect(reply.status).toBe(503)
      expect(reply.body).toMatchObject({ code: 'not-ready', recorded: 'none' })
    }
    expect((await ledger.ask('GET', '/readyz')).status).toBe(503)
  })
})
