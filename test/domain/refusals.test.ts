import { describe, expect, it } from 'vitest'
import { observe } from '../../domain/dispatch/decide.ts'
import { keyOfRefused, refusalKey } from '../../domain/dispatch/evolve.ts'
import { EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Refused } from '../../domain/events.ts'
import { identify } from '../../src/identity.ts'
import { readyAnd, registered, retired, switchSet } from '../support/control.ts'
import {
  dryRun,
  dryRunRecorded,
  foldOf,
  given,
  plan,
  planned,
  preflightPassed,
  realRun,
  SOUND,
  showing,
  verify,
} from '../support/given.ts'
import { sampleCommand, sampleTarget } from '../support/sample.ts'

const HALTED = readyAnd(switchSet('HALTED'))
const halted = { control: HALTED }
const haltedAgain = {
  control: readyAnd(switchSet('HALTED'), switchSet('DRY_RUN_ONLY'), switchSet('HALTED')),
}
const badParams = (keyword: string) =>
  showing('params', { valid: false, errors: [{ path: '', keyword }] })
const onlyEvent = (events: readonly DispatchEvent[]): DispatchEvent => {
  expect(events).toHaveLength(1)
  return events[0] as DispatchEvent
}
const refusedWhile = (world: Parameters<ReturnType<typeof given>['under']>[0], command = dryRun) =>
  onlyEvent(given().under(world).when(command).events)

describe('a refusal that stands in the stream', () => {
  it('is not recorded again', () => {
    given(refusedWhile(halted)).under(halted).when(dryRun).thenNothing()
    given(refusedWhile(badParams('type')))
      .under(badParams('type'))
      .when(dryRun)
      .thenNothing()
    given(onlyEvent(given().when(realRun).events))
      .when(realRun)
      .thenNothing()
  })

  it('is not recorded again when others came in between: it equals any earlier one', () => {
    const stream = [
      refusedWhile(halted),
      refusedWhile(badParams('type')),
      refusedWhile({}, realRun),
    ]
    given(...stream)
      .under(halted)
      .when(dryRun)
      .thenNothing()
    given(...stream)
      .under(badParams('type'))
      .when(dryRun)
      .thenNothing()
    given(...stream)
      .when(realRun)
      .thenNothing()
  })

  it('is not recorded again when the dispatch has advanced since', () => {
    given(refusedWhile(halted), planned, preflightPassed, dryRunRecorded)
      .under(halted)
      .when(dryRun)
      .thenNothing()
  })

  it('is another one for another mode', () => {
    given(refusedWhile(halted)).under(halted).when(plan).thenRefused('kill-switch-engaged')
    given(refusedWhile(halted)).under(halted).when(verify).thenRefused('kill-switch-engaged')
  })

  it('is another one for another code', () => {
    given(refusedWhile(halted)).under(badParams('type')).when(dryRun).thenRefused('params-invalid')
  })

  it('is another one when another control event decided it', () => {
    given(refusedWhile(halted)).under(haltedAgain).when(dryRun).thenRefused('kill-switch-engaged')
  })

  it('is the same one when control went on without it', () => {
    const later = { control: readyAnd(switchSet('HALTED'), registered(sampleTarget(2))) }
    given(refusedWhile(halted)).under(later).when(dryRun).thenNothing()
  })

  it('is another one when its gate saw something else', () => {
    given(refusedWhile(badParams('type')))
      .under(badParams('required'))
      .when(dryRun)
      .thenRefused('params-invalid')
  })

  it('is the same one when only a gate before it saw something else', () => {
    const mismatch = { cases: 1, matched: 0, digest: '', differing: [] }
    const first = { shown: { ...SOUND, baseline: mismatch } }
    const again = {
      shown: { ...SOUND, baseline: mismatch, executor: { type: 'simulator', build: 2 } },
    }
    const { events } = given(planned).under(first).when(verify)
    given(planned, ...events)
      .under(again)
      .when(verify)
      .thenNothing()
  })

  it('is the same one whatever the order of the members its gate saw', () => {
    const seen = { valid: false, errors: [] }
    const backwards = { errors: [], valid: false }
    given(refusedWhile(showing('params', seen)))
      .under(showing('params', backwards))
      .when(dryRun)
      .thenNothing()
  })

  it('is the first of its kind in the state', () => {
    const first = refusedWhile(halted) as Refused
    const state = foldOf(dryRun, [first, refusedWhile(badParams('type')), first])
    expect(state.refusals.size).toBe(2)
    expect(state.refusals.get(keyOfRefused(first))?.revision).toBe(0)
    expect(state.revision).toBe(2)
  })
})

