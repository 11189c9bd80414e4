import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DispatchEvent, SwitchState } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import type { EventStore } from '../../src/ports.ts'
import {
  createPostgresEventStore,
  type PostgresEventStore,
} from '../../src/stores/postgres/event-store.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { until } from '../support/until.ts'
import { controlAppend, dispatchAppend, newStream, newStreams, WHOLE_LIFE } from './appends.ts'
import { collect, describeEventStore, follow } from './event-store.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

describeEventStore('Postgres', async () => {
  await empty()
  const store = createPostgresEventStore(database.runtimeUrl)
  return { store, close: () => store.close() }
})

describe('Postgres and the memory model', () => {
  let postgres: PostgresEventStore
  beforeAll(async () => {
    await empty()
    postgres = createPostgresEventStore(database.runtimeUrl)
  })
  afterAll(() => postgres.close())

  it('answer every sequence of appends alike and end with the same log', async () => {
    const model = createMemoryEventStore()
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 5, maxLength: 15 }), async (moves) => {
        const streams = newStreams(2)
        const { position } = await model.head()
        for (const next of moves) {
          const send = await sending(model, streams, next)
          expect(withoutTime(await send(postgres))).toEqual(withoutTime(await send(model)))
        }
        expect(withoutTime(await postgres.head())).toEqual(withoutTime(await model.head()))
        const logs = [postgres, model].map((store) => collect(store.read({ after: position })))
        const [ours, theirs] = await Promise.all(logs)
        expect(ours?.map(withoutTime)).toEqual(theirs?.map(withoutTime))
      }),
      { numRuns: 40 },
    )
  })
})

describe('Postgres', () => {
  it('knows an append by its call and its place: within a longer one it is another', async () => {
    await empty()
    const store = createPostgresEventStore(database.runtimeUrl)
    const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
    const { stream, callId } = append
    await store.appendDispatch(append)
    const inside = dispatchAppend(stream, { expected: 0, types: ['PreflightPassed'], callId })
    expect(await store.appendDispatch(inside)).toEqual({ outcome: 'conflict', revision: 2 })
    await store.close()
  })

  it('never lets the recorded time go back, however many write', async () => {
    await empty()
    const store = createPostgresEventStore(database.runtimeUrl)
    await Promise.all(newStreams(200).map((it) => store.appendDispatch(dispatchAppend(it))))
    const recordedAt = (await collect(store.read({ after: 0 }))).map((it) => it.recordedAt)
    await store.close()
    expect(recordedAt).toHaveLength(200)
    expect(recordedAt.toSorted()).toEqual(recordedAt)
  })
})

describe('a statement of many appends', () => {
  it('that fails on the data of one is repeated one by one: only that one fails', async () => {
    await empty()
    const store = createPostgresEventStore(database.runtimeUrl)
    try {
      const streams = newStreams(20)
      const settled = await Promise.allSettled(
        streams.map((stream, index) => {
          const expected = index === 7 ? 2 ** 31 - 1 : -1
          return store.appendDispatch(dispatchAppend(stream, { expected }))
        }),
      )
      const failed = settled.flatMap((it, index) => (it.status === 'rejected' ? [index] : []))
      expect(failed).toEqual([7])
      expect(settled[7]).toMatchObject({ reason: { code: 'store-unavailable' } })
      const { position } = await store.head()
      expect(position).toBe(19)
    } finally {
      await store.close()
    }
  })

  it('takes far fewer transactions than appends', async () => {
    await empty()
    const store = createPostgresEventStore(database.runtimeUrl)
    try {
      const before = await transactionId()
      await Promise.all(newStreams(200).map((it) => store.appendDispatch(dispatchAppend(it))))
      expect((await transactionId()) - before).toBeLessThan(20)
    } finally {
      await store.close()
    }
  })
})

const transactionId = async (): Promise<number> => {
  const rows = await database.query<{ id: string }>('select pg_current_xact_id()::text as id')
  return Number(rows[0]?.id)
}

describe('the tail of Postgres', () => {
  it('hears of an append sooner than it would look by itself', async () => {
    await empty()
    const store = createPostgresEventStore(database.runtimeUrl)
    const tailing = follow(store, 0)
    const startMs = performance.now()
    for (let n = 1; n <= 12; n++) {
      await store.appendDispatch(dispatchAppend(newStream()))
      await until(() => tailing.seen.length === n)
    }
    const elapsedMs = performance.now() - startMs
    await tailing.end()
    await store.close()
    // Twelve looks, 500 ms apart, would take twice as long.
    expect(elapsedMs).toBeLessThan(3_000)
  })
})

describe('an append to control in Postgres', () => {
  it('does not wait behind the appends that are queued', async () => {
    await empty()
    const store = createPostgresEventStore(database.runtimeUrl)
    await store.appendControl(controlAppend(-1))
    let settled = 0
    const queued = newStreams(1_000).map(async (stream) => {
      const { outcome } = await store.appendDispatch(dispatchAppend(stream, { controlRevision: 0 }))
      settled += 1
      return outcome
    })
    expect(await store.appendControl(controlAppend(0))).toMatchObject({ outcome: 'appended' })
    const settledBefore = settled
    const outcomes = await Promise.all(queued)
    await store.close()
    expect(settledBefore).toBeLessThan(500)
    expect(outcomes.filter((it) => it === 'stale').length).toBeGreaterThan(500)
  })
})

/** One append, and how far it is from where the log stands. Two calls in all: some are repeated. */
type Move = Readonly<{
  stream: 0 | 1 | 'control'
  expectedOff: number
  controlOff: number
  callId: string
  types: readonly DispatchEvent['type'][]
  states: readonly SwitchState[]
}>
const move: fc.Arbitrary<Move> = fc.record({
  stream: fc.constantFrom<Move['stream']>(0, 1, 'control'),
  expectedOff: fc.constantFrom(0, 0, 0, -1, -2, 1),
  controlOff: fc.constantFrom(0, 0, 0, -1, 1),
  callId: fc.constantFrom(
    '4e8a8c0f-1d0b-4a3e-9a54-0d8f6a3b5c01',
    '4e8a8c0f-1d0b-4a3e-9a54-0d8f6a3b5c02',
  ),
  types: fc.constantFrom<Move['types']>(
    WHOLE_LIFE,
    ['Planned'],
    ['Refused'],
    ['Planned', 'Refused'],
  ),
  states: fc.constantFrom<Move['states']>(['HALTED'], ['HALTED', 'DRY_RUN_ONLY']),
})

/** The append of a move, for any store that holds what the model holds. */
async function sending(model: EventStore, streams: readonly string[], it: Move) {
  const { callId, types, states } = it
  const stream = it.stream === 'control' ? CONTROL_STREAM : (streams[it.stream] ?? '')
  const { events, control } = await model.load(stream)
  const expected = Math.max(-1, events.length - 1 + it.expectedOff)
  const controlRevision = Math.max(-1, control.revision + it.controlOff)
  const dispatch = dispatchAppend(stream, { expected, callId, controlRevision, types })
  const flip = controlAppend(expected, states, callId)
  return (store: EventStore) =>
    it.stream === 'control' ? store.appendControl(flip) : store.appendDispatch(dispatch)
}

const withoutTime = (answer: object) => ({ ...answer, recordedAt: undefined })

/** Nothing in the product can do this: it takes a superuser who switches the triggers off. */
async function empty(): Promise<void> {
  await database.query(`set session_replication_role = replica; truncate ledger.commits;
    update ledger.head set position = 0, control_revision = -1, control_event_id = null, recorded_at = null`)
}
