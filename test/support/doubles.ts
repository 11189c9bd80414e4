import pino from 'pino'
import type { JsonObject } from '../../domain/json.ts'
import { LedgerError } from '../../src/errors.ts'
import { createLedger, type Doubles } from '../../src/main.ts'
import type {
  ControlAppend,
  DispatchAppend,
  EventStore,
  Evidence,
  Executor,
  Plan,
  Report,
} from '../../src/ports.ts'
import type { Asked, Reply, TestLedger } from './ledger.ts'

/** The evidence of a simulator that proved itself. */
export const PROVEN: Evidence = { isolated: { holds: true, seen: { engine: 'a double' } } }

/** What the sample expression gives, so that the baseline of the sample contract holds. */
export const dryReport = ({ params, fixture }: Plan, change: Partial<Report> = {}): Report => ({
  verdict: 'would_succeed',
  output: { echo: params['say'] ?? null, fixture: (fixture as JsonObject)['word'] ?? null },
  evidence: PROVEN,
  stats: { durationMs: 0 },
  ...change,
})

const BASELINE = 'baseline'

/**
 * An executor that does what the test at hand says, however much the port forbids it: its members
 * are of any type. Runs for commands are counted, those for baseline cases are not.
 */
export class ScriptedExecutor {
  type: unknown = 'simulator'
  sideEffects: unknown = 'none'
  build: unknown = 1
  io: unknown = false
  runs = 0
  onFacts: () => unknown = () => ({ isolation: 'process' })
  onRun: (plan: Plan, signal: AbortSignal) => unknown = (plan) => dryReport(plan)
  onBaseline: (plan: Plan, signal: AbortSignal) => unknown = (plan) => dryReport(plan)
  /** May be changed while a ledger runs on it. */
  readonly registry = new Map<string, Executor>([['simulator', this as unknown as Executor]])

  async facts(): Promise<unknown> {
    return this.onFacts()
  }

  async dryRun(plan: Plan, signal: AbortSignal): Promise<unknown> {
    if (plan.target.id === BASELINE) return this.onBaseline(plan, signal)
    this.runs += 1
    return this.onRun(plan, signal)
  }

  /** Makes it an honest executor again, with runs counted from 0. */
  reset(): void {
    Object.assign(this, new ScriptedExecutor(), { registry: this.registry })
    this.registry.clear()
    this.registry.set('simulator', this as unknown as Executor)
  }
}

/** Holds every run until the test lets it go on; `give` then answers it. */
export function holdRuns(
  executor: ScriptedExecutor,
  give: (plan: Plan) => unknown = (plan) => dryReport(plan),
): { readonly started: Promise<void>; readonly release: () => void } {
  let release = (): void => undefined
  let begin = (): void => undefined
  const started = new Promise<void>((resolve) => {
    begin = resolve
  })
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  executor.onRun = async (plan) => {
    begin()
    await released
    return give(plan)
  }
  return { started, release }
}

/** What the Postgres store throws: it knows of a read that it wrote nothing, and not of an append. */
export const storeGone = (recorded: 'unknown' | 'none' = 'unknown'): LedgerError =>
  new LedgerError('store-unavailable', 'The store went away in a test', { recorded })

type Append = EventStore['appendDispatch']
type ControlWrite = EventStore['appendControl']

const passOn: ScriptedStore['onAppend'] = (request, append) => append(request)
const passOnControl: ScriptedStore['onAppendControl'] = (request, append) => append(request)

/** A store whose calls a test can fail, lose or hold. It stands in front of the real one. */
export class ScriptedStore {
  appends = 0
  onAppend: (request: DispatchAppend, append: Append) => ReturnType<Append> = passOn
  onAppendControl: (request: ControlAppend, append: ControlWrite) => ReturnType<ControlWrite> =
    passOnControl
  onLoad: (stream: string) => void = () => undefined

  readonly wrap = (store: EventStore): EventStore => ({
    ...store,
    appendDispatch: async (request) => {
      this.appends += 1
      return this.onAppend(request, (it) => store.appendDispatch(it))
    },
    appendControl: async (request) =>
      this.onAppendControl(request, (it) => store.appendControl(it)),
    load: async (stream, afterRevision) => {
      this.onLoad(stream)
      return store.load(stream, afterRevision)
    },
  })

  /** The next appends go in, and their answers never arrive. */
  loseAnswers(count: number): void {
    let left = count
    this.onAppend = async (request, append) => {
      const result = await append(request)
      left -= 1
      if (left >= 0) throw storeGone()
      return result
    }
  }

  /** The next appends fail before anything is written. */
  failAppends(count: number): void {
    let left = count
    this.onAppend = async (request, append) => {
      left -= 1
      if (left >= 0) throw storeGone()
      return append(request)
    }
  }

  reset(): void {
    this.appends = 0
    this.onAppend = passOn
    this.onAppendControl = passOnControl
    this.onLoad = () => undefined
  }
}

/** A second process on the database of a ledger. */
export type SecondServer = Readonly<{
  app: TestLedger['app']
  ask(method: string, path: string, body?: unknown, asked?: Asked): Promise<Reply>
  dispatch(command: unknown): Promise<Reply>
  close(): Promise<void>
}>

export async function openSecond(first: TestLedger, doubles: Doubles = {}): Promise<SecondServer> {
  const { eventStoreDb } = first
  const { runtimeUrl } = first.database
  const silent = pino({ level: 'silent' })
  const { app, close } = await createLedger(runtimeUrl, '0.0.0-second', silent, {
    ...doubles,
    eventStoreDb,
  })
  const ask: SecondServer['ask'] = async (method, path, body, asked = {}) => {
    const response = await app.inject({
      method: method as 'GET',
      url: path,
      headers: { authorization: `Bearer ${asked.key ?? first.key}`, ...asked.headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
    const { statusCode, payload, headers } = response
    return { status: statusCode, body: payload === '' ? null : JSON.parse(payload), headers }
  }
  return { app, ask, close, dispatch: (command) => ask('POST', '/v1/dispatches', command) }
}
