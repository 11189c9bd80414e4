import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { evolve } from '../../domain/dispatch/evolve.ts'
import {
  type DispatchState,
  EMPTY_DISPATCH,
  isReplay,
  type Reached,
  reachedOf,
} from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { dispatchStream } from '../../domain/identity.ts'
import type { RefusalCode } from '../../domain/refusal.ts'
import type { GateRecord } from '../../domain/snapshot.ts'
import { LedgerError } from '../errors.ts'
import { identify } from '../identity.ts'
import type { FollowedLog } from '../ports.ts'
import { type JudgePorts, judge } from './judge.ts'

export type Explanation = Readonly<{
  dispatchId: string
  digest: string
  /** What the same command would be answered, were it sent: an outcome, or the code of a refusal. */
  wouldAnswer: 'created' | 'advanced' | 'replayed' | RefusalCode
  reached: Reached
  gates: readonly GateRecord[]
  position: number
}>

/** Judges a command as it stands, records nothing, and runs no executor on it. */
export async function explainCommand(
  command: AskedCommand,
  ports: JudgePorts & { readonly ledger: FollowedLog },
): Promise<Explanation> {
  const { dispatchId, digest } = identify(command)
  const { state, control } = await loadDispatch(ports.ledger, dispatchId)
  const { judgement } = await judge({ command, digest, state, control }, ports, null)
  const refused = judgement.refusal?.code
  const fresh = reachedOf(state) === null ? 'created' : 'advanced'
  return {
    dispatchId,
    digest,
    wouldAnswer: refused ?? (isReplay(state, command.mode) ? 'replayed' : fresh),
    reached: reachedOf(state),
    gates: judgement.gates.map((it) => it.record),
    position: state.position,
  }
}

/** The state of one dispatch, its events, and the control fold it is to be read with. */
export async function loadDispatch(ledger: FollowedLog, dispatchId: string) {
  const { events, control } = await ledger.load(dispatchStream(dispatchId))
  const recorded = events as readonly Recorded<DispatchEvent>[]
  const state: DispatchState = recorded.reduce(evolve, EMPTY_DISPATCH)
  return { state, control, events: recorded }
}

/** The same for a dispatch that must be there. */
export async function requireDispatch(ledger: FollowedLog, dispatchId: string) {
  const loaded = await loadDispatch(ledger, dispatchId)
  if (loaded.events.length > 0) return loaded
  throw new LedgerError('not-found', `There is no dispatch ${dispatchId}`)
}
