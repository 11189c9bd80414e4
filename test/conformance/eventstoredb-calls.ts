import { randomUUID } from 'node:crypto'
import type {
  AppendExpectedRevision,
  AppendResult,
  EventData,
  EventStoreDBClient,
  Position,
  ResolvedEvent,
} from '@eventstore/db-client'

type Read = ReturnType<EventStoreDBClient['readAll']> | ReturnType<EventStoreDBClient['readStream']>

/** With a login of its own, whatever it is, an append is a call of its own. */
export const NOBODY = { username: 'nobody', password: 'nothing' }

/** Each of its own, so that a server that was used before has none of them. */
export const newStream = (): string => `rules-${randomUUID()}`

export const newEvent = (id: string = randomUUID()): EventData => ({
  id,
  contentType: 'application/json',
  type: 'Planned',
  data: { a: 'ä' },
  metadata: { b: 1 },
})
export const newEvents = (count: number): EventData[] =>
  Array.from({ length: count }, () => newEvent())

/** Everything that a read gives. A failed one tells it twice; the second time nobody listens. */
export async function collect(read: Read): Promise<readonly ResolvedEvent[]> {
  read.on('error', () => undefined)
  const events: ResolvedEvent[] = []
  for await (const event of read) events.push(event)
  return events
}

/** What is thrown, as far as it says anything to the adapter. */
export const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error & { type?: string }) => ({ type: error.type, message: error.message }),
  )

/** A subscription that is listened to. `ended` says with which error it ended. */
export function listen(client: EventStoreDBClient, from: Position | 'start' | 'end', regex = '.') {
  const filter = { filterOn: 'streamName', regex, checkpointInterval: 1_000 } as const
  const subscription = client.subscribeToAll({ fromPosition: from, filter })
  const it = {
    ids: [] as string[],
    caughtUp: 0,
    ended: null as unknown,
    end: async () => subscription.unsubscribe(),
  }
  subscription.on('error', (error: Error & { type?: string }) => {
    it.ended ??= { type: error.type, message: error.message }
  })
  subscription.on('caughtUp', () => (it.caughtUp += 1))
  subscription.on('data', ({ event }: ResolvedEvent) => it.ids.push(event?.id ?? ''))
  return it
}

export const at = (position: bigint): Position => ({ commit: position, prepare: position })
export const idsOf = (events: readonly ResolvedEvent[]) => events.map(({ event }) => event?.id)
export const ids = (events: readonly EventData[]) => events.map(({ id }) => id)
export const position = (it: ResolvedEvent | undefined): bigint =>
  it?.event?.position?.commit ?? -1n

/** The calls of one client, short. */
export function callsOf(client: () => EventStoreDBClient) {
  const append = (
    stream: string,
    events: EventData[],
    expectedRevision: AppendExpectedRevision,
  ): Promise<AppendResult> => client().appendToStream(stream, events, { expectedRevision })
  const read = (stream: string, options: Parameters<EventStoreDBClient['readStream']>[1] = {}) =>
    collect(client().readStream(stream, options))
  const readAll = (options: Parameters<EventStoreDBClient['readAll']>[0]) =>
    collect(client().readAll(options))
  /** A stream of events, and how they are read back. */
  const written = async (count: number) => {
    const stream = newStream()
    const events = newEvents(count)
    const result = await append(stream, events, 'no_stream')
    return { stream, events, result, stored: await read(stream) }
  }
  return { append, read, readAll, written }
}
