import type { EventData, ResolvedEvent } from '@eventstore/db-client'
import type { EventMetadata, Recorded } from '../../../domain/events.ts'
import { CONTROL_STREAM } from '../../../domain/identity.ts'
import { LedgerError } from '../../errors.ts'
import type { NewEvent } from '../../ports.ts'

/** What stands in the metadata of a stored event: the time is the writer's own. */
export type StoredMetadata = EventMetadata & Readonly<{ recordedAt: string }>

/** The streams of one ledger in a server that may hold others. */
export type Streams = Readonly<{
  nameOf(stream: string): string
  isOurs(name: string): boolean
  /** A regular expression for the server, which knows the same language here. */
  pattern: string
}>

const ANY_STREAM = `(${CONTROL_STREAM}|dispatch-[0-9a-f-]{36})$`

export function streamsOf(prefix: string): Streams {
  const pattern = `^${prefix.replaceAll('.', String.raw`\.`)}${ANY_STREAM}`
  const ours = new RegExp(pattern)
  return {
    nameOf: (stream) => `${prefix}${stream}`,
    isOurs: (name) => ours.test(name),
    pattern,
  }
}

export const storedEvent = (event: NewEvent, metadata: StoredMetadata): EventData =>
  ({
    id: event.id,
    contentType: 'application/json',
    type: event.type,
    data: event.data,
    metadata,
  }) as unknown as EventData

/** An event as the ledger knows it. Throws `not-ready` for one that no ledger wrote. */
export function recordedOf({ event }: ResolvedEvent, prefix: string): Recorded {
  const { id, streamId, revision, type, data, position } = event ?? absent()
  const metadata = event?.metadata as Partial<StoredMetadata> | undefined
  if (typeof metadata?.recordedAt !== 'string' || typeof metadata.callId !== 'string') {
    throw new LedgerError('not-ready', `${streamId}@${revision} holds an event of somebody else`)
  }
  // An older server sends the largest number of 64 bits instead.
  if (!Number.isSafeInteger(Number(position?.commit))) {
    throw new LedgerError('not-ready', 'EventStoreDB tells no positions: it must be 22.6 or newer')
  }
  const { recordedAt, ...kept } = metadata
  return {
    id,
    stream: streamId.slice(prefix.length),
    revision: Number(revision),
    position: Number(position?.commit),
    type,
    recordedAt,
    data,
    metadata: kept,
  } as unknown as Recorded
}

function absent(): never {
  throw new LedgerError('not-ready', 'EventStoreDB answered an event without its content')
}
