import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { isReplay, type Reached, reachedOf } from '../../domain/dispatch/state.ts'
import type { RefusalCode } from '../../domain/refusal.ts'
import type { GateRecord } from '../../domain/snapshot.ts'
import { identify } from '../identity.ts'
import type { FollowedLog, Log } from '../ports.ts'
import { type JudgePorts, judge } from './judge.ts'
import { loadIdentified } from './load-dispatch.ts'

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
  ports: JudgePorts & { readonly ledger: FollowedLog; readonly log: Log },
): Promise<Explanation> {
  const identity = identify(command)
  const { dispatchId, digest } = identity
  const { state, control } = await loadIdentified(ports.ledger, identity, ports.log)
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
