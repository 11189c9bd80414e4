import type { JudgedEvent } from '../../domain/dispatch/decide.ts'
import { type DispatchEvent, type Recorded, SCHEMA_VERSION } from '../../domain/events.ts'
import { dispatchStream } from '../../domain/identity.ts'
import { eventId } from '../identity.ts'
import type { Call, Conflict, EventStore, NewEvent, Stale } from '../ports.ts'
import { untilKnown } from '../until-known.ts'

/** What a judgement decided, and where it believes the stream to be. */
export type Commit = Readonly<{
  dispatchId: string
  expected: number
  events: readonly [JudgedEvent, ...JudgedEvent[]]
  controlRevision: number
  call: Call
  /** Milliseconds that the call still has. */
  leftMs: number
}>
export type Committed = Readonly<{
  outcome: 'appended'
  /** Each with the position of the last one: a store tells no other, and nothing stands between them. */
  events: readonly Recorded<DispatchEvent>[]
  /** The first answer was lost: others may have written since, so load before answering. */
  retried: boolean
}>

/**
 * Appends what was decided: the only place that holds `appendDispatch`, and it takes nothing but
 * events whose snapshot was judged. A lost answer is asked for again with the same ids.
 */
export async function commit(
  store: Pick<EventStore, 'appendDispatch'>,
  request: Commit,
): Promise<Committed | Conflict | Stale> {
  const stream = dispatchStream(request.dispatchId)
  const events = request.events.map((event, index) => newEvent(stream, request, event, index))
  const allRefused = request.events.every((event) => event.type === 'Refused')
  const append = {
    stream,
    events,
    expected: request.expected,
    callId: request.call.callId,
    controlRevision: allRefused ? null : request.controlRevision,
  }
  const { result, retried } = await untilKnown(() => store.appendDispatch(append), request.leftMs)
  if (result.outcome !== 'appended') return result
  const { position, recordedAt } = result
  const recorded = events.map((event, index) => ({
    ...event,
    stream,
    revision: request.expected + 1 + index,
    position,
    recordedAt,
    metadata: { callId: request.call.callId, ...event.metadata },
  }))
  return { outcome: 'appended', events: recorded as Committed['events'], retried }
}

function newEvent(stream: string, request: Commit, event: JudgedEvent, index: number): NewEvent {
  const { callId, correlationId, actor } = request.call
  const revision = request.expected + 1 + index
  const { type, data } = event
  return {
    id: eventId({ stream, revision, type, callId }),
    type,
    data,
    metadata: { schemaVersion: SCHEMA_VERSION, correlationId, actor },
  }
}