describe('a refused execution', () => {
  const threw = showing('evidence', { failure: 'threw', code: 'T1' })

  it.each([
    ['executor-failed', { failure: 'threw', code: 'T1' }],
    ['executor-timeout', { failure: 'timeout', code: 'time' }],
    ['mutation-suspected', { isolated: { holds: false, seen: null } }],
  ] as const)('as %s is an observation, recorded each time', (code, seen) => {
    const world = showing('evidence', seen)
    const stream = [planned, preflightPassed]
    const first = onlyEvent(
      given(...stream)
        .under(world)
        .when(dryRun).events,
    )
    expect(first).toMatchObject({ type: 'Refused', data: { code, stage: 'execution', rule: 0 } })
    given(...stream, first)
      .under(world)
      .when(dryRun)
      .thenRefused(code)
    given(...stream, first, first)
      .under(world)
      .when(dryRun)
      .thenRefused(code)
  })

  it('carries all twelve gates, with the failure as what the last one saw', () => {
    const { events } = given().under(threw).when(dryRun)
    const refused = events.at(-1)
    expect(refused?.data.snapshot.gates).toHaveLength(12)
    expect(refused?.data.snapshot.gates.at(-1)).toEqual({
      gate: 'evidence',
      outcome: 'indeterminate',
      seen: { failure: 'threw', code: 'T1' },
      revision: null,
    })
  })

  it('leaves the way open for the next try', () => {
    const { events } = given().under(threw).when(dryRun)
    given(...events)
      .when(dryRun)
      .thenRecords('DryRunRecorded')
  })
})

describe('an observation', () => {
  const { judgement } = given()
    .under(showing('evidence', { failure: 'threw', code: 'T1' }))
    .when(dryRun)
  const { digest } = identify(dryRun)

  it('records the refusal alone, whatever steps passed before it', () => {
    const events = observe(dryRun, foldOf(dryRun, [planned]), judgement, digest)
    expect(events).toMatchObject([
      { type: 'Refused', data: { code: 'executor-failed', stage: 'execution' } },
    ])
    expect(events[0]?.data).not.toHaveProperty('digest')
    expect(events[0]?.data).not.toHaveProperty('command')
  })

  it('opens a stream that is still empty', () => {
    const { mode: _, ...command } = dryRun
    expect(observe(dryRun, EMPTY_DISPATCH, judgement, digest)).toMatchObject([
      { type: 'Refused', data: { code: 'executor-failed', digest, command } },
    ])
  })

  it('is recorded even when the same one stands there', () => {
    const events = observe(dryRun, EMPTY_DISPATCH, judgement, digest)
    const state = foldOf(dryRun, events)
    expect(observe(dryRun, state, judgement, digest)).toMatchObject([
      { data: { code: 'executor-failed' } },
    ])
  })

  it('is nothing where nothing was refused', () => {
    expect(observe(dryRun, EMPTY_DISPATCH, given().when(dryRun).judgement, digest)).toEqual([])
  })
})

