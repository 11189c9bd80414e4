import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Plan } from '../../src/ports.ts'
import { dryReport, PROVEN, ScriptedExecutor } from '../support/doubles.ts'
import {
  afterPause,
  catalogueOf,
  gateIn,
  historyOf,
  register,
  typesOf,
} from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
const ENGINE = JSON.parse(readFileSync('node_modules/jsonata/package.json', 'utf8')).version

describe('rule 0: DRY_RUN really invokes the executor', () => {
  let ledger: TestLedger
  const { manifests, command } = catalogueOf('sums', {
    params: { type: 'object', required: ['numbers'], properties: { numbers: { type: 'array' } } },
    program: {
      jsonata: `{ "verdict": $sum(params.numbers) > 100 ? "would_fail" : "would_succeed",
        "output": { "sum": $sum(params.numbers), "words": params.numbers.($$.fixture.word & $) } }`,
    },
    baseline: [
      {
        name: 'one number',
        params: { numbers: [7] },
        verdict: 'would_succeed',
        output: { sum: 7, words: 'dry7' },
      },
    ],
  })
  beforeAll(async () => {
    ledger = await openReadyLedger()
    await register(ledger, manifests)
  })
  afterAll(() => ledger.close())

  it('answers what the expression of the contract makes of the params and the fixture', async () => {
    const { status, body } = await ledger.dispatch(command({ params: { numbers: [17, 25] } }))
    expect(status).toBe(201)
    expect(body.event.data).toMatchObject({
      verdict: 'would_succeed',
      output: { sum: 42, words: ['dry17', 'dry25'] },
      executor: { type: 'simulator', build: 1 },
      outputDigest: sha256('{"sum":42,"words":["dry17","dry25"]}'),
    })
  })

  it('answers something else for other params', async () => {
    const { body } = await ledger.dispatch(command({ params: { numbers: [1, 2, 3] } }))
    expect(body.event.data.output).toEqual({ sum: 6, words: ['dry1', 'dry2', 'dry3'] })
  })

  it('records a definite "it would fail" as a result and replays it', async () => {
    const failing = command({ params: { numbers: [99, 2] } })
    const first = await ledger.dispatch(failing)
    expect(first).toMatchObject({ status: 201, body: { reached: 'DryRunRecorded' } })
    expect(first.body.event.data).toMatchObject({ verdict: 'would_fail', output: { sum: 101 } })
    const again = await ledger.dispatch(failing)
    expect(again).toMatchObject({ status: 200, body: { outcome: 'replayed', eventsAppended: 0 } })
    expect(again.body.event).toEqual(first.body.event)
  })

  it('stores the whole evidence in the snapshot of the event that it justifies', async () => {
    const { body } = await ledger.dispatch(command({ params: { numbers: [1] } }))
    const [, , recorded] = await historyOf(ledger, body.dispatchId)
    const { id, type, revision, position, recordedAt, data } = recorded
    expect(body.event).toEqual({ id, type, revision, position, recordedAt, data })
    expect(data.snapshot.gates).toHaveLength(12)
    const { outcome, seen } = gateIn(data.snapshot.gates, 'evidence')
    expect(outcome).toBe('pass')
    expect(Object.keys(seen)).toEqual(['isolated'])
    expect(seen.isolated).toMatchObject({
      holds: true,
      seen: { engine: 'jsonata', version: ENGINE },
    })
    expect(seen.isolated.seen.removed).toEqual(
      expect.arrayContaining(['eval', 'millis', 'now', 'random', 'shuffle']),
    )
  })

  it('says the evidence in a plain sentence when it is asked why', async () => {
    const { body } = await ledger.dispatch(command({ params: { numbers: [1] } }))
    const why = await ledger.ask('GET', `/v1/dispatches/${body.dispatchId}/explain`)
    expect(why.body.steps.at(-1).evidence).toEqual([
      { name: 'isolated', holds: true, says: expect.stringMatching(/^It ran in a process/) },
    ])
  })
})

