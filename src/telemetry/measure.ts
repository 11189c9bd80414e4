import type { DispatchCall, Executor, Plan } from '../ports.ts'
import { ExecutorFailure } from '../ports.ts'
import type { Metrics } from './metrics.ts'

/** What a dispatch came to, as far as a counter cares. */
export type Answered = Readonly<{ outcome: string; code?: string }>

/** Counts what dispatches came to. */
export const measureDispatch =
  <A extends Answered>(metrics: Metrics, run: (call: DispatchCall) => Promise<A>) =>
  async (call: DispatchCall): Promise<A> => {
    const { mode } = call.command
    try {
      const answer = await run(call)
      metrics.dispatches.inc({ outcome: answer.outcome, mode })
      if (answer.code !== undefined) countRefusal(metrics, answer.code)
      return answer
    } catch (error) {
      metrics.dispatches.inc({ outcome: 'error', mode })
      throw error
    }
  }

function countRefusal(metrics: Metrics, code: string): void {
  metrics.refusals.inc({ code })
  if (code === 'mutation-suspected') metrics.mutationSuspected.inc()
}

/** Times what succeeded: a setting of the switch that failed is a rejected request. */
export const measureSwitch =
  <C, P>(metrics: Metrics, set: (call: C) => Promise<P>) =>
  async (call: C): Promise<P> => {
    const stop = metrics.switchFlipSeconds.startTimer()
    const position = await set(call)
    stop()
    return position
  }

/** Times an append, however it ends. */
export function measureAppend<R>(metrics: Metrics, append: () => Promise<R>): Promise<R> {
  const stop = metrics.appendSeconds.startTimer()
  return append().finally(stop)
}

/** Times dry runs. One without a report has the kind of its failure for a verdict. */
export function measureExecutor(metrics: Metrics, executor: Executor): Executor {
  const { type, sideEffects, build, io } = executor
  return {
    type,
    sideEffects,
    build,
    io,
    facts: (plan) => executor.facts(plan),
    async dryRun(plan: Plan, signal: AbortSignal) {
      const stop = metrics.executorSeconds.startTimer({ type })
      try {
        const report = await executor.dryRun(plan, signal)
        stop({ verdict: report.verdict })
        return report
      } catch (error) {
        stop({ verdict: error instanceof ExecutorFailure ? error.failure : 'threw' })
        throw error
      }
    },
  }
}
