import { type Attributes, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { LedgerError } from '../errors.ts'
import type { Executor, Facts, FollowedLog } from '../ports.ts'

/** Spans go to whatever OpenTelemetry SDK the process has loaded, or loads; without one nowhere. */
export const tracer: Tracer = trace.getTracer('dispatch-ledger')

/**
 * Runs inside a span. Attributes are names of this program and numbers, never what was sent; of an
 * error the code alone is told, for its message may quote a param.
 */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await run(span)
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) })
      throw error
    } finally {
      span.end()
    }
  })
}

const codeOf = (error: unknown): string =>
  error instanceof LedgerError ? error.code : 'unexpected'

export const traceLog = (ledger: FollowedLog): FollowedLog => ({
  load: (stream) => inSpan('load', {}, () => ledger.load(stream)),
  current: () => ledger.current(),
})

/** Gates are pure and quick; what takes time is what they have to see. */
export function traceFacts(facts: Facts): Facts {
  const traced = Object.entries(facts).map(([gate, see]) => [
    gate,
    (...asked: Parameters<typeof see>) =>
      inSpan(`judge ${gate}`, { 'ledger.gate': gate }, () => see(...asked)),
  ])
  return Object.fromEntries(traced) as Facts
}

export const traceExecutor = (executor: Executor): Executor => ({
  ...executor,
  dryRun: (plan, signal) =>
    inSpan('execute', { 'ledger.executor.type': executor.type }, async (span) => {
      const report = await executor.dryRun(plan, signal)
      span.setAttribute('ledger.verdict', report.verdict)
      return report
    }),
})

/** Around one append. */
export const traceAppend = <R extends { readonly outcome: string }>(
  events: number,
  append: () => Promise<R>,
): Promise<R> =>
  inSpan('append', { 'ledger.events': events }, async (span) => {
    const result = await append()
    span.setAttribute('ledger.append.outcome', result.outcome)
    return result
  })

/** Around one batch of a projection. */
export const traceBatch = <T>(
  { projection, events }: { readonly projection: string; readonly events: number },
  write: () => Promise<T>,
): Promise<T> =>
  inSpan('project', { 'ledger.projection': projection, 'ledger.events': events }, write)
