import type { ControlState } from '../../domain/control/state.ts'
import { evolve } from '../../domain/dispatch/evolve.ts'
import { type DispatchState, EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { dispatchStream } from '../../domain/identity.ts'
import { LedgerError } from '../errors.ts'
import type { Identity } from '../identity.ts'
import type { FollowedLog, Log } from '../ports.ts'

export type LoadedDispatch = Readonly<{
  state: DispatchState
  events: readonly Recorded<DispatchEvent>[]
  control: ControlState
}>

/** One dispatch as it stands, with the control fold it is to be judged by. */
async function loadDispatch(ledger: FollowedLog, dispatchId: string): Promise<LoadedDispatch> {
  const { events, control } = await ledger.load(dispatchStream(dispatchId))
  const recorded = events as readonly Recorded<DispatchEvent>[]
  return { state: recorded.reduce(evolve, EMPTY_DISPATCH), events: recorded, control }
}

/**
 * The dispatch of a command. The id is half of the digest, so the whole of it is compared: a
 * stream that was opened by another command is never judged for this one.
 */
export async function loadIdentified(
  ledger: FollowedLog,
  { dispatchId, digest }: Identity,
  log: Log,
): Promise<LoadedDispatch> {
  const loaded = await loadDispatch(ledger, dispatchId)
  const found = loaded.state.digest
  if (found === null || found === digest) return loaded
  log.error({ dispatchId, digest, found }, 'a stream was opened with another digest')
  const message = `The stream of ${dispatchId} was opened with another digest: ${found}`
  throw new LedgerError('gate-indeterminate', message)
}

/** A dispatch that must be there. */
export async function requireDispatch(
  ledger: FollowedLog,
  dispatchId: string,
): Promise<LoadedDispatch> {
  const loaded = await loadDispatch(ledger, dispatchId)
  if (loaded.events.length > 0) return loaded
  throw new LedgerError('not-found', `There is no dispatch ${dispatchId}`)
}
