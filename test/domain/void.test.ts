import { describe, expect, it } from 'vitest'
import { evolve } from '../../domain/dispatch/evolve.ts'
import { EMPTY_DISPATCH, reachedOf } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Planned, Recorded } from '../../domain/events.ts'
import { isVoid } from '../../domain/void.ts'
import { dispatches } from '../../projections/dispatches/project.ts'
import { gateOutcomes } from '../../projections/gate_outcomes/project.ts'
import { outputs } from '../../projections/outputs/project.ts'
import { refusals } from '../../projections/refusals/project.ts'
import { readyAnd, switchSet } from '../support/control.ts'
import {
  dryRun,
  dryRunRecorded,
  given,
  planned,
  preflightPassed,
  recorded,
} from '../support/given.ts'

const refused = given(planned)
  .under({ control: readyAnd(switchSet('HALTED')) })
  .when(dryRun).events[0] as DispatchEvent
const streamOf = (...events: readonly DispatchEvent[]): readonly Recorded<DispatchEvent>[] =>
  recorded(dryRun, EMPTY_DISPATCH, events)
const asVoid = (event: Recorded<DispatchEvent>): Recorded<DispatchEvent> => ({
  ...event,
  void: true,
})
const judgedAt = (event: Recorded<DispatchEvent>): number => event.data.snapshot.controlRevision

describe('an advancing event', () => {
  const [event] = streamOf(planned) as [Recorded<DispatchEvent>]
  const controlAt = (position: number) => (revision: number) =>
    revision === judgedAt(event) + 1 ? position : undefined

  it('is void when the control event after its judgement stands before it', () => {
    expect(isVoid({ ...event, position: 7 }, controlAt(6))).toBe(true)
    expect(isVoid({ ...event, position: 7 }, controlAt(1))).toBe(true)
  })

  it('is not when that control event stands after it, or is not there', () => {
    expect(isVoid({ ...event, position: 7 }, controlAt(8))).toBe(false)
    expect(isVoid({ ...event, position: 7 }, () => undefined)).toBe(false)
  })

  it('is not for a control event that it was judged by, or a later one than the next', () => {
    const before = (revision: number) => (revision <= judgedAt(event) ? 1 : undefined)
    const later = (revision: number) => (revision === judgedAt(event) + 2 ? 1 : undefined)
    expect(isVoid({ ...event, position: 7 }, before)).toBe(false)
    expect(isVoid({ ...event, position: 7 }, later)).toBe(false)
  })
})

it('is never a refusal, which lets nothing pass', () => {
  const [, refusal] = streamOf(planned, refused) as [unknown, Recorded<DispatchEvent>]
  expect(isVoid(refusal, () => 0)).toBe(false)
})

describe('a void event', () => {
  const life = streamOf(planned, preflightPassed, dryRunRecorded)

  it('advances nothing in the fold, and keeps its place', () => {
    const [first, ...rest] = life as [Recorded<DispatchEvent>, ...Recorded<DispatchEvent>[]]
    const state = [first, ...rest.map(asVoid)].reduce(evolve, EMPTY_DISPATCH)
    expect(reachedOf(state)).toBe('Planned')
    expect(state).toMatchObject({ revision: 2, position: 3, dryRunRecorded: null })
  })

  it('says what was asked when it opens its stream', () => {
    const state = life.map(asVoid).reduce(evolve, EMPTY_DISPATCH)
    expect(reachedOf(state)).toBeNull()
    const { digest, command } = planned.data as Planned['data']
    expect(state).toMatchObject({ digest, command })
  })

  it('is followed by the same step, judged again', () => {
    const [first, second] = streamOf(planned, planned) as [
      Recorded<DispatchEvent>,
      Recorded<DispatchEvent>,
    ]
    const state = [asVoid(first), second].reduce(evolve, EMPTY_DISPATCH)
    expect(state.planned).toEqual(second)
  })

  it('opens the row of a dispatch and moves it, and reaches nothing there', () => {
    const rows = life.map(asVoid)
    const row = rows.reduce(
      (known: ReturnType<typeof dispatches.keyed.apply> | undefined, event) =>
        dispatches.keyed.apply(known, event),
      undefined,
    )
    expect(row).toMatchObject({ reached: null, verdict: null, opened_position: 1, position: 3 })
  })

  it('gives no fact but what was asked', () => {
    for (const event of life.map(asVoid)) {
      expect([outputs.facts(event), gateOutcomes.facts(event)]).toEqual([[], []])
    }
    const [first] = life.map(asVoid)
    expect(refusals.facts(first as Recorded).map((it) => it.table)).toEqual(['commands'])
    expect(outputs.facts(life[2] as Recorded)).toHaveLength(1)
  })
})
