import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Recorded } from '../../domain/events.ts'
import { LedgerError } from '../../src/errors.ts'
import {
  createPostgresEventStore,
  type PostgresEventStore,
} from '../../src/stores/postgres/event-store.ts'
import { untilKnown } from '../../src/until-known.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { controlAppend, dispatchAppend, newStream, newStreams, WHOLE_LIFE } from './appends.ts'
import { collect, expectIncreasing } from './event-store.ts'

let database: TestDatabase
let store: PostgresEventStore
beforeEach(async () => {
  database = await createDatabase()
  store = createPostgresEventStore(database.runtimeUrl)
})
afterEach(async () => {
  await store.close()
  await database.drop()
})

describe('a store whose connections are killed', () => {
  it('serves the next calls by itself', async () => {
    await Promise.all(newStreams(20).map((stream) => store.load(stream)))
    await store.appendControl(controlAppend(-1))
    expect(await killConnections()).toBeGreaterThan(1)
    await until(async () => (await openConnections()) === 0)
    const append = dispatchAppend(newStream(), { controlRevision: 0 })
    expect(await store.appendDispatch(append)).toMatchObject({ outcome: 'appended' })
    expect((await store.load(append.stream)).events).toHaveLength(1)
    expect(await store.appendControl(controlAppend(0))).toMatchObject({ outcome: 'appended' })
    expect((await store.head()).control.revision).toBe(1)
    expect(await collect(store.read({ after: 0 }))).toHaveLength(3)
  })

  it('has every append once that its writers asked for until they knew', async () => {
    const commits = 40
    const reader = followPersistently(0)
    let appended = 0
    let killed = 0
    const write = async (stream: string): Promise<void> => {
      for (let n = 0, expected = -1; n < commits; n++) {
        const types = WHOLE_LIFE.slice(0, 1 + (n % 3))
        const append = dispatchAppend(stream, { expected, types })
        const { result } = await untilKnown(() => store.appendDispatch(append), 20_000)
        expect(result.outcome).toBe('appended')
        expected += types.length
        appended += 1
      }
    }
    const kill = async (): Promise<void> => {
      for (const goal of [40, 100, 160, 220]) {
        await until(() => appended >= goal)
        killed += await killConnections()
      }
    }
    const streams = newStreams(8)
    await Promise.all([kill(), ...streams.map(write)])
    expect(killed).toBeGreaterThan(4)
    const log = await collect(store.read({ after: 0 }))
    expectIncreasing(log.map((event) => event.position))
    for (const stream of streams) {
      const { events } = await store.load(stream)
      expect(events.map((event) => event.revision)).toEqual([...events.keys()])
      expect(new Set(events.map((event) => event.metadata.callId)).size).toBe(commits)
      expect(log.filter((event) => event.stream === stream)).toEqual(events)
    }
    await until(() => reader.seen.length >= log.length)
    await reader.end()
    expect(reader.seen).toEqual(log)
  })

  it('says of each call that was cut whether it may be recorded', async () => {
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
    const blocked = await lockTable('ledger.head')
    const cut = [store.appendDispatch(append), store.load(append.stream), store.head()]
    const failures = Promise.all(cut.map(failureOf))
    await until(async () => (await waitingForLocks()) === 3)
    await killConnections()
    const codes = (await failures).map(({ code, recorded }) => [code, recorded])
    await blocked.end()
    expect(codes).toEqual([
      ['store-unavailable', 'unknown'],
      ['store-unavailable', 'none'],
      ['store-unavailable', 'none'],
    ])
    expect(await store.appendDispatch(append)).toMatchObject({ outcome: 'appended' })
    expect((await store.load(append.stream)).events).toHaveLength(3)
  })

  it('is tailed without a missing or a repeated event by a reader that was cut', async () => {
    const stream = newStream()
    await store.appendDispatch(dispatchAppend(stream, { types: WHOLE_LIFE }))
    const reader = followPersistently(0)
    await until(() => reader.seen.length === 3)
    const blocked = await lockTable('ledger.commits')
    await until(async () => (await waitingForLocks()) > 0)
    await killConnections()
    await blocked.end()
    await untilKnown(() => store.appendDispatch(dispatchAppend(stream, { expected: 2 })), 20_000)
    await until(() => reader.seen.length >= 4)
    await until(async () => (await openConnections()) > 0)
    await killConnections()
    await untilKnown(() => store.appendDispatch(dispatchAppend(stream, { expected: 3 })), 20_000)
    await until(() => reader.seen.length >= 5)
    await reader.end()
    expect(reader.seen.map((event) => event.revision)).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a store that does not answer in time', () => {
  it('says unknown for an append and none for a load, and the append can be sent again', async () => {
    await store.appendControl(controlAppend(-1))
    const dispatch = dispatchAppend(newStream(), { controlRevision: 0, types: WHOLE_LIFE })
    const control = controlAppend(0)
    const blocked = await lockTable('ledger.head')
    const failures = await Promise.all([
      failureOf(store.appendDispatch(dispatch)),
      failureOf(store.appendControl(control)),
      failureOf(store.load(dispatch.stream)),
      failureOf(store.head()),
    ])
    await blocked.end()
    expect(failures.map((it) => it.recorded)).toEqual(['unknown', 'unknown', 'none', 'none'])
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'store-unavailable', cause: { code: '57014' } })
    }
    expect(await store.appendDispatch(dispatch)).toMatchObject({ outcome: 'appended' })
    expect(await store.appendControl(control)).toMatchObject({ outcome: 'appended' })
    expect(await collect(store.read({ after: 0 }))).toHaveLength(5)
  })
})

