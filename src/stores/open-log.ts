import type { EventStore, Restore } from '../ports.ts'
import { createEventStoreDb, type EventStoreDbPlace } from './eventstoredb/event-store.ts'
import { createEventStoreDbRestore } from './eventstoredb/restore.ts'
import { markVoid } from './mark-void.ts'
import { createPostgresEventStore, createPostgresReader } from './postgres/event-store.ts'
import { createPostgresRestore } from './postgres/restore.ts'

/** The database of the ledger, as its runtime login, and where the log is when it is not there. */
export type LogPlace = Readonly<{ url: string; eventStoreDb: EventStoreDbPlace | null }>

type Closing = Readonly<{ close(): Promise<void> }>

export const openLog = ({ url, eventStoreDb }: LogPlace): EventStore & Closing =>
  eventStoreDb === null ? createPostgresEventStore(url) : createEventStoreDb(eventStoreDb)

/** The log for those who follow it and append nothing, with its void events marked. */
export const openFollowedLog = ({
  url,
  eventStoreDb,
}: LogPlace): Pick<EventStore, 'load' | 'read' | 'tail' | 'head'> & Closing =>
  markVoid(eventStoreDb === null ? createPostgresReader(url) : createEventStoreDb(eventStoreDb))

/** A ledger to be filled: of a database as its owner, or in EventStoreDB. */
export function openRestored(place: LogPlace): EventStore & Restore & Closing {
  const { url, eventStoreDb } = place
  const log = openLog(place)
  const filled =
    eventStoreDb === null ? createPostgresRestore(url) : createEventStoreDbRestore(eventStoreDb)
  return {
    ...log,
    restore: (events) => filled.restore(events),
    async close() {
      await filled.close()
      await log.close()
    },
  }
}
