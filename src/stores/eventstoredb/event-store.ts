import { CONTROL_STREAM } from '../../../domain/identity.ts'
import type { EventStore } from '../../ports.ts'
import { createAppends } from './append.ts'
import { openAppender, openReader } from './clients.ts'
import { followControlTail } from './control.ts'
import { failureOf } from './failure.ts'
import { createLog } from './log.ts'
import { readStream, type Source } from './read.ts'
import { streamsOf } from './stored-event.ts'

export type EventStoreDb = EventStore & { close(): Promise<void> }

/** Where the log is. `prefix` stands before the name of every stream, for a server that has others. */
export type EventStoreDbPlace = Readonly<{ url: string; prefix: string }>

/**
 * The log in EventStoreDB or KurrentDB. An append cannot see there whether a control event came
 * first: the end of `control` is read after it, and what was overtaken is void.
 */
export function createEventStoreDb({ url, prefix }: EventStoreDbPlace): EventStoreDb {
  const reader = openReader(url)
  const appender = openAppender(url)
  const source: Source = { reader, prefix, streams: streamsOf(prefix) }
  const control = followControlTail(source)
  return {
    guarantee: 'fenced',
    ...createAppends({ appender, source, control }),
    ...createLog(source, control),
    async load(stream, afterRevision = -1) {
      try {
        // The stream first: who sees an event then knows every control event before it.
        const events = await readStream(source, stream, afterRevision + 1)
        const last = stream === CONTROL_STREAM ? events.at(-1) : undefined
        if (last === undefined) return { events, control: await control.read() }
        return { events, control: { revision: last.revision, eventId: last.id } }
      } catch (error) {
        throw failureOf(error, 'none')
      }
    },
    async close() {
      await appender.close()
      await reader.close()
    },
  }
}
