import { type ControlState, findContract } from '../../domain/control/state.ts'
import { haltFor } from '../../domain/control/switch.ts'
import type { AskedCommand, Mode } from '../../domain/dispatch/command.ts'
import { refusalKey } from '../../domain/dispatch/evolve.ts'
import type { Judgement } from '../../domain/dispatch/judgement.ts'
import {
  answerOf,
  type DispatchState,
  type Reached,
  reachedOf,
} from '../../domain/dispatch/state.ts'
import {
  type AdvancingEvent,
  type DispatchEvent,
  isAdvancing,
  type Recorded,
} from '../../domain/events.ts'
import { gateCount } from '../../domain/gates/index.ts'
import type { RefusalCode, Stage } from '../../domain/refusal.ts'
import type { GateRecord } from '../../domain/snapshot.ts'
import type { Identity } from '../identity.ts'

type Common = Readonly<{
  dispatchId: string
  digest: string
  mode: Mode
  reached: Reached
  eventsAppended: number
  /** Of the stream's last event. */
  position: number
}>

export type RecordedAnswer = Common &
  Readonly<{
    outcome: 'created' | 'advanced' | 'replayed'
    /** The event for the asked mode. */
    event: Recorded<AdvancingEvent>
  }>

export type RefusedAnswer = Common &
  Readonly<{
    outcome: 'refused'
    command: AskedCommand
    /** The fixture that the contract names, where the contract is there. */
    fixture: string | null
    /** The scope of the halt that the command stands under. */
    haltedScope: string | null
    code: RefusalCode
    rule: number
    stage: Stage
    /** Null where the refusal was not stored: then `retryAfterSeconds` says when it would be. */
    refusalId: string | null
    retryAfterSeconds: number | null
    gates: readonly GateRecord[]
  }>

export type DispatchAnswer = RecordedAnswer | RefusedAnswer

/** What a call appended, and where its stream stands after it. */
export type Outcome = Readonly<{
  identity: Identity
  command: AskedCommand
  state: DispatchState
  control: ControlState
  appended: readonly Recorded<DispatchEvent>[]
}>

/** Built from what was recorded, never from what was intended. */
export function answer(outcome: Outcome, judgement: Judgement): DispatchAnswer {
  if (judgement.refusal !== null) return refusedAnswer(outcome, judgement.refusal, judgement)
  const { command, state, appended } = outcome
  const event = answerOf(state, command.mode)
  if (event === null) throw new Error('a call that was not refused left no event for its mode')
  return { ...common(outcome), outcome: outcomeOf(appended), event }
}

const common = ({ identity, command, state, appended }: Outcome): Common => ({
  ...identity,
  mode: command.mode,
  reached: reachedOf(state),
  eventsAppended: appended.length,
  position: state.position,
})

function outcomeOf(appended: readonly DispatchEvent[]): RecordedAnswer['outcome'] {
  if (appended.some((event) => event.type === 'Planned')) return 'created'
  return appended.some(isAdvancing) ? 'advanced' : 'replayed'
}

function refusedAnswer(
  outcome: Outcome,
  refusal: NonNullable<Judgement['refusal']>,
  judgement: Judgement,
): RefusedAnswer {
  const { command, state, control, appended } = outcome
  const { code, rule, stage, gate } = refusal
  const now = appended.findLast((event) => event.type === 'Refused')
  const recorded = now ?? state.refusals.get(refusalKey(command.mode, code, gate.record))
  return {
    ...common(outcome),
    outcome: 'refused',
    command,
    code,
    rule,
    stage,
    fixture: findContract(control, command.contract)?.body.fixture ?? null,
    haltedScope: haltFor(control, command)?.scope ?? null,
    refusalId: recorded?.id ?? null,
    retryAfterSeconds: recorded === undefined ? 1 : null,
    gates: judgement.gates.slice(0, gateCount(stage)).map((it) => it.record),
  }
}
