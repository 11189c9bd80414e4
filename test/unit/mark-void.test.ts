import { describe, expect, it } from 'vitest'
import type { Recorded } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import type { EventStore } from '../../src/ports.ts'
import { markVoid } from '../../src/stores/mark-void.ts'
import { controlAppend, dispatchAppend, newStream, WHOLE_LIFE } from '../conformance/appends.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'

const fenced = (): EventStore => createMemoryEventStore(() => new Date(), 'fenced')

/** A stream that a control event overtook, in the middle of a log. */
async function overtaken(store: EventStore): Promise<string> {
  const stream = newStream()
  await store.appendControl(controlAppend(-1))
  await store.appendDispatch(dispatchAppend(stream, { controlRevision: 0 }))
  await store.appendControl(controlAppend(0, ['HALTED']))
  const late = { expected: 0, controlRevision: 0, types: WHOLE_LIFE }
  expect(await store.appendDispatch(dispatchAppend(stream, late))).toMatchObject({
    outcome: 'stale',
  })
  await store.appendControl(controlAppend(1, ['DRY_RUN_ONLY']))
  await store.appendDispatch(dispatchAppend(stream, { expected: 3, controlRevision: 2 }))
  return stream
}

const marks = (events: readonly Recorded[]) => events.map((event) => event.void ?? false)
const OF_STREAM = [false, true, true, true, false]

async function collect(events: AsyncIterable<Recorded>): Promise<Recorded[]> {
  const all: Recorded[] = []
  for await (const event of events) all.push(event)
  return all
}

describe('void events', () => {
  it('are marked where a stream is loaded, whole or in part', async () => {
    const raw = fenced()
    const stream = await overtaken(raw)
    expect(marks((await markVoid(raw).load(stream)).events)).toEqual(OF_STREAM)
    expect(marks((await markVoid(raw).load(stream, 1)).events)).toEqual([true, true, false])
    expect(marks((await raw.load(stream)).events)).toEqual(OF_STREAM.map(() => false))
  })

  it('are marked in the log, wherever the reading begins', async () => {
    const raw = fenced()
    await overtaken(raw)
    const all = marks(await collect(markVoid(raw).read({ after: 0 })))
    expect(all.filter(Boolean)).toHaveLength(3)
    for (let after = 0; after < all.length; after++) {
      expect(marks(await collect(markVoid(raw).read({ after })))).toEqual(all.slice(after))
    }
  })

  it('are marked in the tail, those that come later, too', async () => {
    const raw = fenced()
    const stop = new AbortController()
    const seen: Recorded[] = []
    const following = (async () => {
      for await (const event of markVoid(raw).tail({ after: 0, signal: stop.signal })) {
        seen.push(event)
        if (seen.length === 8) stop.abort()
      }
    })()
    const stream = await overtaken(raw)
    await following
    expect(marks(seen.filter((event) => event.stream === stream))).toEqual(OF_STREAM)
  })

  it('are judged anew when another log stands where this one was', async () => {
    const logs = [fenced(), fenced()] as const
    let current: EventStore = logs[0]
    const store = markVoid<EventStore>({
      ...current,
      load: (...asked) => current.load(...asked),
      read: (range) => current.read(range),
    })
    const first = await overtaken(logs[0])
    expect(marks((await store.load(first)).events)).toEqual(OF_STREAM)
    const second = newStream()
    await logs[1].appendDispatch(dispatchAppend(second))
    await logs[1].appendControl(controlAppend(-1))
    await logs[1].appendControl(controlAppend(0))
    await logs[1].appendDispatch(
      dispatchAppend(second, { expected: 0, controlRevision: 1, types: ['PreflightPassed'] }),
    )
    current = logs[1]
    expect(marks((await store.load(second)).events)).toEqual([false, false])
    expect((await store.load(CONTROL_STREAM)).events).toHaveLength(2)
  })
})
