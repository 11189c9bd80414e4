import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from './metrics.ts'
import { tracer } from './trace.ts'

/** Watches the door: a server span and a duration per request, a count per problem. */
export function watchRequests(app: FastifyInstance, metrics: Metrics): void {
  traceRequests(app)
  app.addHook('onResponse', (request, reply, done) => {
    countRejections(metrics, request)
    const labels = { route: routeOf(request), status: reply.statusCode }
    metrics.requestSeconds.observe(labels, reply.elapsedTime / 1_000)
    done()
  })
}

/** A refusal was judged: it is counted with the dispatches. A batch has a count for its items. */
function countRejections({ rejections }: Metrics, { facts }: FastifyRequest): void {
  const { code, outcome, problems } = facts
  if (typeof code === 'string' && outcome !== 'refused') rejections.inc({ code })
  for (const [item, count] of Object.entries(problems ?? {})) rejections.inc({ code: item }, count)
}

/** A span of the caller goes on here. Its trace id is the correlation id of all that is recorded. */
function traceRequests(app: FastifyInstance): void {
  const contexts = new WeakMap<FastifyRequest, Context>()
  app.addHook('onRequest', (request, _, done) => {
    const caller = propagation.extract(context.active(), request.headers)
    const attributes = { 'http.request.method': request.method, 'http.route': routeOf(request) }
    const span = tracer.startSpan(routeOf(request), { kind: SpanKind.SERVER, attributes }, caller)
    if (!trace.isSpanContextValid(span.spanContext())) return done()
    contexts.set(request, trace.setSpan(caller, span))
    request.call = { ...request.call, correlationId: span.spanContext().traceId }
    done()
  })
  // Reading the body leaves the context of the request behind, so it is entered after that.
  app.addHook('preHandler', (request, _, done) => {
    const entered = contexts.get(request)
    if (entered === undefined) done()
    else context.with(entered, done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const entered = contexts.get(request)
    if (entered !== undefined) endSpan(trace.getSpan(entered), request, reply.statusCode)
    done()
  })
}

function endSpan(span: Span | undefined, request: FastifyRequest, status: number): void {
  span?.setAttribute('http.response.status_code', status)
  const { code } = request.facts
  if (typeof code === 'string') span?.setAttribute('ledger.code', code)
  if (status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
  span?.end()
}

const routeOf = (request: FastifyRequest): string =>
  `${request.method} ${request.routeOptions.url ?? 'unknown'}`
