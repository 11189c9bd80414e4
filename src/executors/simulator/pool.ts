import { setMaxListeners } from 'node:events'
import type { Json } from '../../../domain/json.ts'
import { ExecutorFailure, type Log } from '../../ports.ts'
import type { Failure, Isolation } from './protocol.ts'
import type { Finished, Run, Submission } from './run.ts'
import { type Ending, Sandbox } from './sandbox.ts'

/** Sending a message costs as much as several small runs, so they travel together. */
const BATCH_RUNS_MAX = 32
/** Writing a batch must not hold up our own loop. */
const BATCH_LENGTH_MAX = 512 * 1024
const WAITING_RUNS_MAX = 1_024

// None of these says anything about the expression, so all are time-outs: another try may differ.
const ABORTED: Failure = { failure: 'timeout', code: 'aborted' }
const BUSY: Failure = { failure: 'timeout', code: 'busy' }
const CLOSED: Failure = { failure: 'timeout', code: 'closed' }
const NO_PROCESS: Failure = { failure: 'timeout', code: 'no-process' }

/** The simulator's processes, started when they are needed, and the runs that wait for one. */
export class Pool {
  readonly #processesMax: number
  readonly #log: Log | undefined
  readonly #sandboxes = new Set<Sandbox>()
  #waiting: Run[] = []
  #scheduled = false
  #closing: Promise<void> | undefined
  #becameEmpty: () => void = () => undefined

  constructor(processesMax: number, log: Log | undefined) {
    this.#processesMax = processesMax
    this.#log = log
  }

  /** What a process that is up reports of itself. */
  get isolation(): Isolation | undefined {
    return [...this.#sandboxes].find((sandbox) => sandbox.isolation !== undefined)?.isolation
  }

  run(plan: Run['plan'], expression: string, signal: AbortSignal): Promise<Finished> {
    return new Promise((resolve, reject) => {
      const run: Run = { plan, expression, wanted: true, alone: false, answer }
      const abort = () => this.#abort(run)
      function answer(answered: Finished | Failure): void {
        if (!run.wanted) return
        run.wanted = false
        signal.removeEventListener('abort', abort)
        if ('result' in answered) resolve(answered)
        else reject(new ExecutorFailure(answered.failure, answered.code))
      }
      // One signal may stand for any number of runs, as for the cases of a baseline.
      setMaxListeners(0, signal)
      signal.addEventListener('abort', abort)
      const refusal = this.#refusal(signal)
      if (refusal !== undefined) answer(refusal)
      else this.#enqueue(run)
    })
  }

  /** Ends every process. What waits or runs fails. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#becameEmpty = resolve
      this.#answerWaiting(CLOSED)
      for (const sandbox of this.#sandboxes) sandbox.kill()
      if (this.#sandboxes.size === 0) resolve()
    })
    return this.#closing
  }

  #refusal(signal: AbortSignal): Failure | undefined {
    if (signal.aborted) return ABORTED
    if (this.#closing) return CLOSED
    return this.#waiting.length >= WAITING_RUNS_MAX ? BUSY : undefined
  }

  #enqueue(run: Run): void {
    this.#waiting.push(run)
    this.#schedule()
  }

  #abort(run: Run): void {
    run.answer(ABORTED)
    this.#waiting = this.#waiting.filter((other) => other !== run)
    for (const sandbox of this.#sandboxes) sandbox.abandon(run)
  }

  #answerWaiting(failure: Failure): void {
    for (const run of this.#waiting.splice(0)) run.answer(failure)
  }

  /** Once a turn of the loop, so that what arrives in one turn travels in one batch. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#assign()
    })
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const idle = [...this.#sandboxes].filter((sandbox) => sandbox.idle)
      const [sandbox] = idle
      if (sandbox === undefined) {
        if (this.#sandboxes.size < this.#processesMax && !this.#closing) this.#start()
        return
      }
      sandbox.submit(this.#take(Math.ceil(this.#waiting.length / idle.length)))
    }
  }

  #take(share: number): Submission[] {
    const batch: Submission[] = []
    let length = 0
    while (batch.length < Math.min(share, BATCH_RUNS_MAX) && length < BATCH_LENGTH_MAX) {
      const [run] = this.#waiting
      if (run === undefined || (run.alone && batch.length > 0)) break
      this.#waiting.shift()
      const input = inputOf(run.plan)
      length += input.length + run.expression.length
      batch.push({ run, input })
      if (run.alone) break
    }
    return batch
  }

  #start(): void {
    try {
      this.#sandboxes.add(
        new Sandbox({
          ready: ({ pid, isolation }) =>
            this.#log?.info({ pid, ...isolation }, 'A simulator process is ready'),
          changed: () => this.#schedule(),
          returned: (runs) => this.#takeBack(runs),
          ended: (sandbox, how) => this.#forget(sandbox, how),
        }),
      )
    } catch (cause) {
      this.#log?.error({ cause: String(cause) }, 'No simulator process can be started')
      this.#answerWaiting(NO_PROCESS)
    }
  }

  #takeBack(runs: readonly Run[]): void {
    this.#waiting.unshift(...runs.filter((run) => run.wanted))
    if (this.#closing) this.#answerWaiting(CLOSED)
    else this.#schedule()
  }

  #forget(sandbox: Sandbox, how: Ending): void {
    this.#sandboxes.delete(sandbox)
    if (this.#sandboxes.size === 0) this.#becameEmpty()
    if (this.#closing) return
    this.#log?.warn(how, 'A simulator process ended')
    // A process that does not even boot would be started for ever.
    if (sandbox.isolation === undefined) this.#answerWaiting(NO_PROCESS)
    this.#schedule()
  }
}

/** Fixtures are registered once and never change: the text of each is written once. */
const fixtureTexts = new WeakMap<object, string>()

function inputOf({ params, fixture }: Run['plan']): string {
  return `{"params":${JSON.stringify(params)},"fixture":${textOf(fixture)}}`
}

function textOf(fixture: Json): string {
  if (typeof fixture !== 'object' || fixture === null) return JSON.stringify(fixture)
  const text = fixtureTexts.get(fixture) ?? JSON.stringify(fixture)
  fixtureTexts.set(fixture, text)
  return text
}
