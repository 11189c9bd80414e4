import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  type EventData,
  EventStoreDBClient,
  type Position,
  streamNameFilter,
} from '@eventstore/db-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { until } from '../support/until.ts'
import {
  callsOf,
  collect,
  ids,
  idsOf,
  NOBODY,
  newEvent,
  newEvents,
  newStream,
  position,
  thrownBy,
} from './eventstoredb-calls.ts'

let fake: FakeEventStoreDb
let url = ''
let client: EventStoreDBClient
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
})
afterAll(() => fake.stop())
beforeEach(() => {
  client = EventStoreDBClient.connectionString(url)
})
afterEach(async () => {
  vi.useRealTimers()
  fake.heal()
  await client.dispose()
})

const { append, read, readAll, written } = callsOf(() => client)
const ALONE = { expectedRevision: 'no_stream', credentials: NOBODY } as const
const LATE = { type: 'deadline-exceeded', message: '' }

const realUrl = process.env['EVENTSTORE_URL']
const servers = realUrl === undefined ? ['a fake'] : ['a fake', 'EventStoreDB']

/** What the package makes of a sound server, for which the adapter has something instead. */
describe.each(servers)('the client of %s', (server) => {
  beforeAll(() => {
    url = server === 'a fake' ? fake.url : (realUrl ?? '')
  })

  it('tells 1 of every conflict that it does not throw, wherever the stream ends', async () => {
    const { stream } = await written(5)
    const parameter = 'throwOnAppendFailure=false'
    const mild = EventStoreDBClient.connectionString(`${url}&${parameter}`)
    const options = { expectedRevision: 'no_stream' } as const
    const result = await mild.appendToStream(stream, newEvents(1), options)
    await mild.dispose()
    expect(result).toEqual({ success: false, nextExpectedRevision: 1n, position: undefined })
  })

  it('fails in its own code at a revision below 0', async () => {
    const message = expect.stringContaining("Cannot read properties of null (reading 'lo')")
    expect(await thrownBy(append(newStream(), newEvents(1), -1n))).toEqual({
      type: 'unknown',
      message,
    })
  })

  it('says how far a subscription is before that was handed out', async () => {
    const { stream, stored } = await written(5)
    const told: (Position | 'caught up')[] = []
    const filter = streamNameFilter({
      prefixes: [stream],
      maxSearchWindow: 1,
      checkpointInterval: 1,
      checkpointReached: async (_, at) => void told.push(at),
    })
    const subscription = client.subscribeToAll({ fromPosition: 'start', filter })
    subscription.on('caughtUp', () => told.push('caught up'))
    const events = subscription[Symbol.asyncIterator]()
    const first = await events.next()
    // The other four are not asked for.
    await until(() => told.includes('caught up'))
    await subscription.unsubscribe()
    expect(first.value?.event?.revision).toBe(0n)
    expect(told.at(-1)).toBe('caught up')
    const last = told.findLast((it) => it !== 'caught up') as Position
    expect(last.commit).toBeGreaterThan(position(stored[0]))
  })

  it('gives the streams of some prefixes, and no others', async () => {
    const [a, b, c] = [newStream(), newStream(), newStream()]
    const { nextExpectedRevision } = await append(a, newEvents(2), 'no_stream')
    await append(b, newEvents(1), 'no_stream')
    await append(`${c}-longer`, newEvents(1), 'no_stream')
    const filter = streamNameFilter({ prefixes: [a, c] })
    const subscription = client.subscribeToAll({ fromPosition: 'start', filter })
    const streams: (string | undefined)[] = []
    subscription.on('data', ({ event }) => streams.push(event?.streamId))
    await until(() => streams.length === 3)
    await subscription.unsubscribe()
    expect([nextExpectedRevision, streams]).toEqual([1n, [a, a, `${c}-longer`]])
  })

  it('sends a deadline as a time of day: 15 s behind nothing goes in, 9 s behind it does', async () => {
    await append(newStream(), newEvents(1), 'no_stream')
    const stream = newStream()
    const behind = (ms: number): void => {
      // The fake has the clock of this process.
      if (server === 'a fake') fake.clockAheadMs = ms
      else vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - ms })
    }
    behind(15_000)
    const late = await thrownBy(append(stream, newEvents(1), 'no_stream'))
    const alone = await client.appendToStream(newStream(), newEvents(1), ALONE)
    vi.useRealTimers()
    behind(9_000)
    const inTime = await append(newStream(), newEvents(1), 'no_stream')
    vi.useRealTimers()
    fake.clockAheadMs = 0
    expect([late, alone.success, inTime.success]).toEqual([LATE, true, true])
    expect(await thrownBy(read(stream))).toMatchObject({ type: 'stream-not-found' })
  })

  it('that sends the same at once stores it once, and may be told of a time-out instead', async () => {
    const stream = newStream()
    const events = newEvents(2)
    const racing = [1, 2, 3].flatMap(() => [
      append(stream, events, 'no_stream'),
      client.appendToStream(stream, events, ALONE),
    ])
    const settled = await Promise.allSettled(racing)
    const won = settled.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
    const lost = settled.flatMap((it) => (it.status === 'rejected' ? [it.reason.type] : []))
    expect(won.length).toBeGreaterThan(0)
    expect(won.map((it) => it.position)).toEqual(won.map(() => won[0]?.position))
    expect(lost.filter((it) => it !== 'deadline-exceeded' && it !== 'timeout')).toEqual([])
    expect(idsOf(await read(stream))).toEqual(ids(events))
    expect((await append(stream, events, 'no_stream')).position).toEqual(won[0]?.position)
  })

  it('can hide events of a stream by its metadata, and none of the log', async () => {
    const { stream, stored, events } = await written(3)
    await client.setStreamMetadata(stream, { maxCount: 1 })
    expect(idsOf(await read(stream))).toEqual(ids(events).slice(2))
    await client.setStreamMetadata(stream, { truncateBefore: 1 })
    expect(idsOf(await read(stream))).toEqual(ids(events).slice(1))
    const fromPosition = stored[0]?.event?.position ?? 'start'
    const log = (await readAll({ fromPosition })).filter(({ event }) => event?.streamId === stream)
    expect(idsOf(log)).toEqual(ids(events))
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ truncateBefore: 1 })
  })

  it.each<[string, Partial<EventData>]>([
    ['an id that is none', { id: 'nonsense' }],
    ['the id of zeros', { id: '00000000-0000-0000-0000-000000000000' }],
    ['no type', { type: '' }],
  ])('is told in text alone of an event with %s', async (_, wrong) => {
    const event = { ...newEvent(), ...wrong } as EventData
    const message = 'Could not recognize BadRequest'
    const batched = await thrownBy(append(newStream(), [event], 'no_stream'))
    expect(batched).toEqual({ type: 'unknown', message })
    const alone = await thrownBy(client.appendToStream(newStream(), [event], ALONE))
    expect(alone).toEqual({
      type: 'unknown',
      message: '2 UNKNOWN: Exception was thrown by handler.',
    })
  })

  it('reads ids in small letters, however they were written', async () => {
    const stream = newStream()
    const id = randomUUID()
    const result = await append(stream, [newEvent(id.toUpperCase())], 'no_stream')
    expect(idsOf(await read(stream))).toEqual([id])
    expect(await append(stream, [newEvent(id)], 'no_stream')).toEqual(result)
  })
})

