import { evolveControl } from '../../domain/control/evolve.ts'
import type { ControlState } from '../../domain/control/state.ts'
import { type ControlEvent, type Recorded, SCHEMA_VERSION } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import { LedgerError } from '../errors.ts'
import { eventId } from '../identity.ts'
import type { Appended, Call, EventStore, FollowedLog, NewEvent } from '../ports.ts'
import { untilKnown } from '../until-known.ts'

export type ControlPorts = Readonly<{
  store: Pick<EventStore, 'appendControl'>
  ledger: FollowedLog
}>

export type ControlAppended<T> = Readonly<{
  decision: T
  /** The fold that the decision leads to: the one it was made on, with its own events. */
  control: ControlState
  /** Position of the last event that was appended; where nothing was, the log's as it was read. */
  position: number
  appended: number
}>

/**
 * Decides on the newest control fold and appends, again and again after a conflict until `deadlineMs`
 * of milliseconds have gone. A lost answer is asked for again with the same ids.
 */
export async function appendControl<T extends { readonly events: readonly ControlEvent[] }>(
  call: Call,
  ports: ControlPorts,
  deadlineMs: number,
  decide: (control: ControlState) => T | Promise<T>,
): Promise<ControlAppended<T>> {
  const startedMs = performance.now()
  while (performance.now() - startedMs < deadlineMs) {
    const { control, position } = await ports.ledger.current()
    const decision = await decide(control)
    if (decision.events.length === 0) return { decision, control, position, appended: 0 }
    const events = decision.events.map((event, index) => newEvent(call, control, event, index))
    const append = { expected: control.revision, events, callId: call.callId }
    const leftMs = deadlineMs - (performance.now() - startedMs)
    const { result } = await untilKnown(() => ports.store.appendControl(append), leftMs)
    if (result.outcome === 'appended') {
      const recorded = asRecorded(events, control, call, result)
      const after = evolveControl(control, recorded)
      return { decision, control: after, position: result.position, appended: events.length }
    }
  }
  throw new LedgerError('contended', `Others kept writing to control for ${deadlineMs} ms`)
}

/**
 * Our own events as the log now has them, each with the position of the last one; what others
 * appended since takes no part.
 */
function asRecorded(
  events: readonly NewEvent[],
  control: ControlState,
  { callId }: Call,
  { position, recordedAt }: Appended,
): readonly Recorded<ControlEvent>[] {
  return events.map((event, index) => ({
    ...event,
    stream: CONTROL_STREAM,
    revision: control.revision + 1 + index,
    position,
    recordedAt,
    metadata: { callId, ...event.metadata },
  })) as Recorded<ControlEvent>[]
}

function newEvent(call: Call, control: ControlState, event: ControlEvent, index: number): NewEvent {
  const { callId, correlationId, actor } = call
  const revision = control.revision + 1 + index
  return {
    id: eventId({ stream: CONTROL_STREAM, revision, type: event.type, callId }),
    type: event.type,
    data: event.data,
    metadata: { schemaVersion: SCHEMA_VERSION, correlationId, actor },
  }
}
