import { setTimeout as sleep } from 'node:timers/promises'
import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { until } from '../support/until.ts'
import {
  collect,
  listen,
  NOBODY,
  newEvent,
  newEvents,
  newStream,
  thrownBy,
} from './eventstoredb-calls.ts'
import { describeServerRules } from './eventstoredb-rules.ts'

let fake: FakeEventStoreDb
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
})
afterAll(() => fake.stop())

describeServerRules('the fake EventStoreDB', () => fake.url)

const realUrl = process.env['EVENTSTORE_URL']
if (realUrl !== undefined) describeServerRules('EventStoreDB', () => realUrl)

/** Type and text are those of the real server and client, as measured with 23.10.6. */
describe('the fake EventStoreDB: a fault', () => {
  let client: EventStoreDBClient
  beforeEach(() => {
    client = EventStoreDBClient.connectionString(fake.url)
  })
  afterEach(async () => {
    fake.heal()
    fake.clockAheadMs = 0
    fake.serverVersion = '23.10.6'
    await client.dispose()
  })

  const append = (stream = newStream(), events = newEvents(1)) =>
    client.appendToStream(stream, events, { expectedRevision: 'no_stream' })
  const read = (stream: string) => collect(client.readStream(stream))
  const RESET = { type: 'unavailable', message: '14 UNAVAILABLE: read ECONNRESET' }
  const REFUSED =
    /^14 UNAVAILABLE: No connection established\. Last error: Error: connect ECONNREFUSED/
  /** What has come of a call so far. */
  const watched = (call: Promise<unknown>) => {
    const seen = { outcome: null as unknown }
    void thrownBy(call).then((outcome) => (seen.outcome = outcome))
    return seen
  }

  it('that cuts connections fails what is under way; the client connects again', async () => {
    await append()
    const it = listen(client, 'end')
    await until(() => it.caughtUp > 0)
    fake.cutConnections()
    expect(await until(() => it.ended ?? undefined)).toEqual(RESET)
    await until(() => append())
  })

  it('that kills the server refuses connections, and loses nothing', async () => {
    const stream = newStream()
    const event = newEvent()
    await append(stream, [event])
    await fake.kill()
    const refusal = await until(async () => {
      const thrown = (await thrownBy(append())) as { type?: string; message: string }
      // Until the client has seen that its connection is gone.
      return thrown.type === 'unavailable' ? undefined : thrown
    })
    const readRefusal = await thrownBy(read(stream))
    await fake.revive()
    expect(readRefusal).toEqual({ type: 'unavailable', message: expect.stringMatching(REFUSED) })
    expect(refusal).toEqual({ type: undefined, message: expect.stringMatching(REFUSED) })
    const found = await until(() => read(stream))
    expect(found.map((it) => it.event?.id)).toEqual([event.id])
    await until(() => append())
  })

  it('that is silence answers nothing, then or later, and cuts nothing', async () => {
    await append()
    const stream = newStream()
    fake.beSilent()
    const before = { ...fake.counts }
    const calls = [watched(append(stream)), watched(read(stream))]
    await sleep(150)
    expect(calls).toEqual([{ outcome: null }, { outcome: null }])
    expect(fake.counts).toEqual(before)
    fake.heal()
    await append()
    expect(calls).toEqual([{ outcome: null }, { outcome: null }])
    expect(await thrownBy(read(stream))).toMatchObject({ type: 'stream-not-found' })
  })

  it('that is silence keeps subscriptions waiting, and they go on after it', async () => {
    const stream = newStream()
    const it = listen(client, 'end', `^${stream}$`)
    await until(() => it.caughtUp > 0)
    fake.beSilent()
    fake.appendForeign(stream, 2)
    await sleep(100)
    expect(it.ids).toEqual([])
    fake.heal()
    await until(() => it.ids.length === 2)
    await it.end()
  })

  it('that loses answers commits', async () => {
    const stream = newStream()
    const events = newEvents(2)
    fake.loseAnswers()
    const thrown = await thrownBy(append(stream, events))
    fake.heal()
    expect(thrown).toEqual(RESET)
    expect(await until(() => read(stream))).toHaveLength(2)
    expect(await append(stream, events)).toMatchObject({ success: true, nextExpectedRevision: 1n })
  })

  it('that is a server not ready is told in text to appends, in type to others', async () => {
    fake.beNotReady()
    const message = 'Could not recognize Server Is Not Ready'
    expect(await thrownBy(append())).toEqual({ type: 'unknown', message })
    const others = { type: 'unavailable', message: '14 UNAVAILABLE: Server Is Not Ready' }
    expect(await thrownBy(read(newStream()))).toEqual(others)
    const it = listen(client, 'start')
    expect(await until(() => it.ended ?? undefined)).toEqual(others)
  })

  it('that drops a racing duplicate tells it of a deadline; a later one is known', async () => {
    fake.dropRacingDuplicates(200, 50)
    const stream = newStream()
    const events = newEvents(1)
    const first = await append(stream, events)
    const sentMs = performance.now()
    const duplicate = await thrownBy(append(stream, events))
    expect(duplicate).toEqual({ type: 'deadline-exceeded', message: '' })
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(49)
    await sleep(250)
    expect(await append(stream, events)).toEqual(first)
    expect(await read(stream)).toHaveLength(1)
  })

  it('that drops a racing duplicate in a call of its own is a timeout', async () => {
    fake.dropRacingDuplicates(10_000, 1)
    const stream = newStream()
    const events = newEvents(1)
    await append(stream, events)
    const options = { expectedRevision: 'no_stream', credentials: NOBODY } as const
    const message = '10 ABORTED: Operation timed out: Commit phase timeout.'
    const duplicate = await thrownBy(client.appendToStream(stream, events, options))
    expect(duplicate).toEqual({ type: 'timeout', message })
  })

  it('that is a subscription cut says that its consumer was too slow', async () => {
    const it = listen(client, 'end')
    await until(() => it.caughtUp > 0)
    fake.cutSubscriptions()
    expect(await until(() => it.ended ?? undefined)).toEqual({
      type: 'timeout',
      message:
        '10 ABORTED: Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
    })
    await append()
  })

  it('that is a clock ahead of ours fails appends at once beyond their deadline', async () => {
    fake.clockAheadMs = 9_000
    expect(await append()).toMatchObject({ success: true })
    fake.clockAheadMs = 11_000
    const stream = newStream()
    const late = { type: 'deadline-exceeded', message: '' }
    expect(await thrownBy(append(stream))).toEqual(late)
    expect(await thrownBy(read(stream))).toMatchObject({ type: 'stream-not-found' })
    const options = { expectedRevision: 'no_stream', credentials: NOBODY } as const
    const alone = await client.appendToStream(stream, newEvent(), options)
    expect(alone).toMatchObject({ success: true })
  })

  it('is none: events of others, its version and its counts', async () => {
    fake.serverVersion = '22.10.5'
    const capabilities = await (client as unknown as { capabilities: Promise<unknown> })
      .capabilities
    expect(capabilities).toMatchObject({ serverVersion: '22.10.5' })
    const [stream, before] = [newStream(), { ...fake.counts }]
    fake.appendForeign(stream, 3)
    expect(await read(stream)).toHaveLength(3)
    await append()
    const it = listen(client, 'end')
    await until(() => it.caughtUp > 0)
    await it.end()
    const { appends, reads, subscriptions } = before
    expect(fake.counts).toEqual({
      appends: appends + 1,
      reads: reads + 1,
      subscriptions: subscriptions + 1,
    })
  })
})