/** Appends of `stay` when a second appending client of its process, that does nothing, is disposed. */
const TWO_CLIENTS = `
const { parentPort, workerData: { url, streams } } = require('node:worker_threads')
const { EventStoreDBClient, jsonEvent } = require('@eventstore/db-client')
const [stay, leave] = [1, 2].map(() => EventStoreDBClient.connectionString(url))
const options = { expectedRevision: 'no_stream' }
const append = (client, stream) => client.appendToStream(stream, jsonEvent({ type: 'T', data: {} }), options)
const tell = (what) => (it) => parentPort.postMessage([what, it?.type ?? it?.message ?? 'done'])
process.on('uncaughtException', tell('uncaught'))
process.on('unhandledRejection', tell('uncaught'))
const steps = {
  connect: () => Promise.all([append(stay, streams[0]), append(leave, streams[1])]),
  append: () => append(stay, streams[2]),
  dispose: () => leave.dispose(),
  again: () => append(stay, streams[3]),
  read: async () => { for await (const _ of stay.readStream(streams[0])) break },
}
parentPort.on('message', (step) => steps[step]().then(tell(step), tell(step)))
`

describe('the client of a fake', () => {
  beforeAll(() => {
    url = fake.url
  })

  it('waits for ever where nothing is answered, whatever the deadline of the append', async () => {
    await append(newStream(), newEvents(1), 'no_stream')
    fake.beSilent()
    const options = { expectedRevision: 'no_stream', deadline: 100 } as const
    let settled = 'not yet'
    const waiting = client.appendToStream(newStream(), newEvents(1), options)
    void thrownBy(waiting).then((it) => (settled = JSON.stringify(it)))
    await sleep(400)
    expect(settled).toBe('not yet')
    const alone = client.appendToStream(newStream(), newEvents(1), { ...ALONE, deadline: 100 })
    expect(await thrownBy(alone)).toEqual({
      type: 'deadline-exceeded',
      message: expect.stringMatching(/^4 DEADLINE_EXCEEDED: Deadline exceeded after \d/),
    })
  })

  it('is told of its deadline by a server that was stopped for longer, and nothing went in', async () => {
    await append(newStream(), newEvents(1), 'no_stream')
    const [a, b] = [newStream(), newStream()]
    fake.beSilent()
    const options = { expectedRevision: 'no_stream' } as const
    const short = thrownBy(client.appendToStream(a, newEvents(1), { ...options, deadline: 50 }))
    const long = client.appendToStream(b, newEvents(1), options)
    await sleep(150)
    fake.heal('taken-up')
    expect(await short).toEqual(LATE)
    expect((await long).success).toBe(true)
    expect(await thrownBy(read(a))).toMatchObject({ type: 'stream-not-found' })
  })

  it('hears of an append later than everybody else', async () => {
    const stream = newStream()
    const events = newEvents(1)
    const reader = EventStoreDBClient.connectionString(url)
    await append(newStream(), newEvents(1), 'no_stream')
    fake.answerLate(300)
    let settled = 0
    const appending = append(stream, events, 'no_stream').finally(
      () => (settled = performance.now()),
    )
    await sleep(100)
    fake.answerLate(0)
    const found = await collect(reader.readStream(stream))
    const readMs = performance.now()
    await appending
    await reader.dispose()
    expect(idsOf(found)).toEqual(ids(events))
    expect(settled).toBeGreaterThan(readMs)
  })

  it('takes no position of an old server for a very large one', async () => {
    const { stream } = await written(1)
    fake.serverVersion = '21.10.11'
    const [found] = await read(stream)
    const [inLog] = await readAll({ fromPosition: 'end', direction: 'backwards', maxCount: 1 })
    fake.serverVersion = '23.10.6'
    const nowhere = 18_446_744_073_709_551_615n
    expect(found?.event?.position).toEqual({ commit: nowhere, prepare: nowhere })
    expect(found?.commitPosition).toBeUndefined()
    expect(position(inLog)).toBeLessThan(nowhere)
  })

  it('ends the appends of every other in its process, and leaves them without answers', async () => {
    const streams = [1, 2, 3, 4].map(newStream)
    const worker = new Worker(TWO_CLIENTS, { eval: true, workerData: { url, streams } })
    const told = new Map<string, string>()
    worker.on('message', ([what, it]: [string, string]) => told.set(what, it))
    const answerTo = (step: string) => until(() => told.get(step), { what: step })
    const ask = (step: string): Promise<string> => {
      worker.postMessage(step)
      return answerTo(step)
    }
    try {
      expect(await ask('connect')).toBe('done')
      fake.answerLate(300)
      const { appends } = fake.counts
      worker.postMessage('append')
      await until(() => fake.counts.appends > appends)
      expect(await ask('dispose')).toBe('done')
      expect(await answerTo('append')).toBe('unknown')
      // The answer comes, and nobody waits for it any more.
      expect(await answerTo('uncaught')).toBe(
        'undefined is not iterable (cannot read property Symbol(Symbol.iterator))',
      )
      fake.heal()
      worker.postMessage('again')
      expect(await until(() => read(streams[3] ?? ''))).toHaveLength(1)
      expect(await ask('read')).toBe('done')
      expect(told.get('again')).toBeUndefined()
    } finally {
      await worker.terminate()
    }
  })
})
