import type { EventStoreDBClient } from '@eventstore/db-client'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import {
  at,
  callsOf,
  ids,
  idsOf,
  listen,
  newEvents,
  newStream,
  position,
  thrownBy,
} from './eventstoredb-calls.ts'

const NO_BOUNDARY = { type: 'unknown', message: '2 UNKNOWN: Unexpected ReadAllResult: Error' }

/** The rules of server reads, as `describeServerRules` has those of its writes. */
export function describeReadRules(client: () => EventStoreDBClient): void {
  const { append, read, readAll, written } = callsOf(client)

  describe('reading a stream', () => {
    it('begins at a revision, that one too, and gives nothing beyond the end', async () => {
      const { stream, events } = await written(3)
      expect(idsOf(await read(stream, { fromRevision: 1n }))).toEqual(ids(events).slice(1))
      expect(idsOf(await read(stream, { fromRevision: 0n, maxCount: 2 }))).toEqual(
        ids(events).slice(0, 2),
      )
      expect(await read(stream, { fromRevision: 3n })).toEqual([])
      expect(await read(stream, { fromRevision: 99n })).toEqual([])
    })

    it('goes backwards from the end or a revision', async () => {
      const { stream, events } = await written(3)
      const [a, b, c] = ids(events)
      const backwards = { direction: 'backwards' } as const
      const last = await read(stream, { ...backwards, fromRevision: 'end', maxCount: 2 })
      expect(idsOf(last)).toEqual([c, b])
      expect(idsOf(await read(stream, { ...backwards, fromRevision: 1n }))).toEqual([b, a])
    })

    it('that is missing is an error of its own', async () => {
      const stream = newStream()
      const missing = { type: 'stream-not-found', message: `${stream} not found` }
      expect(await thrownBy(read(stream))).toEqual(missing)
      expect(await thrownBy(read(stream, { fromRevision: 5n }))).toEqual(missing)
    })

    it('tells where its events stand in the log', async () => {
      const { stored } = await written(3)
      const [first] = stored
      const all = await readAll({ fromPosition: at(position(first)), maxCount: 1 })
      expect(all[0]?.event?.id).toBe(first?.event?.id)
      for (const it of stored) {
        expect(it.commitPosition).toBe(position(it))
        expect(it.event?.position?.prepare).toBe(position(it))
      }
      expect(position(stored[1])).toBeGreaterThan(position(first) + 1n)
      expect(position(stored[2])).toBeGreaterThan(position(stored[1]) + 1n)
    })
  })

  describe('reading the log', () => {
    it('begins at a position, the event there too', async () => {
      const { stored, events } = await written(3)
      const found = await readAll({ fromPosition: at(position(stored[0])), maxCount: 3 })
      expect(idsOf(found)).toEqual(ids(events))
    })

    it('goes backwards from a position without the event there, or from the end', async () => {
      const { stream, stored, events } = await written(3)
      const backwards = { direction: 'backwards', maxCount: 2 } as const
      const before = await readAll({ ...backwards, fromPosition: at(position(stored[2])) })
      expect(idsOf(before)).toEqual([events[1]?.id, events[0]?.id])
      // Others may write behind them at the same time.
      const last = await readAll({ direction: 'backwards', maxCount: 500, fromPosition: 'end' })
      const mine = last.filter(({ event }) => event?.streamId === stream)
      expect(idsOf(mine)).toEqual(ids(events).toReversed())
    })

    it('begins with its start, and ends where it ends', async () => {
      const [first] = await readAll({ fromPosition: 'start', maxCount: 1 })
      expect(first?.event?.streamId).toMatch(/^\$/)
      expect(await readAll({ fromPosition: at(0n), maxCount: 1 })).toEqual([first])
      expect(await readAll({ fromPosition: 'end', maxCount: 1 })).toEqual([])
      const backwards = { direction: 'backwards', maxCount: 1 } as const
      expect(await readAll({ ...backwards, fromPosition: 'start' })).toEqual([])
    })

    it('fails at a position where no record begins', async () => {
      const { stored } = await written(2)
      const between = at(position(stored[0]) + 1n)
      const options = { fromPosition: between, maxCount: 2 }
      expect(await thrownBy(readAll(options))).toEqual(NO_BOUNDARY)
      const backwards = { ...options, direction: 'backwards' } as const
      expect(await thrownBy(readAll(backwards))).toEqual(NO_BOUNDARY)
    })

    it('gives nothing from beyond the end, and backwards fails', async () => {
      const { stored } = await written(1)
      const options = { fromPosition: at(position(stored[0]) + 1_000_000n), maxCount: 1 }
      expect(await readAll(options)).toEqual([])
      const backwards = { ...options, direction: 'backwards' } as const
      expect(await thrownBy(readAll(backwards))).toEqual(NO_BOUNDARY)
    })
  })

  describe('a subscription', () => {
    it('begins behind a position, catches up once, and goes on with what comes', async () => {
      const { stream, stored, events } = await written(3)
      const it = listen(client(), at(position(stored[0])), `^${stream}$`)
      await until(() => it.caughtUp > 0)
      expect(it.ids).toEqual(ids(events).slice(1))
      const more = newEvents(2)
      await append(stream, more, 2n)
      await until(() => it.ids.length === 4)
      expect(it.ids).toEqual([...ids(events).slice(1), ...ids(more)])
      expect(it.caughtUp).toBe(1)
      await it.end()
      expect(it.ended).toBeNull()
    })

    it('gives the streams whose names match, and no others', async () => {
      const [a, b] = [newStream(), newStream()]
      const it = listen(client(), 'start', `^(${a}|x)$`)
      await until(() => it.caughtUp > 0)
      const [mine, others] = [newEvents(2), newEvents(2)]
      await append(b, others, 'no_stream')
      await append(a, mine, 'no_stream')
      await append(`${a}x`, newEvents(1), 'no_stream')
      const after = newEvents(1)
      await append(a, after, 1n)
      await until(() => it.ids.length >= 3)
      expect(it.ids).toEqual(ids([...mine, ...after]))
      await it.end()
    })

    it('fails at a position where no record begins', async () => {
      const { stored } = await written(2)
      const it = listen(client(), at(position(stored[0]) + 1n))
      const message = '2 UNKNOWN: Exception was thrown by handler.'
      expect(await until(() => it.ended ?? undefined)).toEqual({ type: 'unknown', message })
      expect([it.ids, it.caughtUp]).toEqual([[], 0])
    })

    it('from beyond the end has caught up at once, and gives whatever comes', async () => {
      const { stream, stored } = await written(1)
      const it = listen(client(), at(position(stored[0]) + 1_000_000n), `^${stream}$`)
      await until(() => it.caughtUp > 0)
      const more = newEvents(1)
      await append(stream, more, 0n)
      await until(() => it.ids.length > 0)
      expect(it.ids).toEqual(ids(more))
      await it.end()
    })
  })
}
