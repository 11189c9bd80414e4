import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ExecutorFailure } from '../../src/ports.ts'
import { dryReport, holdRuns, ScriptedExecutor, ScriptedStore } from '../support/doubles.ts'
import {
  afterPause,
  catalogueOf,
  gateIn,
  historyOf,
  register,
  retire,
  typesOf,
  watch,
} from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const executor = new ScriptedExecutor()
const store = new ScriptedStore()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry, store: store.wrap })
})
afterEach(async () => {
  executor.reset()
  store.reset()
  await ledger.setSwitch('DRY_RUN_ONLY')
})
afterAll(() => ledger.close())

const fails = (error: unknown) => () => {
  throw error
}
const BROKEN = { isolated: { holds: false, seen: null } }
const codesOf = (replies: readonly Reply[]): unknown[] => replies.map((it) => it.body.code)

describe('a refusal that stands in its stream', () => {
  it('is answered again without a new event, ten times', async () => {
    const command = sampleCommand({ occurrence: 'same', params: { say: 7 } })
    const { reply: replies, events } = await watch(ledger, async () => {
      const answers: Reply[] = []
      for (let n = 0; n < 10; n++) answers.push(await ledger.dispatch(command))
      return answers
    })
    expect(typesOf(events)).toEqual(['Refused'])
    expect(replies.map((it) => it.body.eventsAppended)).toEqual([1, ...Array(9).fill(0)])
    expect(new Set(replies.map((it) => it.body.refusalId))).toEqual(new Set([events[0].id]))
    expect(new Set(replies.map((it) => it.body.recorded))).toEqual(new Set(['event']))
    for (const { headers } of replies) {
      expect(headers['ledger-position']).toBe(String(events[0].position))
      expect(headers).not.toHaveProperty('retry-after')
    }
  })

  it('is one event under a storm of equal calls', async () => {
    const command = sampleCommand({ occurrence: 'storm', target: 'sample/none' })
    const { reply: replies, events } = await watch(ledger, () =>
      Promise.all(Array.from({ length: 60 }, () => ledger.dispatch(command))),
    )
    expect(new Set(codesOf(replies))).toEqual(new Set(['target-missing']))
    expect(typesOf(events)).toEqual(['Refused'])
    expect(replies.filter((it) => it.body.eventsAppended === 1)).toHaveLength(1)
  })

  it('is another one for another mode', async () => {
    const command = sampleCommand({ occurrence: 'modes', params: { say: 7 } })
    const ids = new Set<string>()
    for (const mode of ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'PLAN_ONLY', 'DRY_RUN']) {
      ids.add((await ledger.dispatch({ ...command, mode })).body.refusalId)
    }
    expect(ids.size).toBe(3)
  })

  it('is another one after another flip of the switch, and then stands again', async () => {
    const command = sampleCommand({ occurrence: 'flips' })
    const appended: number[] = []
    for (let round = 0; round < 2; round++) {
      await ledger.setSwitch('HALTED')
      for (let n = 0; n < 3; n++) {
        const { status, body } = await ledger.dispatch(command)
        expect(status).toBe(423)
        appended.push(body.eventsAppended)
      }
      await ledger.setSwitch('DRY_RUN_ONLY')
    }
    expect(appended).toEqual([1, 0, 0, 1, 0, 0])
  })

  it('is found among all earlier ones, not only the last', async () => {
    const { contract, fixture, target, command } = catalogueOf('among')
    const asked = command({ occurrence: 'x' })
    const missing = await ledger.dispatch(asked)
    expect(missing.body.code).toBe('contract-missing')
    await ledger.dispatch({ ...asked, mode: 'REAL_RUN' })
    const again = await ledger.dispatch(asked)
    expect(again.body).toMatchObject({
      eventsAppended: 0,
      recorded: 'event',
      refusalId: missing.body.refusalId,
    })
    await register(ledger, [fixture, contract])
    expect((await ledger.dispatch(asked)).body).toMatchObject({
      code: 'target-missing',
      eventsAppended: 1,
    })
    await register(ledger, [target()])
    await retire(ledger, 'target', 'among/one')
    expect((await ledger.dispatch(asked)).body).toMatchObject({
      code: 'target-missing',
      eventsAppended: 1,
    })
    expect((await ledger.dispatch(asked)).body.eventsAppended).toBe(0)
  })

  it('does not become a cached answer: the next call judges again', async () => {
    const { manifests, command } = catalogueOf('judged-again')
    expect((await ledger.dispatch(command())).body.code).toBe('contract-missing')
    await register(ledger, manifests)
    expect((await ledger.dispatch(command())).body.outcome).toBe('created')
  })
})

