import type { Readable } from 'node:stream'
import type { ReadRevision, ResolvedEvent } from '@eventstore/db-client'
import type { Recorded } from '../../../domain/events.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { LedgerError } from '../../errors.ts'
import { within } from '../../within.ts'
import type { ReadingClient } from './clients.ts'
import { failureOf, isMissingStream } from './failure.ts'
import { recordedOf, type Streams } from './stored-event.ts'

export type Source = Readonly<{ reader: ReadingClient; prefix: string; streams: Streams }>

type Cancellable = Readable & { cancel(): Promise<void> }

/**
 * The events of one stream from a revision on, none where there is no stream. From the leader: who
 * sees an event sees whatever stood before it.
 */
export async function readStream(
  { reader, prefix, streams }: Source,
  stream: string,
  fromRevision: number,
): Promise<readonly Recorded[]> {
  const client = await reader.get()
  const options = {
    fromRevision: BigInt(fromRevision) as ReadRevision,
    direction: 'forwards',
    requiresLeader: true,
  } as const
  const found = await collect(() => client.readStream(streams.nameOf(stream), options))
  const events = found.map((it) => recordedOf(it, prefix))
  const [first] = events
  if (first !== undefined && first.revision !== fromRevision) {
    const lost = `${stream} begins at ${first.revision}, not at ${fromRevision}: events were deleted`
    throw new LedgerError('gate-indeterminate', lost)
  }
  return events
}

/** A page of the whole log, foreign events and all. `from` is where its first event stands. */
export async function readAll(
  { reader }: Pick<Source, 'reader'>,
  page: Readonly<{
    from: number | 'start' | 'end'
    direction: 'forwards' | 'backwards'
    size: number
  }>,
): Promise<readonly ResolvedEvent[]> {
  const client = await reader.get()
  const { from, direction, size } = page
  const fromPosition = typeof from === 'string' ? from : placeAt(from)
  const options = { fromPosition, direction, maxCount: size, requiresLeader: true }
  return collect(() => client.readAll(options))
}

/** Everything that one read gives. The package sets no time limit of its own. */
async function collect(begin: () => Cancellable): Promise<readonly ResolvedEvent[]> {
  const stream = begin()
  // A failed call tells it twice; the second time nobody would listen.
  stream.on('error', () => undefined)
  const all = async (): Promise<readonly ResolvedEvent[]> => {
    const events: ResolvedEvent[] = []
    for await (const event of stream) events.push(event as ResolvedEvent)
    return events
  }
  try {
    return await within(LIMITS.statementTimeMs, all(), tooLate)
  } catch (error) {
    if (isMissingStream(error)) return []
    void stream.cancel().catch(() => undefined)
    throw error
  }
}

function tooLate(): never {
  throw failureOf(new Error(`no answer within ${LIMITS.statementTimeMs} ms`), 'none')
}

/** Where a record stands in the log. */
export const positionOf = ({ event }: ResolvedEvent): number => Number(event?.position?.commit ?? 0)

/** A position as the package wants it. */
export const placeAt = (position: number) =>
  position === 0 ? 'start' : { commit: BigInt(position), prepare: BigInt(position) }
