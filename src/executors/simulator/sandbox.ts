import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { forkChild } from './fork-child.ts'
import {
  BEACON_FD,
  type Failure,
  type FromChild,
  type Isolation,
  type Outcome,
  SLOW_MS,
  type ToChild,
} from './protocol.ts'
import type { Run, Submission } from './run.ts'

/** Many processes may boot at once on a busy machine. */
const BOOT_MS = 20_000
/** A process stops most runs itself when their time is over. This is for those it cannot stop. */
const GRACE_MS = 100

const OVER_TIME: Failure = { failure: 'timeout', code: 'time' }
const OUT_OF_MEMORY: Failure = { failure: 'limit', code: 'memory' }
/** Somebody else ended the process, which says nothing about the run. */
const LOST: Failure = { failure: 'timeout', code: 'process-lost' }

/** By these V8 ends a process whose heap is full. */
const HEAP_SIGNALS: readonly string[] = ['SIGABRT', 'SIGTRAP', 'SIGILL']

/** Task ids fit a cell of shared memory, and an old process makes place for a young one. */
const TASKS_MAX = 1_000_000

export type SandboxEvents = Readonly<{
  ready: (sandbox: Sandbox) => void
  /** It may have become idle. */
  changed: () => void
  /** Runs it did not finish and will not. */
  returned: (runs: readonly Run[]) => void
  /** The process is gone. Everything it held was answered or returned. */
  ended: (sandbox: Sandbox, how: Ending) => void
}>
export type Ending = Readonly<{
  pid: number | undefined
  signal: string | null
  unfinished: number
}>

/**
 * The parent's end of one process that runs expressions in the order they are submitted.
 *
 * Two invariants put the blame on the right run. Tasks finish in the order of their ids, so an id
 * at or below the last finished one is history. And a process is not idle before it has answered
 * for all it was given, even where nobody wants the answer: a run submitted alone is alone in it.
 */
export class Sandbox {
  isolation: Isolation | undefined
  readonly #child: ChildProcess = forkChild()
  readonly #events: SandboxEvents
  readonly #unfinished = new Map<number, Run>()
  #lastId = 0
  #lastFinishedId = 0
  #slowId = 0
  #dropping = false
  #leaving = false
  #ended = false
  #timer: NodeJS.Timeout

  constructor(events: SandboxEvents) {
    this.#events = events
    this.#child.ref()
    this.#child.on('message', (message) => this.#hear(message as FromChild))
    this.#child.on('error', () => this.#end(null))
    this.#child.once('close', (_code, signal) => this.#end(signal))
    const beacon = this.#child.stdio[BEACON_FD] as Socket
    beacon.unref()
    beacon.on('data', (lines) => this.#becameSlow(lastNumber(lines)))
    // Whatever breaks it is the end of the process, which `close` tells.
    beacon.on('error', () => undefined)
    this.#timer = setTimeout(() => this.kill(), BOOT_MS)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get idle(): boolean {
    const ready = this.isolation !== undefined && !this.#leaving && !this.#dropping
    return ready && this.#unfinished.size === 0
  }

  submit(submissions: readonly Submission[]): void {
    const tasks = submissions.map(({ run, input }) => {
      this.#lastId += 1
      this.#unfinished.set(this.#lastId, run)
      return { id: this.#lastId, expression: run.expression, input, ...run.plan.limits }
    })
    this.#child.ref()
    this.#say({ kind: 'tasks', tasks })
  }

  /** Nobody waits for this run any more. If it is what keeps the process busy, its time is over. */
  abandon(run: Run): void {
    if (this.#unfinished.get(this.#slowId) === run) this.#limit(this.#slowId)
  }

  kill(): void {
    this.#leaving = true
    this.#child.ref()
    this.#child.kill('SIGKILL')
  }

  #say(message: ToChild): void {
    // A message that cannot be sent any more is followed by the end of the process.
    this.#child.send(message, () => undefined)
  }

  #hear(message: FromChild): void {
    if (message.kind === 'outcomes')
      for (const [id, outcome] of message.outcomes) this.#finish(id, outcome)
    else if (message.kind === 'dropped') this.#dropping = false
    else this.#becameReady(message.isolation)
    if (this.idle) this.#rest()
  }

  #becameReady(isolation: Isolation): void {
    clearTimeout(this.#timer)
    this.isolation = isolation
    this.#events.ready(this)
  }

  #finish(id: number, outcome: Outcome): void {
    const run = this.#unfinished.get(id)
    this.#unfinished.delete(id)
    this.#lastFinishedId = id
    if (this.#slowId === id) {
      this.#slowId = 0
      clearTimeout(this.#timer)
    }
    const { isolation } = this
    if ('failure' in outcome) run?.answer(outcome)
    else if (isolation !== undefined) run?.answer({ result: outcome, isolation })
  }

  #rest(): void {
    this.#child.unref()
    if (this.#lastId >= TASKS_MAX) this.kill()
    else this.#events.changed()
  }

  #becameSlow(id: number): void {
    if (id <= this.#lastFinishedId) return
    this.#slowId = id
    this.#takeBackAfter(id)
    this.#limit(id)
  }

  /**
   * Those behind a slow run need not wait for it. They travel alone from here, as they may be slow
   * themselves. A race may run one twice, which harms nobody.
   */
  #takeBackAfter(id: number): void {
    const behind = [...this.#unfinished].filter(([other]) => other > id)
    if (behind.length === 0) return
    for (const [other] of behind) this.#unfinished.delete(other)
    this.#dropping = true
    this.#say({ kind: 'drop' })
    this.#events.returned(behind.map(([, run]) => Object.assign(run, { alone: true })))
  }

  #limit(id: number): void {
    const run = this.#unfinished.get(id)
    const leftMs = run?.wanted === true ? Math.max(0, run.plan.limits.timeMs - SLOW_MS) : 0
    clearTimeout(this.#timer)
    // After a busy turn of our own loop the outcome may be waiting to be read: that comes first.
    this.#timer = setTimeout(() => setImmediate(() => this.#stop(id)), leftMs + GRACE_MS)
  }

  #stop(id: number): void {
    if (this.#slowId !== id || this.#ended) return
    const run = this.#unfinished.get(id)
    this.#unfinished.delete(id)
    run?.answer(OVER_TIME)
    this.kill()
  }

  #end(signal: string | null): void {
    if (this.#ended) return
    this.#leaving = true
    this.#ended = true
    clearTimeout(this.#timer)
    const runs = [...this.#unfinished.values()]
    this.#unfinished.clear()
    this.#events.returned(runs.filter((run) => !isCulprit(run, signal, runs.length)))
    this.#events.ended(this, { pid: this.pid, signal, unfinished: runs.length })
  }
}

/** Whether the end of a process is the fault of this run, which then knows it. Else it is repeated. */
function isCulprit(run: Run, signal: string | null, unfinished: number): boolean {
  if (unfinished === 1 && signal !== null && HEAP_SIGNALS.includes(signal))
    run.answer(OUT_OF_MEMORY)
  else if (run.alone) run.answer(LOST)
  run.alone = true
  return !run.wanted
}

function lastNumber(lines: Buffer): number {
  return Number(lines.toString('latin1').trimEnd().split('\n').at(-1))
}
