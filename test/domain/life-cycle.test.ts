import { describe, expect, it } from 'vitest'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import {
  answerOf,
  isReplay,
  reachedOf,
  recordedStep,
  stepsOf,
} from '../../domain/dispatch/state.ts'
import type { DispatchEvent } from '../../domain/events.ts'
import { answer } from '../../src/dispatch/answer.ts'
import { identify } from '../../src/identity.ts'
import { readyAnd, registered, retired, switchSet } from '../support/control.ts'
import {
  call,
  dryRun,
  dryRunRecorded,
  foldOf,
  given,
  plan,
  planned,
  preflightPassed,
  READY_WORLD,
  realRun,
  recorded,
  showing,
  verify,
  type World,
} from '../support/given.ts'
import { sampleCommand, sampleTarget } from '../support/sample.ts'

const HISTORIES: Readonly<Record<string, readonly DispatchEvent[]>> = {
  null: [],
  Planned: [planned],
  PreflightPassed: [planned, preflightPassed],
  DryRunRecorded: [planned, preflightPassed, dryRunRecorded],
}
const STEPS = ['Planned', 'PreflightPassed', 'DryRunRecorded'] as const
const refusedRealRun = given().when(realRun).events[0] as DispatchEvent

/** What a lone call is answered, by the real answer of the write path. */
function answered(command: AskedCommand, events: readonly DispatchEvent[], world: World) {
  const decided = call(command, foldOf(command, events), world)
  const appended = recorded(command, decided.before, decided.events)
  const identity = identify(command)
  const outcome = { identity, command, state: decided.after, control: world.control, appended }
  return answer(outcome, decided.judgement)
}

describe('the life cycle of a lone call', () => {
  const cells: readonly [string, AskedCommand, string, readonly string[]][] = [
    ['null', plan, 'created', ['Planned']],
    ['null', verify, 'created', ['Planned', 'PreflightPassed']],
    ['null', dryRun, 'created', ['Planned', 'PreflightPassed', 'DryRunRecorded']],
    ['null', realRun, 'refused', ['Refused']],
    ['Planned', plan, 'replayed', []],
    ['Planned', verify, 'advanced', ['PreflightPassed']],
    ['Planned', dryRun, 'advanced', ['PreflightPassed', 'DryRunRecorded']],
    ['Planned', realRun, 'refused', ['Refused']],
    ['PreflightPassed', plan, 'replayed', []],
    ['PreflightPassed', verify, 'replayed', []],
    ['PreflightPassed', dryRun, 'advanced', ['DryRunRecorded']],
    ['PreflightPassed', realRun, 'refused', ['Refused']],
    ['DryRunRecorded', plan, 'replayed', []],
    ['DryRunRecorded', verify, 'replayed', []],
    ['DryRunRecorded', dryRun, 'replayed', []],
    ['DryRunRecorded', realRun, 'refused', ['Refused']],
  ]

  it.each(cells)('at %s, asked for $mode, is %s by %j', (reached, command, outcome, appended) => {
    const events = HISTORIES[reached] ?? []
    const decided = given(...events).when(command)
    expect(decided.events.map((event) => event.type)).toEqual(appended)

    const reply = answered(command, events, READY_WORLD)
    const furthest = STEPS.findLast((step) =>
      [...events.map((it) => it.type), ...appended].includes(step),
    )
    expect(reply).toMatchObject({
      outcome,
      mode: command.mode,
      reached: furthest ?? null,
      eventsAppended: appended.length,
      position: events.length + appended.length,
    })
  })

  it('has a cell for every mode at every point', () => {
    const asked = cells.map(([reached, command]) => `${reached} ${command.mode}`)
    expect(new Set(asked).size).toBe(16)
  })

  it.each(cells.filter(([, , outcome]) => outcome === 'refused'))(
    'at %s refuses a real run by its code',
    (reached, command) =>
      given(...(HISTORIES[reached] ?? []))
        .when(command)
        .thenRefused('production-execution-not-authorized'),
  )

  it.each([
    [plan, 'Planned'],
    [verify, 'PreflightPassed'],
    [dryRun, 'DryRunRecorded'],
  ] as const)('answers $mode with the event that it asks for', (command, type) => {
    for (const events of Object.values(HISTORIES)) {
      expect(answered(command, events, READY_WORLD)).toMatchObject({ event: { type } })
    }
  })
})

describe('a stream that holds only refusals', () => {
  it('is at null: a dry run creates all of it', () => {
    given(refusedRealRun).when(dryRun).thenRecords('Planned', 'PreflightPassed', 'DryRunRecorded')
    expect(answered(dryRun, [refusedRealRun], READY_WORLD)).toMatchObject({
      outcome: 'created',
      position: 4,
    })
    expect(reachedOf(foldOf(dryRun, [refusedRealRun]))).toBeNull()
  })

  it('keeps the digest and the command that its first event carried', () => {
    const state = foldOf(dryRun, [refusedRealRun])
    const { mode: _, ...command } = dryRun
    expect(state).toMatchObject({
      digest: identify(dryRun).digest,
      command,
      revision: 0,
      position: 1,
    })
  })
})

