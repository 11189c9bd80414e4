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
  close(): Promise<void>
}>

/** `replace` puts another store in the place of the one on Postgres; all else is the real wiring. */
export async function openTwin(replace: (postgres: EventStore) => EventStore): Promise<Twin> {
  const executor = new ScriptedExecutor()
  executor.onRun = (plan) =>
    dryReport(plan, { verdict: plan.params['fail'] === true ? 'would_fail' : 'would_succeed' })
  const script = new ScriptedStore()
  let store: EventStore | undefined
  const doubles = {
    executors: executor.registry,
    store: (postgres: EventStore) => script.wrap((store = replace(postgres))),
  }
  const home = await openLedger(doubles)
  let server = await openSecond(home, doubles)
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
    async close() {
      await server.close()
      await home.close()
    },
  }
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
