import type { Json } from '../../domain/json.ts'
import type { EventStore } from '../../src/ports.ts'
import { dryReport, openSecond, ScriptedExecutor, ScriptedStore, storeGone } from './doubles.ts'
import { type Asked, openLedger, type Reply } from './ledger.ts'

/** A ledger that can be restarted, on a store that can be made to fail. */
export type Twin = Readonly<{
  store: EventStore
  ask(method: string, path: string, body?: unknown, asked?: Asked): Promise<Reply>
  newKey(): Promise<string>
  /** Ends the server and opens another one on what the store holds. */
  restart(): Promise<void>
  /** The next append of a kind fails: before anything is written, or after. */
  fail(kind: 'dispatch' | 'control', when: 'before' | 'after'): void
  /** While `during` goes on, `act` happens once: after a judgement, before it is appended. */
  overtaken<T>(act: () => Promise<unknown>, during: () => Promise<T>): Promise<T>
  /** The same JSON with positions that count events, as an atomic log has them by itself. */
  counted(json: Json): Promise<Json>
  close(): Promise<void>
}>

/** `replace` puts another store in the place of the real one; all else is the real wiring. */
export async function openTwin(replace: (real: EventStore) => EventStore): Promise<Twin> {
  const executor = new ScriptedExecutor()
  executor.onRun = (plan) =>
    dryReport(plan, { verdict: plan.params['fail'] === true ? 'would_fail' : 'would_succeed' })
  const script = new ScriptedStore()
  let store: EventStore | undefined
  const doubles = {
    executors: executor.registry,
    store: (real: EventStore) => script.wrap((store = replace(real))),
  }
  const home = await openLedger(doubles)
  let server = await openSecond(home, doubles)
  /** Of every event that was read, and of none. */
  const positions = [0]
  return {
    get store() {
      return store as EventStore
    },
    ask: (...asked) => server.ask(...asked),
    newKey: () => home.newKey(),
    async restart() {
      await server.close()
      server = await openSecond(home, doubles)
    },
    fail(kind, when) {
      if (kind === 'dispatch') script.onAppend = failOnce(when)
      else script.onAppendControl = failOnce(when)
    },
    async overtaken(act, during) {
      script.onAppend = async (request, append) => {
        script.onAppend = passOn
        await act()
        return append(request)
      }
      const result = await during()
      script.onAppend = passOn
      return result
    },
    async counted(json) {
      const log = store as EventStore
      if (log.guarantee === 'atomic') return json
      const known = positions.at(-1) as number
      if (highestIn(json) > known) {
        for await (const { position } of log.read({ after: known })) positions.push(position)
      }
      return withPositions(json, (position) => positions.indexOf(position))
    },
    async close() {
      await server.close()
      await home.close()
    },
  }
}

/** JSON with other numbers for its positions. */
const withPositions = (json: Json, change: (position: number) => number): Json =>
  JSON.parse(
    JSON.stringify(json, (key, it: Json) =>
      key === 'position' && typeof it === 'number' ? change(it) : it,
    ),
  )

function highestIn(json: Json): number {
  let highest = 0
  withPositions(json, (position) => (highest = Math.max(highest, position)))
  return highest
}

const passOn: ScriptedStore['onAppend'] = (request, append) => append(request)

function failOnce(when: 'before' | 'after') {
  let failed = false
  return async <A, R>(request: A, append: (request: A) => Promise<R>): Promise<R> => {
    const mayFail = !failed
    failed = true
    if (mayFail && when === 'before') throw storeGone()
    const result = await append(request)
    if (mayFail) throw storeGone()
    return result
  }
}