describe('a refusal', () => {
  const halted = { control: readyAnd(switchSet('HALTED')) }

  it('never changes what was reached', () => {
    const events = [planned, preflightPassed, refusedRealRun]
    expect(reachedOf(foldOf(dryRun, events))).toBe('PreflightPassed')
    given(...events)
      .when(dryRun)
      .thenRecords('DryRunRecorded')
  })

  it('takes back nothing that this call reached before it', () => {
    given()
      .under(showing('evidence', { failure: 'threw', code: 'T1' }))
      .when(dryRun)
      .thenRecords('Planned', 'PreflightPassed', {
        type: 'Refused',
        data: { code: 'executor-failed', stage: 'execution', rule: 0 },
      })
    given()
      .under(showing('executor', null))
      .when(dryRun)
      .thenRecords('Planned', {
        type: 'Refused',
        data: { code: 'executor-missing', stage: 'preflight', rule: 0 },
      })
    given()
      .under(halted)
      .when(dryRun)
      .thenRecords({
        type: 'Refused',
        data: { code: 'kill-switch-engaged', stage: 'admission', rule: 2 },
      })
  })

  it('is judged again by the next call', () => {
    const refused = given().under(halted).when(dryRun).events
    given(...refused)
      .when(dryRun)
      .thenRecords('Planned', 'PreflightPassed', 'DryRunRecorded')
  })

  it('carries the asked mode, and the events that advance do too', () => {
    for (const command of [plan, verify, dryRun, realRun]) {
      const modes = given()
        .when(command)
        .events.map((event) => event.data.mode)
      expect(new Set(modes)).toEqual(new Set([command.mode]))
    }
  })
})

describe('a replay', () => {
  const whole = [planned, preflightPassed, dryRunRecorded]

  it('stays answered when contract, fixture and target are retired', () => {
    const control = readyAnd(
      retired('Contract', 'sample.echo'),
      retired('Fixture', 'sample.words'),
      retired('Target', 'sample/one'),
    )
    for (const command of [plan, verify, dryRun])
      given(...whole)
        .under({ control })
        .when(command)
        .thenNothing()
  })

  it('asks for no facts: neither params nor an executor are needed', () => {
    given(...whole)
      .under({ shown: {} })
      .when(dryRun)
      .thenNothing()
  })

  it('is refused while HALTED, with all gates of admission in the snapshot', () => {
    const { events } = given(...whole)
      .under({ control: readyAnd(switchSet('HALTED')) })
      .when(plan)
    expect(events).toMatchObject([
      { type: 'Refused', data: { code: 'kill-switch-engaged', mode: 'PLAN_ONLY' } },
    ])
    expect(events[0]?.data.snapshot.gates.map((it) => it.outcome)).toEqual([
      'pass',
      'fail',
      ...Array.from({ length: 5 }, () => 'not_evaluated'),
    ])
  })

  it('is judged by mode, kill switch and namespace alone', () => {
    const { judgement } = given(...whole).when(dryRun)
    expect(judgement.refusal).toBeNull()
    expect(judgement.gates.map((it) => it.record.outcome)).toEqual([
      ...Array.from({ length: 3 }, () => 'pass'),
      ...Array.from({ length: 4 }, () => 'not_evaluated'),
    ])
  })

  it('is no replay while the asked step is missing', () => {
    given(planned)
      .under({ control: readyAnd(retired('Contract', 'sample.echo')) })
      .when(verify)
      .thenRefused('contract-retired')
  })

  it('does not exist for a real run, whose gate stands before the switch', () => {
    const { events } = given(...whole)
      .under({ control: readyAnd(switchSet('HALTED')) })
      .when(realRun)
    expect(events).toMatchObject([
      { data: { code: 'production-execution-not-authorized', rule: 1 } },
    ])
  })
})