describe('rule 0: evidence decides, and nothing else does', () => {
  const executor = new ScriptedExecutor()
  let ledger: TestLedger
  beforeAll(async () => {
    ledger = await openReadyLedger({ executors: executor.registry })
  })
  afterEach(() => executor.reset())
  afterAll(() => ledger.close())

  it('invokes nothing for PLAN_ONLY and VERIFY_ONLY, and once for DRY_RUN', async () => {
    const asked = { occurrence: 'modes' }
    await ledger.dispatch(sampleCommand({ ...asked, mode: 'PLAN_ONLY' }))
    await ledger.dispatch(sampleCommand({ ...asked, mode: 'VERIFY_ONLY' }))
    expect(executor.runs).toBe(0)
    const { body } = await ledger.dispatch(sampleCommand(asked))
    expect(body).toMatchObject({ outcome: 'advanced', eventsAppended: 1 })
    expect(executor.runs).toBe(1)
    await ledger.dispatch(sampleCommand(asked))
    expect(executor.runs).toBe(1)
  })

  it('hands the executor the pinned program, params, fixture, target and limits', async () => {
    const plans: Plan[] = []
    executor.onRun = (plan) => {
      plans.push(plan)
      return dryReport(plan)
    }
    await ledger.dispatch(sampleCommand({ occurrence: 'plan', params: { say: 'what' } }))
    expect(plans).toEqual([
      {
        program: { jsonata: expect.stringContaining('params.say') },
        params: { say: 'what' },
        fixture: { word: 'dry' },
        target: { kind: 'Target', id: 'sample/one', version: 1, executor: 'simulator' },
        limits: { timeMs: 1_000, rows: 10_000, outputBytes: 65_536 },
      },
    ])
  })

  const { isolated } = PROVEN
  it.each([
    ['does not hold', { isolated: { holds: false, seen: { engine: 'a double' } } }],
    ['holds only as a word', { isolated: { holds: 'true', seen: null } }],
    ['holds only as a number', { isolated: { holds: 1, seen: null } }],
    ['does not say whether it holds', { isolated: { seen: null } }],
    ['is no object', { isolated: true }],
    ['is null', { isolated: null }],
    ['has another name', { Isolated: isolated }],
    ['has no name at all', {}],
    ['has a name too many', { isolated, noTransactionId: isolated }],
    ['has a name too many that does not hold', { isolated, other: { holds: false, seen: 1 } }],
  ])('suspects a mutation when the evidence %s', async (name, evidence) => {
    executor.onRun = (plan) => ({ ...dryReport(plan), evidence })
    const { status, body } = await ledger.dispatch(sampleCommand({ occurrence: idOf(name) }))
    expect(status).toBe(502)
    expect(body).toMatchObject({
      code: 'mutation-suspected',
      rule: 0,
      stage: 'execution',
      whoMustAct: 'operator',
      retryable: false,
      recorded: 'event',
      reached: 'PreflightPassed',
      eventsAppended: 3,
    })
    const events = await historyOf(ledger, body.dispatchId)
    expect(typesOf(events)).toEqual(['Planned', 'PreflightPassed', 'Refused'])
    const shown = gateIn(events[2].data.snapshot.gates, 'evidence')
    expect(shown).toEqual({ gate: 'evidence', outcome: 'fail', seen: evidence, revision: null })
    expect(executor.runs).toBe(1)
  })

  it('suspects a mutation behind a would_fail as well', async () => {
    executor.onRun = (plan) => dryReport(plan, { verdict: 'would_fail', evidence: {} })
    const { body } = await ledger.dispatch(sampleCommand({ occurrence: 'would-fail' }))
    expect(body).toMatchObject({ code: 'mutation-suspected', reached: 'PreflightPassed' })
  })

  it('records the dry run once a later invocation proves itself', async () => {
    const command = sampleCommand({ occurrence: idOf('does not hold') })
    const { status, body } = await afterPause(() => ledger.dispatch(command))
    expect({ status, outcome: body.outcome }).toEqual({ status: 200, outcome: 'advanced' })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
      'Refused',
      'DryRunRecorded',
    ])
  })
})

const idOf = (name: string): string => name.replaceAll(' ', '-')
