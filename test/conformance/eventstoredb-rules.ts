import { randomUUID } from 'node:crypto'
import { type EventData, EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import {
  at,
  callsOf,
  ids,
  idsOf,
  NOBODY,
  newEvent,
  newEvents,
  newStream,
  position,
  thrownBy,
} from './eventstoredb-calls.ts'
import { describeReadRules } from './eventstoredb-read-rules.ts'

/** What the adapter relies on in a server, one rule a test. */
export function describeServerRules(name: string, open: () => string): void {
  describe(name, () => describeRules(open))
}

function describeRules(open: () => string): void {
  let client: EventStoreDBClient
  beforeAll(() => {
    client = EventStoreDBClient.connectionString(open())
  })
  afterAll(() => client.dispose())

  const { append, read, written } = callsOf(() => client)
  const conflict = (stream: string, expectedVersion: unknown, actualVersion: unknown) =>
    expect.objectContaining({
      type: 'wrong-expected-version',
      streamName: stream,
      expectedVersion,
      actualVersion,
    })

  describe('an append', () => {
    it('to no stream goes in whole, and its answer tells revision and position of its last event', async () => {
      const { stream, events, result, stored } = await written(3)
      expect(idsOf(stored)).toEqual(ids(events))
      expect(stored.map(({ event }) => event?.revision)).toEqual([0n, 1n, 2n])
      const last = position(stored[2])
      expect(result).toEqual({ success: true, nextExpectedRevision: 2n, position: at(last) })
      expect(stored[2]?.event).toEqual({
        streamId: stream,
        revision: 2n,
        id: events[2]?.id,
        position: at(last),
        type: 'Planned',
        isJson: true,
        data: { a: 'ä' },
        metadata: { b: 1 },
        created: expect.any(Date),
      })
      const createdMs = stored[2]?.event?.created.getTime() ?? 0
      expect(Math.abs(createdMs - Date.now())).toBeLessThan(60_000)
    })

    it('to an exact revision goes in at the end of its stream alone', async () => {
      const { stream } = await written(2)
      await expect(append(stream, newEvents(1), 0n)).rejects.toEqual(conflict(stream, 0n, 1n))
      await expect(append(stream, newEvents(1), 9n)).rejects.toEqual(conflict(stream, 9n, 1n))
      const other = append(stream, newEvents(1), 'no_stream')
      await expect(other).rejects.toEqual(conflict(stream, 'no_stream', 1n))
      expect(await append(stream, newEvents(1), 1n)).toMatchObject({ nextExpectedRevision: 2n })
      expect(await read(stream)).toHaveLength(3)
    })

    it('to a revision of a stream that is missing is told so, and not with a number', async () => {
      const stream = newStream()
      const appending = append(stream, newEvents(1), 0n)
      await expect(appending).rejects.toEqual(conflict(stream, 0n, 'no_stream'))
    })

    it('that conflicts says so by its type: it has no message', async () => {
      const { stream } = await written(1)
      const thrown = await thrownBy(append(stream, newEvents(1), 'no_stream'))
      expect(thrown).toEqual({ type: 'wrong-expected-version', message: '' })
    })

    it('that is in already is a success at its old position, and nothing is written', async () => {
      const { stream, events, result } = await written(3)
      expect(await append(stream, events, 'no_stream')).toEqual(result)
      expect(await read(stream)).toHaveLength(3)
    })

    it('that is in already is known when its stream has grown; the answer is of its own end', async () => {
      const { stream, events, result } = await written(2)
      const more = newEvents(2)
      const second = await append(stream, more, 1n)
      expect(await append(stream, events, 'no_stream')).toEqual(result)
      expect(await append(stream, more, 1n)).toEqual(second)
      expect(second.nextExpectedRevision).toBe(3n)
    })

    it('that is in already is known from a part of it, too', async () => {
      const { stream, events, stored, result } = await written(3)
      const first = await append(stream, events.slice(0, 1), 'no_stream')
      const place = { nextExpectedRevision: 0n, position: at(position(stored[0])) }
      expect(first).toEqual({ success: true, ...place })
      expect(await append(stream, events.slice(1), 0n)).toEqual(result)
    })

    it('is known by its ids alone: another type and body make no difference', async () => {
      const { stream, events, result } = await written(1)
      const other = { ...newEvent(events[0]?.id), type: 'Else', data: { c: 2 } } as EventData
      expect(await append(stream, [other], 'no_stream')).toEqual(result)
      expect((await read(stream))[0]?.event).toMatchObject({ type: 'Planned', data: { a: 'ä' } })
    })

    it('of known and of new events together conflicts', async () => {
      const { stream, events } = await written(1)
      const longer = append(stream, [...events, newEvent()], 'no_stream')
      await expect(longer).rejects.toEqual(conflict(stream, 'no_stream', 0n))
    })

    it('of a known event at the end of the stream is a new one: ids are not unique', async () => {
      const { stream, events } = await written(1)
      expect(await append(stream, events, 0n)).toMatchObject({ nextExpectedRevision: 1n })
      expect(idsOf(await read(stream))).toEqual([events[0]?.id, events[0]?.id])
    })

    it('of nothing is a success of a stream that does not exist', async () => {
      const stream = newStream()
      expect(await append(stream, [], 'no_stream')).toMatchObject({ nextExpectedRevision: 0n })
      expect(await thrownBy(read(stream))).toMatchObject({ type: 'stream-not-found' })
    })

    it('may hold 1 MiB of data, all events together, beside its metadata', async () => {
      const binary = (size: number): EventData => ({
        id: randomUUID(),
        type: 'Big',
        contentType: 'application/octet-stream',
        data: new Uint8Array(size),
        metadata: new Uint8Array(1_000),
      })
      const half = 524_288
      const whole = await append(newStream(), [binary(half), binary(half)], 'no_stream')
      expect(whole.success).toBe(true)
      const larger = append(newStream(), [binary(half), binary(half + 1)], 'no_stream')
      const error = { type: 'maximum-append-size-exceeded', maxAppendSize: 1_048_576 }
      await expect(larger).rejects.toMatchObject(error)
    })

    it('that races others to the same place goes in, or conflicts with the one that did', async () => {
      const stream = newStream()
      const racing = Array.from({ length: 20 }, () => append(stream, newEvents(1), 'no_stream'))
      const settled = await Promise.allSettled(racing)
      const lost = settled.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []))
      expect(lost).toEqual(lost.map(() => conflict(stream, 'no_stream', 0n)))
      expect(lost).toHaveLength(19)
    })

    it('in a call of its own is answered the same way', async () => {
      const { stream, events, result } = await written(2)
      const options = { expectedRevision: 'no_stream', credentials: NOBODY } as const
      expect(await client.appendToStream(stream, events, options)).toEqual(result)
      const other = client.appendToStream(stream, newEvents(1), options)
      await expect(other).rejects.toEqual(conflict(stream, 'no_stream', 1n))
      const fresh = await client.appendToStream(newStream(), newEvents(2), options)
      expect(fresh.nextExpectedRevision).toBe(1n)
    })
  })

  describe('a stream that was deleted', () => {
    it('knows its old events, and says so without a position although none can be read', async () => {
      const { stream, events } = await written(2)
      await client.deleteStream(stream)
      const again = await append(stream, events, 'no_stream')
      expect(again).toEqual({ success: true, nextExpectedRevision: 1n, position: undefined })
      expect(await thrownBy(read(stream))).toMatchObject({ type: 'stream-not-found' })
    })

    it('begins anew where it was', async () => {
      const { stream } = await written(2)
      await client.deleteStream(stream)
      const anew = await append(stream, newEvents(1), 'no_stream')
      expect(anew.nextExpectedRevision).toBe(2n)
      // The answer comes before the stream can be read again.
      const stored = await until(() => read(stream))
      expect(stored.map(({ event }) => event?.revision)).toEqual([2n])
    })

    it('for ever is neither read nor written', async () => {
      const { stream, events } = await written(1)
      await client.tombstoneStream(stream)
      const deleted = expect.objectContaining({ type: 'stream-deleted' })
      await expect(append(stream, events, 'no_stream')).rejects.toEqual(deleted)
      await expect(read(stream)).rejects.toEqual(deleted)
    })
  })

  describeReadRules(() => client)
}
