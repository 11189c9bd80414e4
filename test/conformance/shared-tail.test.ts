import { describe, expect, it } from 'vitest'
import { LedgerError } from '../../src/errors.ts'
import type { EventStore } from '../../src/ports.ts'
import { createSharedTail } from '../../src/stores/shared-tail.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { until } from '../support/until.ts'
import { dispatchAppend, newStream } from './appends.ts'
import { describeEventStore, follow } from './event-store.ts'

/** Small, so that few appends leave it. */
const WINDOW = 1_000

/** A store with a shared tail, over one that counts its readers. */
function watched(memory: EventStore = createMemoryEventStore()) {
  const asked = { tails: 0, open: 0, read: 0 }
  const kept: EventStore = {
    ...memory,
    async *read(range) {
      for await (const event of memory.read(range)) {
        asked.read += 1
        yield event
      }
    },
    async *tail(from) {
      asked.tails += 1
      asked.open += 1
      try {
        yield* memory.tail(from)
      } finally {
        asked.open -= 1
      }
    },
  }
  const store: EventStore = { ...kept, tail: createSharedTail(kept, WINDOW) }
  const append = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await store.appendDispatch(dispatchAppend(newStream()))
  }
  return { store, asked, append }
}

describeEventStore('the memory model behind a shared tail', async () => ({
  store: watched().store,
  close: () => Promise.resolve(),
}))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1)
const positionsOf = ({ seen }: ReturnType<typeof follow>) => seen.map((it) => it.position)

describe('the shared tail', () => {
  it('reads the log once for all who follow closely, and not at all once nobody does', async () => {
    const { store, asked, append } = watched()
    const followers = Array.from({ length: 10 }, () => follow(store, 0))
    await append(20)
    await until(() => followers.every((it) => it.seen.length === 20))
    expect(asked).toEqual({ tails: 1, open: 1, read: 0 })
    expect(followers.map(positionsOf)).toEqual(followers.map(() => upTo(20)))
    await Promise.all(followers.map((it) => it.end()))
    await until(() => asked.open === 0)
    const next = follow(store, 20)
    await append(1)
    await until(() => next.seen.length === 1)
    expect(asked).toMatchObject({ tails: 2, open: 1 })
    await next.end()
  })

  it('gives the past to those who come later, whole and once', async () => {
    const { store, append } = watched()
    const first = follow(store, 0)
    await append(30)
    await until(() => first.seen.length === 30)
    const late = [0, 1, 29, 30].map((after) => ({ after, reader: follow(store, after) }))
    await append(5)
    for (const { after, reader } of late) {
      await until(() => reader.seen.length === 35 - after)
      expect(positionsOf(reader)).toEqual(upTo(35).slice(after))
      await reader.end()
    }
    await first.end()
  })

  it('lets the slow read on from the log once the window has gone by, and misses nothing', async () => {
    const { store, asked, append } = watched()
    const stop = new AbortController()
    const slow = store.tail({ after: 0, signal: stop.signal })[Symbol.asyncIterator]()
    const fast = follow(store, 0)
    await append(1)
    const seen = [(await slow.next()).value.position]
    await append(1_600)
    await until(() => fast.seen.length === 1_601)
    while (seen.length < 1_601) seen.push((await slow.next()).value.position)
    expect(seen).toEqual(upTo(1_601))
    // What had left the window, and no more, was read a second time.
    expect(asked.read).toBe(600)
    stop.abort()
    expect(await slow.next()).toMatchObject({ done: true })
    await fast.end()
  })

  it.each(['head', 'tail'] as const)(
    'tells everybody when the %s of the store fails, and the next one begins anew',
    async (part) => {
      const memory = createMemoryEventStore()
      const gone = new LedgerError('store-unavailable', 'gone in a test')
      let fails = true
      const failing: EventStore = {
        ...memory,
        head: async () => {
          if (fails && part === 'head') throw gone
          return memory.head()
        },
        async *tail(from) {
          for await (const event of memory.tail(from)) {
            if (fails && part === 'tail') throw gone
            yield event
          }
        },
      }
      const { store, append } = watched(failing)
      const followers = [follow(store, 0), follow(store, 0)]
      await append(1)
      for (const it of followers) {
        await expect(
          until(() =>
            it.end().then(
              () => false,
              (error: unknown) => error,
            ),
          ),
        ).resolves.toBe(gone)
      }
      fails = false
      const next = follow(store, 0)
      await until(() => next.seen.length === 1)
      await next.end()
    },
  )
})
