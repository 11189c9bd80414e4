import type {
  AdvancingType,
  DryRunRecorded,
  Pins,
  Planned,
  PreflightPassed,
  Recorded,
  Refused,
} from '../events.ts'
import type { DispatchCommand, Mode } from './command.ts'

export type Reached = AdvancingType | null

/** The fold of one dispatch stream. A stream that holds only refusals has reached nothing. */
export type DispatchState = Readonly<{
  /** Revision of the last event, -1 for none; its position, 0 for none. */
  revision: number
  position: number
  /** From the stream's first event: the full digest, compared on every load. */
  digest: string | null
  command: DispatchCommand | null
  planned: Recorded<Planned> | null
  preflightPassed: Recorded<PreflightPassed> | null
  dryRunRecorded: Recorded<DryRunRecorded> | null
  /** The first refusal of its kind, by `refusalKey`. */
  refusals: ReadonlyMap<string, Recorded<Refused>>
}>

export const EMPTY_DISPATCH: DispatchState = {
  revision: -1,
  position: 0,
  digest: null,
  command: null,
  planned: null,
  preflightPassed: null,
  dryRunRecorded: null,
  refusals: new Map(),
}

export function reachedOf(state: DispatchState): Reached {
  if (state.dryRunRecorded !== null) return 'DryRunRecorded'
  if (state.preflightPassed !== null) return 'PreflightPassed'
  return state.planned === null ? null : 'Planned'
}

export const pinsOf = (state: DispatchState): Pins | null => state.planned?.data.pins ?? null

/** The steps of the one life cycle. Modes are prefixes of it; REAL_RUN is no prefix of anything. */
export function stepsOf(mode: Mode): readonly AdvancingType[] {
  switch (mode) {
    case 'PLAN_ONLY':
      return ['Planned']
    case 'VERIFY_ONLY':
      return ['Planned', 'PreflightPassed']
    case 'DRY_RUN':
      return ['Planned', 'PreflightPassed', 'DryRunRecorded']
    case 'REAL_RUN':
      return []
  }
}

export function recordedStep(state: DispatchState, step: AdvancingType) {
  switch (step) {
    case 'Planned':
      return state.planned
    case 'PreflightPassed':
      return state.preflightPassed
    case 'DryRunRecorded':
      return state.dryRunRecorded
  }
}

/** The event that answers a mode, or null while it is not recorded. */
export function answerOf(state: DispatchState, mode: Mode) {
  const last = stepsOf(mode).at(-1)
  return last === undefined ? null : recordedStep(state, last)
}

/** Whether all that is asked is recorded already. A replay is answered and never run again. */
export const isReplay = (state: DispatchState, mode: Mode): boolean =>
  answerOf(state, mode) !== null