describe('the first event of a stream', () => {
  const { mode: _, ...digested } = dryRun

  it('carries digest and command when it is a refusal', () => {
    expect(refusedWhile(halted).data).toEqual({
      mode: 'DRY_RUN',
      code: 'kill-switch-engaged',
      rule: 2,
      stage: 'admission',
      snapshot: refusedWhile(halted).data.snapshot,
      digest: identify(dryRun).digest,
      command: digested,
    })
  })

  it('leaves them out of every later refusal', () => {
    const later = [
      given(refusedWhile(halted)).when(realRun).events,
      given(planned).under(halted).when(dryRun).events,
      given().under(showing('executor', null)).when(dryRun).events.slice(1),
    ]
    for (const events of later) {
      expect(Object.keys(onlyEvent(events).data).toSorted()).toEqual([
        'code',
        'mode',
        'rule',
        'snapshot',
        'stage',
      ])
    }
  })

  it('stands alone in saying so: a Planned repeats both for its own sake', () => {
    const [event] = given(refusedWhile(halted)).when(plan).events
    expect(event).toMatchObject({
      type: 'Planned',
      data: { digest: identify(dryRun).digest, command: digested },
    })
  })
})

describe('the snapshot of a refusal', () => {
  it.each([
    ['admission', halted, 7],
    ['preflight', showing('executor', null), 11],
    ['execution', showing('evidence', {}), 12],
  ] as const)('goes to the end of the stage it failed in: %s', (stage, world, gates) => {
    const refused = given().under(world).when(dryRun).events.at(-1)
    expect(refused).toMatchObject({ type: 'Refused', data: { stage, snapshot: { rules: 1 } } })
    expect(refused?.data.snapshot.gates).toHaveLength(gates)
  })

  it('names the control revision it was judged at', () => {
    expect(refusedWhile(halted).data.snapshot.controlRevision).toBe(4)
    expect(
      refusedWhile({ control: readyAnd(retired('Contract', 'sample.echo'), switchSet('HALTED')) })
        .data.snapshot,
    ).toMatchObject({
      controlRevision: 5,
    })
  })

  it('says -1 while control is empty', () => {
    const event = refusedWhile({
      control: { revision: -1, switches: new Map(), manifests: new Map() },
    })
    expect(event).toMatchObject({
      data: { code: 'kill-switch-indeterminate', rule: 2, snapshot: { controlRevision: -1 } },
    })
  })
})

describe('the key of a refusal', () => {
  const record = { gate: 'params', outcome: 'fail', seen: { valid: false }, revision: 3 } as const

  it('is made of mode, code, and what the failing gate saw and was decided by', () => {
    expect(refusalKey('DRY_RUN', 'params-invalid', record)).toBe(
      '["DRY_RUN","params-invalid",{"valid":false},3]',
    )
    expect(refusalKey('DRY_RUN', 'params-invalid', undefined)).toBe(
      '["DRY_RUN","params-invalid",null,null]',
    )
  })

  it('is found again from the recorded event', () => {
    const event = refusedWhile(badParams('type')) as Refused
    const seen = { valid: false, errors: [{ path: '', keyword: 'type' }] }
    expect(keyOfRefused(event)).toBe(refusalKey('DRY_RUN', 'params-invalid', { ...record, seen }))
  })

  it('is the key of the first gate that refused', () => {
    const event = refusedWhile(halted, sampleCommand({ outputNamespace: 'PROD:x' })) as Refused
    expect(event.data.code).toBe('kill-switch-engaged')
    expect(keyOfRefused(event)).toBe('["DRY_RUN","kill-switch-engaged",null,4]')
  })

  it('is that of the first, whatever is claimed of the gates after it', () => {
    const event = refusedWhile(halted) as Refused
    const gates = event.data.snapshot.gates.map((it, index) =>
      index > 1 ? { ...it, outcome: 'fail' as const, revision: 99 } : it,
    )
    const data = { ...event.data, snapshot: { ...event.data.snapshot, gates } }
    expect(keyOfRefused({ ...event, data })).toBe(keyOfRefused(event))
  })
})