describe('refusals that would open new streams', () => {
  const unknown = (n: number, name: string) =>
    sampleCommand({ contract: { id: 'nobody.knows', version: 1 }, occurrence: `${name}-${n}` })
  const flood = (key: string, name: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => ledger.dispatch(unknown(n, name), { key })))

  it('are stored from a bucket of 50 a key; the rest keep their answer', async () => {
    const key = await ledger.newKey()
    const begunMs = performance.now()
    const { reply: replies, events } = await watch(ledger, () => flood(key, 'flood', 60))
    const filledMeanwhile = (performance.now() - begunMs) / 1_000
    expect(new Set(codesOf(replies))).toEqual(new Set(['contract-missing']))
    expect(new Set(replies.map((it) => it.status))).toEqual(new Set([409]))
    const stored = replies.filter((it) => it.body.recorded === 'event')
    const rest = replies.filter((it) => it.body.recorded === 'none')
    expect(stored.length + rest.length).toBe(60)
    expect(stored.length).toBeGreaterThanOrEqual(50)
    expect(stored.length).toBeLessThanOrEqual(50 + filledMeanwhile)
    expect(events).toHaveLength(stored.length)
    expect(new Set(events.map((it) => it.id))).toEqual(
      new Set(stored.map((it) => it.body.refusalId)),
    )
    for (const { body, headers } of rest) {
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect(body).toMatchObject({ eventsAppended: 0, reached: null, rule: 8, stage: 'admission' })
      expect(body).not.toHaveProperty('refusalId')
      expect(body.gates).toHaveLength(7)
      expect(await historyOf(ledger, body.dispatchId)).toEqual([])
    }
  })

  it('of one key leave the bucket of another one full, and its good calls untouched', async () => {
    const [flooded, other] = [await ledger.newKey(), await ledger.newKey()]
    await flood(flooded, 'first', 60)
    const replies = await flood(other, 'second', 10)
    expect(replies.map((it) => it.body.recorded)).toEqual(Array(10).fill('event'))
    const good = await ledger.dispatch(sampleCommand({ occurrence: 'good' }), { key: flooded })
    expect(good.status).toBe(201)
    const known = sampleCommand({ occurrence: 'good', mode: 'REAL_RUN' })
    const refused = await ledger.dispatch(known, { key: flooded })
    expect(refused.body).toMatchObject({ recorded: 'event', eventsAppended: 1 })
  })
})

