import type { LedgerEvent, Recorded } from '../../../domain/events.ts'

/** A row of `ledger.commits`: `position` is its last event's, `revision` its first event's. */
export type CommitRow = Readonly<{
  position: number
  stream: string
  revision: number
  count: number
  call_id: string
  recorded_at: Date
  events: string
}>

type StoredEvent = Readonly<{
  id: string
  type: LedgerEvent['type']
  data: LedgerEvent['data']
  metadata: Readonly<{ schemaVersion: number; correlationId: string; actor: string }>
}>

/** The events of a commit, each with its own revision and position. */
export function eventsOf(row: CommitRow): readonly Recorded[] {
  const stored = JSON.parse(row.events) as readonly StoredEvent[]
  if (stored.length !== row.count) {
    throw new Error(`the commit at ${row.position} holds ${stored.length} events, not ${row.count}`)
  }
  const recordedAt = row.recorded_at.toISOString()
  return stored.map(
    (event, index) =>
      ({
        id: event.id,
        stream: row.stream,
        revision: row.revision + index,
        position: row.position - row.count + 1 + index,
        type: event.type,
        recordedAt,
        data: event.data,
        metadata: { callId: row.call_id, ...event.metadata },
      }) as Recorded,
  )
}
