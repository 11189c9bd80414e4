import type { EventStore } from '../ports.ts'
import { createEventStoreDb, type EventStoreDbPlace } from './eventstoredb/event-store.ts'
import { markVoid } from './mark-void.ts'
import { createPostgresEventStore, createPostgresReader } from './postgres/event-store.ts'

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