describe('a refused execution', () => {
  it('leaves Planned, PreflightPassed and Refused, and can be tried again', async () => {
    const command = sampleCommand({ occurrence: 'again' })
    executor.onRun = fails(new ExecutorFailure('threw', 'E1'))
    const first = await ledger.dispatch(command)
    expect(first).toMatchObject({
      status: 502,
      body: { code: 'executor-failed', reached: 'PreflightPassed', eventsAppended: 3 },
    })
    executor.reset()
    const second = await afterPause(() => ledger.dispatch(command))
    expect(second.body).toMatchObject({ outcome: 'advanced', eventsAppended: 1 })
    expect(typesOf(await historyOf(ledger, second.body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
      'Refused',
      'DryRunRecorded',
    ])
  })

  it('is an observation: an equal one is recorded as well', async () => {
    const command = sampleCommand({ occurrence: 'observed' })
    executor.onRun = fails(new ExecutorFailure('threw', 'E1'))
    const first = await ledger.dispatch(command)
    const second = await afterPause(() => ledger.dispatch(command))
    expect(second.body).toMatchObject({ code: 'executor-failed', eventsAppended: 1 })
    expect(second.body.refusalId).not.toBe(first.body.refusalId)
    expect(executor.runs).toBe(2)
  })

  it('lets no executor start on the stream for a second', async () => {
    const command = sampleCommand({ occurrence: 'paused' })
    executor.onRun = fails(new ExecutorFailure('limit', 'memory'))
    const { reply, events } = await watch(ledger, async () => {
      await ledger.dispatch(command)
      return ledger.dispatch(command)
    })
    expect(reply.status).toBe(429)
    expect(reply.body).toMatchObject({ code: 'rate-limited', recorded: 'none', rule: null })
    expect(reply.headers['retry-after']).toBe('1')
    expect(typesOf(events)).toEqual(['Planned', 'PreflightPassed', 'Refused'])
    expect(executor.runs).toBe(1)
  })

  it('pauses neither other streams nor what needs no executor', async () => {
    const command = sampleCommand({ occurrence: 'not-paused' })
    executor.onRun = fails(new ExecutorFailure('limit', 'memory'))
    await ledger.dispatch(command)
    executor.reset()
    const replies = await Promise.all([
      ledger.dispatch({ ...command, mode: 'VERIFY_ONLY' }),
      ledger.dispatch({ ...command, mode: 'REAL_RUN' }),
      ledger.dispatch(sampleCommand({ occurrence: 'another' })),
    ])
    expect(replies.map((it) => it.status)).toEqual([200, 403, 201])
  })

  it('pauses after suspected mutations and time-outs too', async () => {
    for (const [name, onRun, code] of [
      ['broken', (plan) => dryReport(plan, { evidence: BROKEN }), 'mutation-suspected'],
      ['slow', fails(new ExecutorFailure('timeout', 'time')), 'executor-timeout'],
    ] as [string, ScriptedExecutor['onRun'], string][]) {
      executor.onRun = onRun
      const command = sampleCommand({ occurrence: name })
      const replies = [await ledger.dispatch(command), await ledger.dispatch(command)]
      expect(codesOf(replies)).toEqual([code, 'rate-limited'])
    }
  })
})

describe('a definite "it would fail"', () => {
  it('is a result: recorded, replayed and never run again', async () => {
    executor.onRun = (plan) => dryReport(plan, { verdict: 'would_fail', output: 'no such table' })
    const command = sampleCommand({ occurrence: 'would-fail' })
    const first = await ledger.dispatch(command)
    executor.reset()
    const second = await ledger.dispatch(command)
    expect([first.status, second.status]).toEqual([201, 200])
    expect(first.body.event.data).toMatchObject({ verdict: 'would_fail', output: 'no such table' })
    expect(second.body.event).toEqual(first.body.event)
    expect(executor.runs).toBe(0)
    const { body } = await ledger.ask('GET', `/v1/dispatches/${first.body.dispatchId}`)
    expect(body).toMatchObject({ reached: 'DryRunRecorded', verdict: 'would_fail', refusals: [] })
  })
})

/** Dispatches, and changes the world while the executor runs. */
async function whileRunning(
  command: object,
  change: () => Promise<unknown>,
  give?: Parameters<typeof holdRuns>[1],
): Promise<Reply> {
  const run = holdRuns(executor, give)
  const pending = ledger.dispatch(command)
  await Promise.race([run.started, pending])
  await change()
  run.release()
  return pending
}

describe('a halt while an executor runs', () => {
  const halt = () => ledger.setSwitch('HALTED')

  it('is 423, and the result is not recorded', async () => {
    const command = sampleCommand({ occurrence: 'halted' })
    const { status, body } = await whileRunning(command, halt)
    expect(status).toBe(423)
    expect(body).toMatchObject({
      code: 'kill-switch-engaged',
      stage: 'admission',
      reached: null,
      eventsAppended: 1,
    })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual(['Refused'])
    await ledger.setSwitch('DRY_RUN_ONLY')
    executor.reset()
    expect((await ledger.dispatch(command)).body.outcome).toBe('created')
  })

  it('takes nothing back from what was reached before', async () => {
    const command = sampleCommand({ occurrence: 'halted-later' })
    await ledger.dispatch({ ...command, mode: 'VERIFY_ONLY' })
    const { status, body } = await whileRunning(command, halt)
    expect({ status, reached: body.reached }).toEqual({ status: 423, reached: 'PreflightPassed' })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
      'Refused',
    ])
  })

  it.each([
    ['fresh', (plan) => dryReport(plan, { evidence: BROKEN }), 'mutation-suspected', null],
    ['fresh-too', fails(new ExecutorFailure('threw', 'E1')), 'executor-failed', null],
    [
      'verified',
      (plan) => dryReport(plan, { evidence: BROKEN }),
      'mutation-suspected',
      'PreflightPassed',
    ],
  ] as [string, ScriptedExecutor['onRun'], string, string | null][])(
    'does not keep a failed execution out of the log (%s)',
    async (occurrence, give, code, reached) => {
      const command = sampleCommand({ occurrence: `failed-${occurrence}` })
      if (reached !== null) await ledger.dispatch({ ...command, mode: 'VERIFY_ONLY' })
      const { status, body } = await whileRunning(command, halt, (plan) =>
        give(plan, new AbortController().signal),
      )
      expect(status).toBe(502)
      expect(body).toMatchObject({ code, stage: 'execution', recorded: 'event', reached })
      const refused = (await historyOf(ledger, body.dispatchId)).at(-1)
      expect(refused).toMatchObject({ id: body.refusalId, type: 'Refused', data: { code } })
      expect(gateIn(refused.data.snapshot.gates, 'kill-switch').outcome).toBe('pass')
      expect(refused.data.digest).toBe(reached === null ? body.digest : undefined)
    },
  )

  it('and its release before the end leave no result of the run that they met: it runs once more', async () => {
    const command = sampleCommand({ occurrence: 'halted-and-released' })
    const { status, body } = await whileRunning(command, async () => {
      await halt()
      await ledger.setSwitch('DRY_RUN_ONLY')
    })
    expect({ status, runs: executor.runs }).toEqual({ status: 201, runs: 2 })
    const { controlRevision } = body.event.data.snapshot
    const { body: now } = await ledger.ask('GET', '/v1/switch')
    expect(controlRevision).toBe(now.controlRevision)
  })
})

