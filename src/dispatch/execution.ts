import { canonicalJson } from '../../domain/canonical-json.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { Judgement, Material } from '../../domain/dispatch/judgement.ts'
import type { Plan } from '../../domain/dispatch/plan.ts'
import type { ExecutorStamp, Pins } from '../../domain/events.ts'
import { isObject, type Json } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { digestOf } from '../identity.ts'
import { type Executor, ExecutorFailure, type ExecutorRegistry, type Report } from '../ports.ts'
import { within } from '../within.ts'
import { type RunWatch, Stopped } from './run-watch.ts'

/** What an invocation runs with. */
export type Setting = Readonly<{
  pins: Pins
  executor: ExecutorStamp
  /** Control revision of the last flip of a switch that the command stands under. */
  lastFlip: number
}>

/** What one invocation left: what the evidence gate sees, and a result where there is one. */
export type Execution = Readonly<{
  setting: Setting
  seen: Json
  result: Material['result']
}>

/** Why there is none, and all is to be judged again: the switch ended it, or the log had moved before it began. */
export type NoExecution = 'stopped' | 'overtaken'

/** What was judged when it is the executor's turn, and what its events are made of. */
export type Reached = Readonly<{ judgement: Judgement; material: Material }>

/** Gives the execution of a plan: by running it, or the one this call holds already. */
export type ExecutionTurn = (
  plan: Plan,
  setting: Setting,
  reached: Reached,
) => Promise<Execution | NoExecution>

/** A report belongs to the pins and the build it ran with, and to the release it ran under. */
export const belongsTo = (execution: Execution, setting: Setting): boolean =>
  canonicalJson(execution.setting) === canonicalJson(setting)

/** One invocation, and the watch that stops it when its command may not run any more. */
export type Invocation = Readonly<{
  command: AskedCommand
  plan: Plan
  setting: Setting
  watch: RunWatch
}>

/**
 * Invokes the executor once. Whatever goes wrong is an execution without a report.
 *
 * A run that was stopped is none: it is no time-out of the target, and nothing was observed that
 * could be recorded. Its call judges again, and it is the switch that refuses it.
 */
export async function execute(
  executors: ExecutorRegistry,
  invocation: Invocation,
): Promise<Execution | 'stopped'> {
  const { plan, setting } = invocation
  try {
    const found = executors.get(setting.executor.type)
    if (found === undefined) throw new ExecutorFailure('threw', 'executor-gone')
    return { setting, ...checked(await untilAborted(found, invocation), plan) }
  } catch (cause) {
    if (cause instanceof Stopped) return 'stopped'
    return { setting, seen: failureOf(cause), result: null }
  }
}

/** Executors keep their own limits, and heed their signal; this holds even when one does not. */
async function untilAborted(
  executor: Executor,
  { plan, command, watch }: Invocation,
): Promise<Report> {
  const controller = new AbortController()
  const { signal } = controller
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
  const abort = () => controller.abort(new ExecutorFailure('timeout', 'deadline'))
  const timer = setTimeout(abort, plan.limits.timeMs + GRACE_MS)
  const leave = watch.add(command, controller)
  const running = executor.dryRun(plan, signal)
  try {
    return await Promise.race([running, aborted])
  } catch (cause) {
    const seen = executor.io ? await suspicionOf(running) : null
    if (seen === null) throw cause
    return seen
  } finally {
    leave()
    clearTimeout(timer)
  }
}

/** What was asked for elsewhere cannot be taken back: a mutation that was seen is not forgotten for a halt. */
async function suspicionOf(running: Promise<Report>): Promise<Report | null> {
  const nothing = (): null => null
  const report = await within(SUSPICION_MS, running.catch(nothing), nothing)
  return report === null || !isObject(report.evidence) || allHold(report) ? null : report
}

/** The look that an executor may still take, and a little more. */
const SUSPICION_MS = LIMITS.crossCheckTimeMs + 500

const allHold = ({ evidence }: Pick<Report, 'evidence'>): boolean =>
  Object.values<Json>(evidence).every((it) => isObject(it) && it['holds'] === true)

/** The executor's own limit starts with the run; this one allows for the wait for a free process. */
const GRACE_MS = LIMITS.requestSlackMs - 1_000

/** Whatever an executor says of itself, only a report that can be recorded as it is counts as one. */
function checked(
  { verdict, output, evidence }: Report,
  plan: Plan,
): Pick<Execution, 'seen' | 'result'> {
  const known = (['would_succeed', 'would_fail'] as const).includes(verdict)
  if (!known || !isObject(evidence)) throw new ExecutorFailure('not-json', 'not-a-report')
  recordable(evidence)
  // What is suspected is recorded for its evidence, whatever else came with it.
  if (!allHold({ evidence })) return { seen: evidence, result: null }
  const text = recordable(output)
  if (Buffer.byteLength(text) > plan.limits.outputBytes)
    throw new ExecutorFailure('limit', 'output')
  return { seen: evidence, result: { verdict, output, outputDigest: digestOf(output) } }
}

/** The escape itself, not an escaped backslash before the same letters. */
const NUL = /(?<!\\)(?:\\\\)*\\u0000/

/** U+0000 is JSON, and yet no text that Postgres could read out again. */
function recordable(value: Json): string {
  try {
    const text = canonicalJson(value)
    if (!NUL.test(text)) return text
  } catch (cause) {
    throw new ExecutorFailure('not-json', 'not-canonical', { cause })
  }
  throw new ExecutorFailure('not-json', 'nul-character')
}

const failureOf = (cause: unknown): Json =>
  cause instanceof ExecutorFailure
    ? { failure: cause.failure, code: cause.code }
    : { failure: 'threw', code: 'unexpected' }
