import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EventStore } from '../../src/ports.ts'
import { createEventStoreDb, type EventStoreDb } from '../../src/stores/eventstoredb/event-store.ts'
import { markVoid } from '../../src/stores/mark-void.ts'
import { untilKnown } from '../../src/until-known.ts'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { newPrefix } from '../support/ledger.ts'
import { until } from '../support/until.ts'
import { controlAppend, dispatchAppend, newStream, newStreams, WHOLE_LIFE } from './appends.ts'
import { collect, expectIncreasing, follow } from './event-store.ts'

/** What the real server and its package were seen to do, each with what the store makes of it. */
let fake: FakeEventStoreDb
let prefix: string
let store: EventStoreDb
const unhandled: unknown[] = []
const note = (reason: unknown): unknown => unhandled.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', note)
  fake = await startFakeEventStoreDb()
})
afterAll(async () => {
  await fake.stop()
  process.off('unhandledRejection', note)
})
beforeEach(() => {
  prefix = newPrefix()
  store = createEventStoreDb({ url: fake.url, prefix })
})
afterEach(async () => {
  fake.heal()
  await store.close()
  expect(unhandled).toEqual([])
})

const all = (from: Pick<EventStore, 'read'> = store) => collect(from.read({ after: 0 }))
const another = (): EventStoreDb => createEventStoreDb({ url: fake.url, prefix })
const LEFT_MS = 20_000

describe('an append', () => {
  it('whose answer was lost is unknown, and is in once when it is sent again', async () => {
    const appends = newStreams(10).map((stream) => dispatchAppend(stream, { types: WHOLE_LIFE }))
    await store.head()
    fake.loseAnswers()
    const lost = await Promise.allSettled(appends.map((it) => store.appendDispatch(it)))
    expect(lost).toEqual(
      appends.map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'store-unavailable', recorded: 'unknown' }),
      })),
    )
    fake.heal()
    const again = await Promise.all(
      appends.map((it) => untilKnown(() => store.appendDispatch(it), LEFT_MS)),
    )
    const log = await all()
    expect(log).toHaveLength(30)
    for (const [index, { result }] of again.entries()) {
      const last = log.findLast((event) => event.stream === appends[index]?.stream)
      const { position, recordedAt } = last ?? {}
      expect(result).toEqual({ outcome: 'appended', position, recordedAt })
    }
  })

  it('that a server lets wait is given up by our own clock, and the store goes on by itself', async () => {
    await store.appendDispatch(dispatchAppend(newStream()))
    fake.beSilent()
    const waiting = dispatchAppend(newStream())
    const startMs = performance.now()
    await expect(store.appendDispatch(waiting)).rejects.toMatchObject({ recorded: 'unknown' })
    expect(performance.now() - startMs).toBeLessThan(9_000)
    fake.heal()
    const { result } = await untilKnown(() => store.appendDispatch(waiting), LEFT_MS)
    expect(result.outcome).toBe('appended')
    expect(await all()).toHaveLength(2)
  }, 40_000)

  it('goes on after a server that was killed, without a new store', async () => {
    const appends = newStreams(20).map((stream) => dispatchAppend(stream))
    await store.appendDispatch(dispatchAppend(newStream()))
    await fake.kill()
    const down = await Promise.allSettled(appends.map((it) => store.appendDispatch(it)))
    expect(down.map((it) => it.status)).toEqual(appends.map(() => 'rejected'))
    await fake.revive()
    const known = await Promise.all(
      appends.map((it) => untilKnown(() => store.appendDispatch(it), LEFT_MS)),
    )
    expect(known.map(({ result }) => result.outcome)).toEqual(appends.map(() => 'appended'))
    expect(await all()).toHaveLength(21)
  }, 40_000)

  it('to a server that is not ready is unknown, and goes in once it is', async () => {
    await store.appendDispatch(dispatchAppend(newStream()))
    fake.beNotReady()
    const append = dispatchAppend(newStream())
    await expect(store.appendDispatch(append)).rejects.toMatchObject({
      code: 'store-unavailable',
      recorded: 'unknown',
    })
    fake.heal()
    const { result } = await untilKnown(() => store.appendDispatch(append), LEFT_MS)
    expect(result.outcome).toBe('appended')
  }, 40_000)

  it('that is told of a timeout, as racing duplicates are, is unknown and then known', async () => {
    fake.dropRacingDuplicates(60_000, 500)
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
    const startMs = performance.now()
    const sent = [store.appendDispatch(append), store.appendDispatch(append)]
    expect((await Promise.race(sent)).outcome).toBe('appended')
    expect(performance.now() - startMs).toBeLessThan(1_000)
    // Its duplicate comes after it, and is told of a timeout, as the server does it.
    const outcomes = await Promise.allSettled(sent)
    expect(outcomes.map((it) => it.status)).toEqual(['fulfilled', 'rejected'])
    fake.heal()
    const { result } = await untilKnown(() => store.appendDispatch(append), LEFT_MS)
    expect(result.outcome).toBe('appended')
    expect(await all()).toHaveLength(3)
  })

  it('that is too large is refused for good, and its neighbours go in', async () => {
    const output = { text: 'x'.repeat(1_200_000) }
    const large = dispatchAppend(newStream(), { types: ['DryRunRecorded'], output })
    const neighbours = newStreams(5).map((it) => store.appendDispatch(dispatchAppend(it)))
    await expect(store.appendDispatch(large)).rejects.toMatchObject({
      recorded: 'none',
      message: 'EventStoreDB takes no append of this size',
    })
    const outcomes = (await Promise.all(neighbours)).map((it) => it.outcome)
    expect(outcomes).toEqual(['appended', 'appended', 'appended', 'appended', 'appended'])
  })

  it('by a clock that is far behind the server writes nothing and says why', async () => {
    fake.clockAheadMs = 15_000
    try {
      await expect(store.appendDispatch(dispatchAppend(newStream()))).rejects.toMatchObject({
        code: 'store-unavailable',
        message: expect.stringContaining('clock'),
      })
      expect(await all()).toEqual([])
    } finally {
      fake.clockAheadMs = 0
    }
  })

  it('with ids that are in and another body is no success: the server compares ids alone', async () => {
    const append = dispatchAppend(newStream(), { controlRevision: -1 })
    const { stream, callId } = append
    await store.appendDispatch(append)
    const other = dispatchAppend(stream, { callId })
    const [event] = other.events
    const changed = { ...event, data: { ...event?.data, mode: 'PLAN_ONLY' } }
    const answer = await store.appendDispatch({ ...other, events: [changed] } as typeof other)
    expect(answer).toEqual({ outcome: 'conflict', revision: 0 })
  })
})

