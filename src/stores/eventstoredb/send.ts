import type { AppendResult, EventStoreDBClient } from '@eventstore/db-client'
import type { Recorded } from '../../../domain/events.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { LedgerError } from '../../errors.ts'
import type { Appended, Conflict, ControlAppend } from '../../ports.ts'
import { within } from '../../within.ts'
import type { AppendingClient } from './clients.ts'
import { conflictOf, failureOf } from './failure.ts'
import { readStream, type Source } from './read.ts'
import { storedEvent } from './stored-event.ts'

export type SendPorts = Readonly<{ appender: AppendingClient; source: Source }>
export type Append = ControlAppend & { readonly stream: string }

/** Streams whose last append may have gone in. Beyond so many the oldest is taken for known. */
const UNKNOWN_MAX = 10_000

/**
 * Sends appends with an exact expected revision; to one stream one after the other. The server
 * compares ids alone: what it calls a success may have been in before, with another body. Wherever
 * that can be, the stream is read and says what is in.
 */
export function createSender(ports: SendPorts): (append: Append) => Promise<Appended | Conflict> {
  const unknown = new Set<string>()
  /** What is new stands behind it. */
  let highest = 0
  const remember = (stream: string): void => {
    unknown.add(stream)
    const [oldest] = unknown
    if (unknown.size > UNKNOWN_MAX && oldest !== undefined) unknown.delete(oldest)
  }
  const send = async (append: Append): Promise<Appended | Conflict> => {
    const { stream } = append
    const recordedAt = new Date().toISOString()
    const before = highest
    const result = await sendOnce(ports, append, recordedAt)
    assertWhole(append, result)
    // What was deleted since has no position.
    const position = Number(result.position?.commit ?? 0)
    highest = Math.max(highest, position)
    if (position > before && !unknown.has(stream)) {
      return { outcome: 'appended', position, recordedAt }
    }
    const stored = await readStream(ports.source, stream, 0)
    if (stored.length <= Number(result.nextExpectedRevision)) throw deleted(stream)
    unknown.delete(stream)
    return appendedAt(append, stored) ?? { outcome: 'conflict', revision: stored.length - 1 }
  }
  return (append) =>
    send(append).catch((error: unknown) => {
      const revision = conflictOf(error)
      if (revision !== null) return { outcome: 'conflict', revision }
      const failure = failureOf(error, 'unknown')
      if (failure.recorded === 'unknown') remember(append.stream)
      throw failure
    })
}

async function sendOnce(
  { appender, source }: SendPorts,
  { stream, expected, events, callId }: Append,
  recordedAt: string,
): Promise<AppendResult> {
  const client = await appender.get()
  const stored = events.map((event) =>
    storedEvent(event, { callId, ...event.metadata, recordedAt }),
  )
  const expectedRevision = expected === -1 ? 'no_stream' : BigInt(expected)
  const sending = client.appendToStream(source.streams.nameOf(stream), stored, { expectedRevision })
  return within(LIMITS.statementTimeMs, sending, () => giveUp(appender, client))
}

/** The package waits for ever: a client that lets an append wait so long gets a successor. */
function giveUp(appender: AppendingClient, client: EventStoreDBClient): never {
  void appender.renew(client)
  throw failureOf(new Error(`no answer within ${LIMITS.statementTimeMs} ms`), 'unknown')
}

/** A stream that was deleted and begun anew goes on counting where it was. */
function assertWhole(
  { stream, expected, events }: Append,
  { nextExpectedRevision }: AppendResult,
): void {
  if (nextExpectedRevision !== BigInt(expected + events.length)) throw deleted(stream)
}

const deleted = (stream: string): LedgerError =>
  new LedgerError('gate-indeterminate', `Events of ${stream} were deleted`, { recorded: 'unknown' })

/** The append as it stands in its whole stream, or null where it does not. */
export function appendedAt(
  { expected, events }: Append,
  stored: readonly Recorded[],
): Appended | null {
  const found = stored.slice(expected + 1, expected + 1 + events.length)
  const isIn = events.every(
    ({ id, data }, index) =>
      found[index]?.id === id && JSON.stringify(found[index]?.data) === JSON.stringify(data),
  )
  const last = found.at(-1)
  if (!isIn || last === undefined) return null
  return { outcome: 'appended', position: last.position, recordedAt: last.recordedAt }
}
