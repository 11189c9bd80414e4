import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EventStore } from '../../src/ports.ts'
import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { storeGone } from '../support/doubles.ts'
import { afterPause, catalogueOf, register } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { findUnsound } from '../support/sound.ts'

/**
 * Every call of the store, in every operation that writes, fails once: before anything is
 * persisted, or after. What was answered must be true, what is in the log must be sound, and the
 * same call again must end where an undisturbed one ends.
 */
type Method = 'load' | 'head' | 'appendDispatch' | 'appendControl'
type Failure = 'failed, not persisted' | 'failed, but persisted'

/** Fails the nth call of one method, `times` calls long. */
class FailingStore {
  private plan: { method: Method; failure: Failure; from: number; times: number } | null = null
  private calls = 0
  fired = 0

  arm(method: Method, failure: Failure, from: number, times: number): void {
    this.plan = { method, failure, from, times }
    this.calls = 0
    this.fired = 0
  }

  disarm(): void {
    this.plan = null
  }

  readonly wrap = (store: EventStore): EventStore => ({
    ...store,
    load: (...asked) => this.around('load', () => store.load(...asked)),
    head: () => this.around('head', () => store.head()),
    appendDispatch: (asked) => this.around('appendDispatch', () => store.appendDispatch(asked)),
    appendControl: (asked) => this.around('appendControl', () => store.appendControl(asked)),
  })

  private async around<T>(method: Method, ask: () => Promise<T>): Promise<T> {
    const { plan } = this
    if (plan?.method !== method) return ask()
    const call = this.calls++
    if (call < plan.from || call >= plan.from + plan.times) return ask()
    this.fired += 1
    if (plan.failure === 'failed, but persisted') await ask()
    throw storeGone(method.startsWith('append') ? 'unknown' : 'none')
  }
}

const failing = new FailingStore()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ store: failing.wrap })
})
beforeEach(() => failing.disarm())
afterAll(() => ledger.close())

type Operation = Readonly<{
  methods: readonly Method[]
  prepare?(name: string): Promise<unknown>
  act(name: string): Promise<Reply>
  /** What the last of several calls is answered at last, when the first is forgotten or not. */
  settled: readonly number[]
  events(name: string): Promise<number>
  expected: number
}>

const dispatch = (name: string, change = {}) =>
  ledger.dispatch(sampleCommand({ occurrence: name, ...change }))
const countOf = async (name: string): Promise<number> => {
  const [row] = await ledger.database.query<{ n: number }>(
    `select coalesce(sum(count), 0)::int as n from ledger.commits where stream in (
      select stream from ledger.commits where events like $1)`,
    [`%"occurrence":"${name}"%`],
  )
  return row?.n ?? 0
}
const written = { methods: ['load', 'appendDispatch'] as const, events: countOf }

const operations: Readonly<Record<string, Operation>> = {
  'a plan': {
    ...written,
    act: (name) => dispatch(name, { mode: 'PLAN_ONLY' }),
    settled: [200, 201],
    expected: 1,
  },
  'a dry run': { ...written, act: (name) => dispatch(name), settled: [200, 201], expected: 3 },
  'an advance': {
    ...written,
    prepare: (name) => dispatch(name, { mode: 'PLAN_ONLY' }),
    act: (name) => dispatch(name),
    settled: [200],
    expected: 3,
  },
  'a refusal': {
    ...written,
    act: (name) => dispatch(name, { mode: 'REAL_RUN' }),
    settled: [403],
    expected: 1,
  },
  'a refused execution': {
    ...written,
    act: (name) => dispatch(name, { params: { throw: true } }),
    settled: [502],
    expected: 3,
  },
  'a replay': {
    methods: ['load'],
    prepare: (name) => dispatch(name),
    act: (name) => dispatch(name),
    settled: [200],
    events: countOf,
    expected: 3,
  },
  'a registration': {
    methods: ['head', 'appendControl'],
    act: (name) =>
      ledger.ask('POST', '/v1/catalogue', { manifests: catalogueOf(name.toLowerCase()).manifests }),
    settled: [200, 201],
    async events(name) {
      const { body } = await ledger.ask('GET', '/v1/catalogue')
      const ours = body.manifests.filter((it: { id: string }) =>
        it.id.startsWith(name.toLowerCase()),
      )
      return ours.length
    },
    expected: 3,
  },
  'a flip': {
    methods: ['head', 'appendControl'],
    prepare: (name) => register(ledger, catalogueOf(name.toLowerCase()).manifests),
    act: (name) =>
      ledger.ask('PUT', `/v1/switch/${encodeURIComponent(`contract:${name.toLowerCase()}.echo`)}`, {
        state: 'HALTED',
        reason: 'a test',
      }),
    settled: [200],
    async events(name) {
      const [row] = await ledger.database.query<{ n: number }>(
        'select count(*)::int as n from ledger.commits where events like $1',
        [`%"scope":"contract:${name.toLowerCase()}.echo"%`],
      )
      return row?.n ?? 0
    },
    expected: 1,
  },
}

const FAILURES: readonly Failure[] = ['failed, not persisted', 'failed, but persisted']
/** Once, which the call survives by itself; or as long as it tries. */
const TIMES = [1, 1_000]

const table = Object.entries(operations).flatMap(([operation, { methods }]) =>
  methods.flatMap((method) =>
    FAILURES.flatMap((failure) => TIMES.map((times) => ({ operation, method, failure, times }))),
  ),
)

let cases = 0

describe('every call of the store fails', () => {
  it.each(table)('$operation, $method $failure, $times times', async (line) => {
    const operation = operations[line.operation] as Operation
    const name = `fault-${cases++}`
    await operation.prepare?.(name)
    failing.arm(line.method, line.failure, 0, line.times)
    const first = await operation.act(name)
    const fired = failing.fired
    failing.disarm()
    expect(fired).toBeGreaterThan(0)
    if (!operation.settled.includes(first.status)) {
      expect(first).toMatchObject({ status: 503, body: { code: 'store-unavailable', rule: 9 } })
    } else {
      expect(await operation.events(name)).toBe(operation.expected)
    }
    const again = await afterPause(() => operation.act(name))
    expect(operation.settled).toContain(again.status)
    const count = await operation.events(name)
    expect(count).toBeGreaterThanOrEqual(operation.expected)
    // Only a refused execution is an observation, recorded each time it is made.
    if (line.operation !== 'a refused execution') expect(count).toBe(operation.expected)
  })

  it('and what they left is sound', async () => {
    const store = createPostgresEventStore(ledger.database.runtimeUrl)
    try {
      expect(await findUnsound(store.read({ after: 0 }))).toEqual([])
    } finally {
      await store.close()
    }
  })
})
