import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Material } from '../../domain/dispatch/judgement.ts'
import type { Plan } from '../../domain/dispatch/plan.ts'
import type { ExecutorStamp, Pins } from '../../domain/events.ts'
import { isObject, type Json } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { digestOf } from '../identity.ts'
import { type Executor, ExecutorFailure, type ExecutorRegistry, type Report } from '../ports.ts'

/** What one invocation left: what the evidence gate sees, and a result where there is one. */
export type Execution = Readonly<{
  /** A report belongs to the pins and the build it ran with. */
  pins: Pins
  executor: ExecutorStamp
  seen: Json
  result: Material['result']
}>

/** Gives the execution of a plan: by running it, or the one this call holds already. */
export type ExecutionTurn = (plan: Plan, pins: Pins, executor: ExecutorStamp) => Promise<Execution>

export const belongsTo = (execution: Execution, pins: Pins, executor: ExecutorStamp): boolean =>
  canonicalJson([execution.pins, execution.executor]) === canonicalJson([pins, executor])

/** Invokes the executor once. Whatever goes wrong is an execution without a report. */
export async function execute(
  executors: ExecutorRegistry,
  plan: Plan,
  { pins, executor }: { pins: Pins; executor: ExecutorStamp },
): Promise<Execution> {
  try {
    const found = executors.get(executor.type)
    if (found === undefined) throw new ExecutorFailure('threw', 'executor-gone')
    const report = await withinTime(found, plan)
    return { pins, executor, ...checked(report, plan) }
  } catch (cause) {
    return { pins, executor, seen: failureOf(cause), result: null }
  }
}

/** Executors keep their own limits; this one holds even when an executor does not. */
async function withinTime(executor: Executor, plan: Plan): Promise<Report> {
  const controller = new AbortController()
  const expired = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () =>
      reject(new ExecutorFailure('timeout', 'deadline')),
    )
  })
  const timer = setTimeout(() => controller.abort(), plan.limits.timeMs + GRACE_MS)
  try {
    return await Promise.race([executor.dryRun(plan, controller.signal), expired])
  } finally {
    clearTimeout(timer)
  }
}

/** The executor's own limit starts with the run; this one allows for the wait for a free process. */
const GRACE_MS = LIMITS.requestSlackMs - 1_000

/** Whatever an executor says of itself, only a report that can be recorded as it is counts as one. */
function checked(
  { verdict, output, evidence }: Report,
  plan: Plan,
): Pick<Execution, 'seen' | 'result'> {
  const known = (['would_succeed', 'would_fail'] as const).includes(verdict)
  if (!known || !isObject(evidence)) throw new ExecutorFailure('not-json', 'not-a-report')
  const text = recordable(output)
  recordable(evidence)
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