describe('a stream that an administrator deleted', () => {
  it('is no new one: what was in there is missed, and nothing is said to be well', async () => {
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
    await store.appendDispatch(append)
    const admin = EventStoreDBClient.connectionString(fake.url)
    await admin.deleteStream(`${prefix}${append.stream}`)
    await admin.dispose()
    const lost = { code: 'gate-indeterminate', message: `Events of ${append.stream} were deleted` }
    await expect(store.appendDispatch(append)).rejects.toMatchObject(lost)
    await expect(store.appendDispatch(dispatchAppend(append.stream))).rejects.toMatchObject(lost)
    await expect(store.load(append.stream)).rejects.toMatchObject({ code: 'gate-indeterminate' })
    const { reads } = fake.counts
    await store.appendDispatch(dispatchAppend(newStream()))
    expect(fake.counts.reads).toBe(reads + 1)
  })
})

describe('the fence', () => {
  it('calls stale what a control event of another process overtook, and marks it void', async () => {
    const other = another()
    await store.load(newStream())
    await other.appendControl(controlAppend(-1, ['HALTED']))
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
    const stale = { outcome: 'stale', controlRevision: 0 }
    expect(await store.appendDispatch(append)).toEqual(stale)
    expect(await store.appendDispatch(append)).toEqual(stale)
    const marked = markVoid(store)
    expect((await marked.load(append.stream)).events.map((it) => it.void)).toEqual([
      true,
      true,
      true,
    ])
    expect((await all(marked)).map((it) => it.void ?? false)).toEqual([false, true, true, true])
    await other.close()
  })

  it('lets pass what stands before the control event, whenever its answer is asked for', async () => {
    const other = another()
    const append = dispatchAppend(newStream())
    const first = await store.appendDispatch(append)
    await other.appendControl(controlAppend(-1))
    expect(await store.appendDispatch(append)).toEqual(first)
    expect((await all(markVoid(store))).map((it) => it.void)).toEqual([undefined, undefined])
    await other.close()
  })

  it('asks the server once for a herd of appends to one stream, of which one can go in', async () => {
    const stream = newStream()
    const { appends } = fake.counts
    const herd = Array.from({ length: 100 }, () => store.appendDispatch(dispatchAppend(stream)))
    const answers = await Promise.all(herd)
    expect(answers.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1)
    expect(answers.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(99)
    expect(answers).toContainEqual({ outcome: 'conflict', revision: 0 })
    expect(fake.counts.appends).toBe(appends + 1)
    // Nothing of it is kept: the next append is asked as any other.
    expect(await store.appendDispatch(dispatchAppend(stream))).toMatchObject({ revision: 0 })
    expect(fake.counts.appends).toBe(appends + 2)
  })

  it('sends nothing that is known to be overtaken', async () => {
    await store.appendControl(controlAppend(-1))
    const { appends } = fake.counts
    const answer = await store.appendDispatch(dispatchAppend(newStream()))
    expect(answer).toEqual({ outcome: 'stale', controlRevision: 0 })
    expect(fake.counts.appends).toBe(appends)
  })
})

describe('the clients of one process', () => {
  it('share the one that appends: a store that closes leaves the others at work', async () => {
    const [a, b] = [another(), another()]
    await a.appendDispatch(dispatchAppend(newStream()))
    const appending = newStreams(30).map((it) => b.appendDispatch(dispatchAppend(it)))
    await a.close()
    expect((await Promise.all(appending)).every((it) => it.outcome === 'appended')).toBe(true)
    await b.close()
  })

  it('never append to two servers: each would end the appends of the other', async () => {
    const second = await startFakeEventStoreDb()
    const elsewhere = createEventStoreDb({ url: second.url, prefix })
    await store.appendDispatch(dispatchAppend(newStream()))
    await expect(elsewhere.appendDispatch(dispatchAppend(newStream()))).rejects.toThrow(
      /appends to another EventStoreDB already/,
    )
    expect((await elsewhere.head()).position).toBe(0)
    await elsewhere.close()
    await second.stop()
  })

  it('outlive cut connections with many appends under way', async () => {
    const appends = newStreams(60).map((stream) => dispatchAppend(stream))
    const sending = appends.map((it) => untilKnown(() => store.appendDispatch(it), LEFT_MS))
    await until(() => fake.counts.appends > 0)
    fake.cutConnections()
    const known = await Promise.all(sending)
    expect(known.map(({ result }) => result.outcome)).toEqual(appends.map(() => 'appended'))
    expect(await all()).toHaveLength(60)
  }, 40_000)
})

describe('the log', () => {
  it('shows a follower every event once when its subscription is cut again and again', async () => {
    const tailing = follow(store, 0)
    for (let n = 1; n <= 12; n++) {
      await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
      if (n % 3 === 0) fake.cutSubscriptions()
    }
    await until(() => tailing.seen.length >= 36)
    await tailing.end()
    expect(tailing.seen).toEqual(await all())
    expectIncreasing(tailing.seen.map((it) => it.position))
  })

  it('tells a follower when the server is gone, and not that all is well', async () => {
    await store.appendDispatch(dispatchAppend(newStream()))
    const tailing = follow(store, 0)
    await until(() => tailing.seen.length === 1)
    await fake.kill()
    await expect(tailing.end()).resolves.toBeUndefined()
    await expect(collect(store.read({ after: 0 }))).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    await fake.revive()
    await until(async () => (await all().catch(() => [])).length === 1)
  }, 40_000)

  it('passes by what others have in the server', async () => {
    fake.appendForeign('$stats-127.0.0.1:2113', 40)
    await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
    fake.appendForeign(`x${prefix}dispatch-00000000-0000-4000-8000-000000000000`, 5)
    fake.appendForeign(`${prefix}dispatch-no-uuid`, 40)
    const log = await all()
    expect(log).toHaveLength(3)
    expect(await store.head()).toMatchObject({ position: log[2]?.position })
    fake.appendForeign('orders-1', 40)
    expect(await store.head()).toMatchObject({ position: log[2]?.position })
  })

  it('has its tip behind thousands of foreign events, for a process that comes new, too', async () => {
    expect((await store.head()).position).toBe(0)
    await store.appendControl(controlAppend(-1))
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE, controlRevision: 0 })
    const answer = await store.appendDispatch(append)
    fake.appendForeign('orders-1', 3_000)
    const { outcome: _, ...tip } = answer as Extract<typeof answer, { outcome: 'appended' }>
    for (const log of [store, another(), another()]) {
      const heads = await Promise.all([log.head(), log.head()])
      expect(heads).toMatchObject([tip, tip])
      if (log !== store) await log.close()
    }
  })

  it('of a server that tells no positions is not read', async () => {
    const append = dispatchAppend(newStream())
    await store.appendDispatch(append)
    fake.serverVersion = '21.10.11'
    const later = another()
    await expect(later.load(append.stream)).rejects.toMatchObject({
      code: 'not-ready',
      message: 'EventStoreDB tells no positions: it must be 22.6 or newer',
    })
    fake.serverVersion = '23.10.6'
    await later.close()
  })

  it('can be read after any number, be it a place in the log or not', async () => {
    await store.appendControl(controlAppend(-1))
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE, controlRevision: 0 })
    await store.appendDispatch(append)
    const log = await all()
    expect(log).toHaveLength(4)
    const at = log[1]?.position ?? 0
    for (const after of [at - 1, at + 1, at + 7]) {
      const rest = log.filter((it) => it.position > after)
      expect(await collect(store.read({ after }))).toEqual(rest)
    }
    expect(await collect(store.read({ after: at - 1, until: at }))).toEqual([log[1]])
    expect(await collect(store.read({ after: at, until: at + 1 }))).toEqual([])
    expect(await collect(store.read({ after: (log[3]?.position ?? 0) + 1_000_000 }))).toEqual([])
  })
})