describe('a dry run on an old preflight', () => {
  const old = [planned, preflightPassed]

  it('judges the preflight again, in that call', () => {
    given(...old)
      .under(showing('baseline', { cases: 1, matched: 0, digest: '', differing: ['says hello'] }))
      .when(dryRun)
      .thenRefused('baseline-mismatch')
  })

  it('records the preflight of that call in the snapshot of the run', () => {
    const build = { type: 'simulator', build: 2 }
    const { events } = given(...old)
      .under(showing('executor', build))
      .when(dryRun)
    expect(events).toMatchObject([{ type: 'DryRunRecorded', data: { executor: build } }])
    expect(events[0]?.data.snapshot.gates.find((it) => it.gate === 'executor')?.seen).toEqual(build)
  })

  it('refuses when the target moved since the plan', () => {
    const moved = { control: readyAnd(registered(sampleTarget(2))) }
    given(...old)
      .under(moved)
      .when(dryRun)
      .thenRefused('plan-stale')
    given(planned).under(moved).when(verify).thenRefused('plan-stale')
    given(planned).under(moved).when(plan).thenNothing()
  })

  it('goes on when the target has moved back to the pinned version', () => {
    const control = readyAnd(registered(sampleTarget(2)), retired('Target', 'sample/one', 2))
    given(...old)
      .under({ control })
      .when(dryRun)
      .thenRecords('DryRunRecorded')
  })

  it('plans under another occurrence what it can no longer run', () => {
    const again = sampleCommand({ occurrence: 'again' })
    given()
      .under({ control: readyAnd(registered(sampleTarget(2))) })
      .when(again)
      .thenRecords(
        { type: 'Planned', data: { pins: { target: { version: 2 } } } },
        'PreflightPassed',
        'DryRunRecorded',
      )
  })
})

describe('what an advancing event says', () => {
  const [plannedEvent, passedEvent, recordedEvent] = given().when(dryRun).events

  it('opens the stream with digest, the five digested members, and the pins', () => {
    const { mode: _, ...command } = dryRun
    expect(plannedEvent?.data).toMatchObject({
      digest: identify(dryRun).digest,
      command,
      mode: 'DRY_RUN',
    })
    expect(Object.keys(plannedEvent?.data ?? {}).toSorted()).toEqual([
      'command',
      'digest',
      'mode',
      'pins',
      'snapshot',
    ])
    const data = plannedEvent?.type === 'Planned' ? plannedEvent.data : null
    expect(data?.command).toEqual(command)
    expect(data?.pins).toEqual({
      contract: { version: 1, sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
      fixture: { version: 1, sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
      target: { version: 1, sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    })
    expect(new Set(Object.values(data?.pins ?? {}).map((it) => it.sha256)).size).toBe(3)
  })

  it('names the executor that passed', () => {
    expect(passedEvent?.data).toEqual({
      mode: 'DRY_RUN',
      executor: { type: 'simulator', build: 1 },
      snapshot: passedEvent?.data.snapshot,
    })
  })

  it('records the whole result under its namespace', () => {
    expect(recordedEvent?.data).toEqual({
      mode: 'DRY_RUN',
      ...READY_WORLD.result,
      outputNamespace: dryRun.outputNamespace,
      executor: { type: 'simulator', build: 1 },
      snapshot: recordedEvent?.data.snapshot,
    })
  })

  it('records would_fail as a result, and replays it', () => {
    const result = { ...READY_WORLD.result, verdict: 'would_fail' as const }
    const { events } = given().under({ result }).when(dryRun)
    expect(events[2]).toMatchObject({ type: 'DryRunRecorded', data: { verdict: 'would_fail' } })
    given(...events)
      .when(dryRun)
      .thenNothing()
  })

  it('keeps its pins when the plan is older than the catalogue', () => {
    const control = readyAnd(registered(sampleTarget(2)), retired('Target', 'sample/one', 2))
    const { material } = given(planned).under({ control }).when(verify)
    expect(material.pins).toEqual(plannedEvent?.type === 'Planned' ? plannedEvent.data.pins : null)
  })
})

describe('the steps of a mode', () => {
  it('are a prefix of one life cycle, and none for a real run', () => {
    expect(stepsOf('PLAN_ONLY')).toEqual(['Planned'])
    expect(stepsOf('VERIFY_ONLY')).toEqual(['Planned', 'PreflightPassed'])
    expect(stepsOf('DRY_RUN')).toEqual([...STEPS])
    expect(stepsOf('REAL_RUN')).toEqual([])
  })

  it.each(Object.entries(HISTORIES))('are found again at %s', (reached, events) => {
    const state = foldOf(dryRun, events)
    expect(String(reachedOf(state))).toBe(reached)
    expect(STEPS.filter((step) => recordedStep(state, step)?.type === step)).toEqual(
      STEPS.slice(0, events.length),
    )
    const modes = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const
    expect(modes.map((mode) => isReplay(state, mode))).toEqual(
      modes.map((_, index) => index < events.length),
    )
    expect(modes.map((mode) => answerOf(state, mode)?.type ?? null)).toEqual(
      STEPS.map((step, index) => (index < events.length ? step : null)),
    )
    expect(isReplay(state, 'REAL_RUN')).toBe(false)
    expect(answerOf(state, 'REAL_RUN')).toBeNull()
  })
})