describe('a target that is registered anew while an executor runs', () => {
  it('drops the report: the executor runs again on the new target', async () => {
    const { manifests, target, command } = catalogueOf('moving')
    await register(ledger, manifests)
    const versions: number[] = []
    const { status, body } = await whileRunning(
      command(),
      () => register(ledger, [target(2)]),
      (plan) => {
        versions.push(plan.target.version)
        return dryReport(plan, { output: `seen on ${plan.target.version}` })
      },
    )
    expect(status).toBe(201)
    expect(versions).toEqual([1, 2])
    expect(body).toMatchObject({
      outcome: 'created',
      eventsAppended: 3,
      event: { data: { output: 'seen on 2' } },
    })
    const [planned] = await historyOf(ledger, body.dispatchId)
    expect(planned.data.pins.target.version).toBe(2)
  })

  it('makes a recorded plan stale, and the report is not recorded', async () => {
    const { manifests, target, command } = catalogueOf('moving-planned')
    await register(ledger, manifests)
    await ledger.dispatch(command({ mode: 'PLAN_ONLY' }))
    const { status, body } = await whileRunning(command(), () => register(ledger, [target(2)]))
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'plan-stale' })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual(['Planned', 'Refused'])
  })

  it('does not keep broken evidence of the first run out of the log', async () => {
    const { manifests, target, command } = catalogueOf('moving-broken')
    await register(ledger, manifests)
    const { status, body } = await whileRunning(
      command(),
      () => register(ledger, [target(2)]),
      (plan) => dryReport(plan, { evidence: BROKEN }),
    )
    expect(status).toBe(502)
    expect(body).toMatchObject({ code: 'mutation-suspected', recorded: 'event' })
    const refused = await historyOf(ledger, body.dispatchId)
    expect(refused.at(-1)).toMatchObject({ id: body.refusalId, type: 'Refused' })
  })

  it('does not lose a report to a catalogue change that is not its own', async () => {
    const { fixture } = catalogueOf('elsewhere')
    const command = sampleCommand({ occurrence: 'not-mine' })
    const { status } = await whileRunning(command, () => register(ledger, [fixture]))
    expect({ status, runs: executor.runs }).toEqual({ status: 201, runs: 1 })
  })
})

describe('two calls that run the same dry run at once', () => {
  it('are both answered, and one result is recorded', async () => {
    const run = holdRuns(executor, (plan) => dryReport(plan, { output: `run ${executor.runs}` }))
    const command = sampleCommand({ occurrence: 'twice' })
    const both = Promise.all([ledger.dispatch(command), ledger.dispatch(command)])
    await Promise.race([run.started, both])
    run.release()
    const replies = await both
    expect(new Set(replies.map((it) => it.status))).toEqual(new Set([200, 201]))
    const [one, other] = replies
    expect(one?.body.event).toEqual(other?.body.event)
    expect(new Set(replies.map((it) => it.body.eventsAppended))).toEqual(new Set([0, 3]))
  })

  it('keep the failed evidence of the one beside the result of the other', async () => {
    const command = sampleCommand({ occurrence: 'beside' })
    const recorded = async () => {
      executor.onRun = (plan) => dryReport(plan)
      expect((await ledger.dispatch(command)).body.outcome).toBe('created')
    }
    const { status, body } = await whileRunning(command, recorded, (plan) =>
      dryReport(plan, { evidence: BROKEN }),
    )
    expect(status).toBe(502)
    expect(body).toMatchObject({ code: 'mutation-suspected', reached: 'DryRunRecorded' })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
      'DryRunRecorded',
      'Refused',
    ])
  })
})
