import { newestTarget } from '../../domain/control/state.ts'
import type { Judgement } from '../../domain/dispatch/judgement.ts'
import type { Identity } from '../identity.ts'
import type { Call, DispatchCall, Log } from '../ports.ts'
import type { Ask } from './judge.ts'

/** Halts a contract in all its versions. Resolves once that is in force everywhere. */
export type HaltContract = (call: Call, contractId: string, reason: string) => Promise<void>

/**
 * The halt that the target of a suspected dispatch asks for, or null where none is. It is begun
 * before the suspicion is recorded, and whatever becomes of that: the halt is what protects.
 */
export function haltIfSuspected(
  { call, identity }: Readonly<{ call: DispatchCall; identity: Identity }>,
  { command, control }: Ask,
  { refusal }: Judgement,
  halt: HaltContract,
): Promise<void> | null {
  if (refusal?.code !== 'mutation-suspected') return null
  if (newestTarget(control, command.target)?.body.haltOnSuspicion !== true) return null
  const { callId, correlationId, actor } = call
  const reason = `mutation-suspected in the dispatch ${identity.dispatchId}`
  const halting = halt({ callId, correlationId, actor }, command.contract.id, reason)
  // Whoever waits for it hears of a failure; before that nobody may be listening.
  halting.catch(() => undefined)
  return halting
}

type Unanswered = Readonly<{
  call: DispatchCall
  identity: Identity
  observation: Judgement | null
  halting: Promise<void> | null
}>

/** A suspicion that the store would not take has to be heard of somewhere: its halt may not be in force. */
export async function tellOfSuspicion(run: Unanswered, log: Log): Promise<void> {
  const { call, identity, observation, halting } = run
  const isHalted = await halting?.then(
    () => true,
    () => false,
  )
  if (halting === null && observation?.refusal?.code !== 'mutation-suspected') return
  const fields = { dispatchId: identity.dispatchId, contract: call.command.contract.id, isHalted }
  log.error(fields, 'a mutation is suspected, and that is not recorded')
}
