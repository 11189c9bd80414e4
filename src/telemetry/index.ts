import type { FastifyInstance } from 'fastify'
import type { DispatchCall, Executor } from '../ports.ts'
import { watchRequests } from './http.ts'
import {
  type Answered,
  measureAppend,
  measureDispatch,
  measureExecutor,
  measureSwitch,
} from './measure.ts'
import { createMetrics } from './metrics.ts'
import { type Scraped, scrape } from './scrape.ts'
import { traceAppend, traceBatch, traceExecutor, traceFacts, traceLog } from './trace.ts'

/**
 * Watches one ledger from outside: each function takes a part and gives it back observed, with the
 * same contract. What is observed knows nothing of it.
 *
 * Trust: it sees everything and keeps names and numbers. It promises that no metric and no span
 * holds a param, an output or a key.
 */
export function createTelemetry() {
  const metrics = createMetrics()
  return {
    aroundAppend: <R extends { readonly outcome: string }>(
      events: number,
      append: () => Promise<R>,
    ) => traceAppend(events, () => measureAppend(metrics, append)),
    executor: (executor: Executor) => traceExecutor(measureExecutor(metrics, executor)),
    ledger: traceLog,
    facts: traceFacts,
    aroundBatch: traceBatch,
    dispatch: <A extends Answered>(run: (call: DispatchCall) => Promise<A>) =>
      measureDispatch(metrics, run),
    setSwitch: <C, P>(set: (call: C) => Promise<P>) => measureSwitch(metrics, set),
    watchRequests: (app: FastifyInstance) => watchRequests(app, metrics),
    scrape: (scraped: Scraped) => scrape(metrics, scraped),
  }
}

export type Telemetry = ReturnType<typeof createTelemetry>
