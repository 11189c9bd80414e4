import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers'
import { compiledOnce } from './expression-cache.ts'
import { failureOf } from './failure.ts'
import type { Failure, Outcome, Task } from './protocol.ts'
import { judge } from './verdict.ts'

/** By the engine's reserved keys data would pass for a function, with a syntax tree of its own. */
const RESERVED_KEY = /"_jsonata_(?:function|lambda)":/
const RESERVED: Failure = { failure: 'threw', code: 'D1013' }
const STALLED: Failure = { failure: 'threw', code: 'stalled' }
const OVER_TIME: Failure = { failure: 'timeout', code: 'time' }

/**
 * Runs one task to its very end: when it resolves, nothing of the expression is left to run.
 *
 * The engine evaluates branches side by side, and one may fail long before another ends. All of it
 * runs in microtasks, so the next macrotask comes when they are done; what has not settled then,
 * never will.
 */
export async function runTask(task: Task): Promise<Outcome> {
  const begun = performance.now()
  const settling = evaluate(task).catch(failureOf)
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  const outcome = await Promise.race([settling, Promise.resolve(STALLED)])
  return performance.now() - begun > task.timeMs ? OVER_TIME : outcome
}

async function evaluate({ expression, input, timeMs, outputBytes }: Task): Promise<Outcome> {
  if (RESERVED_KEY.test(input)) return RESERVED
  const returned: unknown = await compiledOnce(expression, timeMs).evaluate(JSON.parse(input))
  return judge(returned, outputBytes)
}
