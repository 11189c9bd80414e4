import type { Restore } from '../../ports.ts'
import { type WholeCommit, wholeCommits } from '../../whole-commits.ts'
import { openAppender } from './clients.ts'
import type { EventStoreDbPlace } from './event-store.ts'
import { failureOf } from './failure.ts'
import { storedEvent, streamsOf } from './stored-event.ts'

/**
 * Fills a ledger in EventStoreDB, one append after the other: the server keeps no order among those
 * that are under way together (seen with 64).
 */
export function createEventStoreDbRestore({
  url,
  prefix,
}: EventStoreDbPlace): Restore & { close(): Promise<void> } {
  const appender = openAppender(url)
  const streams = streamsOf(prefix)
  const append = async ({ stream, recordedAt, events }: WholeCommit): Promise<void> => {
    const client = await appender.get()
    const [{ revision }] = events
    const stored = events.map((event) => storedEvent(event, { ...event.metadata, recordedAt }))
    const expectedRevision = revision === 0 ? 'no_stream' : BigInt(revision - 1)
    await client.appendToStream(streams.nameOf(stream), stored, { expectedRevision })
  }
  return {
    async restore(events) {
      for (const commit of wholeCommits(events)) {
        await append(commit).catch((error: unknown) => {
          throw failureOf(error, 'unknown')
        })
      }
    },
    close: () => appender.close(),
  }
}