describe('a store that cannot be reached', () => {
  it('rejects every call with store-unavailable, and can be closed', async () => {
    const nowhere = createPostgresEventStore(await closedPort())
    const calls = [
      nowhere.appendDispatch(dispatchAppend(newStream())),
      nowhere.appendControl(controlAppend(-1)),
      nowhere.load(newStream()),
      nowhere.head(),
      collect(nowhere.read({ after: 0 })),
      collect(nowhere.tail({ after: 0, signal: AbortSignal.timeout(60_000) })),
    ]
    const failures = await Promise.all(calls.map(failureOf))
    expect(failures.map((it) => it.code)).toEqual(calls.map(() => 'store-unavailable'))
    const recorded = ['unknown', 'unknown', 'none', 'none', 'none', 'none']
    expect(failures.map((it) => it.recorded)).toEqual(recorded)
    await nowhere.close()
  })
})

const OURS = `from pg_stat_activity
  where datname = current_database() and application_name like 'dispatch-ledger%'`

async function killConnections(): Promise<number> {
  return (await database.query(`select pg_terminate_backend(pid) ${OURS}`)).length
}

async function openConnections(): Promise<number> {
  return (await database.query(`select pid ${OURS}`)).length
}

async function waitingForLocks(): Promise<number> {
  return (await database.query(`select pid ${OURS} and wait_event_type = 'Lock'`)).length
}

/** A session that nobody gets past at a table, until it ends. */
async function lockTable(table: string): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: database.ownerUrl })
  await session.connect()
  await session.query(`begin; lock table ${table} in access exclusive mode`)
  return session
}

/** A reader that starts again after the last event it saw when its tail was cut. */
function followPersistently(after: number) {
  const seen: Recorded[] = []
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const from = { after: seen.at(-1)?.position ?? after, signal: stop.signal }
      try {
        for await (const event of store.tail(from)) seen.push(event)
      } catch (error) {
        if ((error as LedgerError).code !== 'store-unavailable') throw error
      }
    }
  }
  const done = run()
  done.catch(() => undefined)
  return {
    seen,
    async end(): Promise<void> {
      stop.abort()
      await done
    },
  }
}

async function failureOf(call: Promise<unknown>): Promise<LedgerError> {
  const answer = await call.then(
    (value) => new Error(`answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  if (answer instanceof LedgerError) return answer
  throw answer
}

/** Nothing listens there: the port was free a moment ago. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  const port = typeof address === 'object' ? address?.port : undefined
  return `postgres://nobody@127.0.0.1:${port}/nothing`
}
