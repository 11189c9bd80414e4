import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Material } from '../../domain/dispatch/judgement.ts'
import type { Plan } from '../../domain/dispatch/plan.ts'
import type { ExecutorStamp, Pins } from '../../domain/events.ts'
import type { Json } from '../../domain/json.ts'
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
    return { pins, executor, seen: report.evidence, result: resultOf(report) }
  } catch (cause) {
    return { pins, executor, seen: failureOf(cause), result: null }
  }
}

/** Executors keep their own limits; this one holds even when an executor does not. */
async function withinTime(executor: Executor, plan: Plan): Promise<Report> {
  const controller = new AbortController()
  const expired = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () =>
      reject(new ExecutorFailure('timeout', 'time')),
    )
  })
  const timer = setTimeout(() => controller.abort(), plan.limits.timeMs + GRACE_MS)
  try {
    return await Promise.race([executor.dryRun(plan, controller.signal), expired])
  } finally {
    clearTimeout(timer)
  }
}

/** So that the executor's own limit, which knows more, is the one that speaks. */
const GRACE_MS = 1_000

const resultOf = ({ verdict, output }: Report): Execution['result'] => ({
  verdict,
  output,
  outputDigest: digestOf(output),
})

const failureOf = (cause: unknown): Json =>
  cause instanceof ExecutorFailure
    ? { failure: cause.failure, code: cause.code }
    : { failure: 'threw', code: 'unexpected' }
