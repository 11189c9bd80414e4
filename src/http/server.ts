import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import Fastify, {
  type ConnectionError,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RouteOptions,
} from 'fastify'
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import { parseStrictJson } from '../strict-json/parse-strict-json.ts'
import { createTokenBuckets } from '../token-buckets.ts'
import { toLedgerError } from './known-errors.ts'
import { addLoadLimits, addStop, createTurns } from './load.ts'
import type { HttpPorts } from './ports.ts'
import { problemOf } from './problem.ts'
import { send } from './reply.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { batchRoutes } from './routes/batch.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { consoleRoutes } from './routes/console.ts'
import { dispatchRoutes } from './routes/dispatches.ts'
import { docsRoutes } from './routes/docs.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { problemRoutes } from './routes/problems.ts'
import { readModelRoutes } from './routes/read-models.ts'
import { selfTestRoutes } from './routes/self-test.ts'
import { sessionRoutes } from './routes/session.ts'
import { switchRoutes } from './routes/switch.ts'
import { authorizationOf } from './session.ts'
import { addStreams } from './streams.ts'

/** Builds the server. It listens to nothing yet: tests use `inject`. `watch` may add hooks. */
export async function createServer(
  ports: HttpPorts,
  logger: FastifyBaseLogger,
  watch: (app: FastifyInstance) => void = () => undefined,
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: LIMITS.bodyBytes,
    routerOptions: { maxParamLength: 1_000 },
    requestTimeout: LIMITS.requestArrivalMs,
    http: {
      headersTimeout: LIMITS.requestHeadArrivalMs,
      maxHeaderSize: LIMITS.requestHeadBytes,
      connectionsCheckingInterval: 1_000,
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerNoHttp,
    frameworkErrors: (_, request, reply) => {
      // A path that cannot even be decoded names nothing here.
      const problem = problemOf(
        new LedgerError('not-found', `There is no ${request.method} like that`),
      )
      void (reply as FastifyReply)
        .code(problem.status)
        .type('application/problem+json')
        .send(JSON.stringify(problem.body))
    },
  })
  app.setValidatorCompiler(validatorCompiler)
  // Answers are built from what was recorded; checking them again would triple the cost of a page.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.server.maxConnections = LIMITS.connections
  addStrictParser(app)
  addErrors(app)
  addCalls(app)
  watch(app)
  addStreams(app, ports, addStop(app))
  addLoadLimits(app)
  addAccess(app, ports)
  addLogLines(app)
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: document(ports.version), components: { securitySchemes } },
    transform: withScope,
    transformObject: jsonSchemaTransformObject,
  })
  for (const routes of ROUTES) await app.register(routes, ports)
  await app.ready()
  return app
}

const ROUTES = [
  dispatchRoutes,
  readModelRoutes,
  analyticsRoutes,
  batchRoutes,
  eventRoutes,
  switchRoutes,
  catalogueRoutes,
  keyRoutes,
  selfTestRoutes,
  healthRoutes,
  problemRoutes,
  docsRoutes,
  sessionRoutes,
  consoleRoutes,
]

const securitySchemes = { key: { type: 'http', scheme: 'bearer' } } as const

/** What a key must hold stands beside each route, as the same word that the server checks. */
const withScope: typeof jsonSchemaTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input)
  const scope = (input.route as RouteOptions | undefined)?.config?.scope
  const security = scope ? [{ key: scope === 'any' ? [] : [scope] }] : []
  return { url, schema: { ...schema, security } }
}

const document = (version: string) => ({
  title: 'Dispatch Ledger',
  version,
  description: 'Judges dispatch commands, records the outcome, and never runs what could mutate.',
})

/** Every JSON body of every route goes through the one strict parser, before any schema. */
function addStrictParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const { jsonDepth = LIMITS.jsonDepth } = request.routeOptions.config
      done(null, parseStrictJson(body as Buffer, { maxDepth: jsonDepth }))
    } catch (error) {
      done(error as Error)
    }
  })
}

function addErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((request) => {
    throw new LedgerError('not-found', `There is no ${request.method} ${pathOf(request)}`)
  })
  app.setErrorHandler((error, request, reply) => {
    return send(request, reply, problemOf(toLedgerError(error, request.log)))
  })
}

const pathOf = (request: FastifyRequest): string => request.url.split('?')[0] ?? ''

/** An answer is data: no browser may run, frame, sniff or keep it. /docs alone has a policy of its own. */
const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/

/** Draws the call id and takes over the trace id of W3C Trace Context, or draws one. */
function addCalls(app: FastifyInstance): void {
  app.decorateRequest('caller', null)
  app.decorateRequest('endTurn')
  app.decorateRequest('call')
  app.decorateRequest('facts')
  app.addHook('onRequest', (request, reply, done) => {
    const callId = randomUUID()
    const traceId = TRACEPARENT.exec(String(request.headers['traceparent'] ?? ''))?.[1]
    const sent = traceId !== undefined && /[^0]/.test(traceId) ? traceId : undefined
    // As random as a trace id must be, and drawn from what Node keeps ready.
    const correlationId = sent ?? randomUUID().replaceAll('-', '')
    request.call = { callId, correlationId, actor: 'key:' }
    request.facts = {}
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': callId })
    done()
  })
}

/** Denies by default: a route that declares no scope is refused at start. */
function addAccess(app: FastifyInstance, ports: HttpPorts): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) throw new Error(`${route.url} declares no scope`)
  })
  const failures = createTokenBuckets(
    { size: LIMITS.failedKeysBucketSize, perSecond: LIMITS.failedKeysBucketPerSecond },
    () => performance.now(),
  )
  const takeTurn = createTurns()
  app.addHook('onRequest', async (request, reply) => {
    const scope = request.routeOptions.config.scope
    if (scope === null || request.is404) return
    const caller = await ports.authenticate(authorizationOf(request))
    if (caller === null) throw failures.take(request.ip) ? nobody() : slowDown()
    if (scope !== 'any' && (scope === undefined || !caller.scopes.includes(scope))) {
      throw new LedgerError('forbidden', `The key does not hold the scope ${scope}`)
    }
    request.caller = caller
    request.call = { ...request.call, actor: `key:${caller.keyId}` }
    await takeTurn(request, reply)
  })
}

const nobody = (): LedgerError =>
  new LedgerError('unauthenticated', 'No valid key came with the request')

/** Valid keys are never refused for their address: others may share it. */
const slowDown = (): LedgerError =>
  new LedgerError('rate-limited', 'Too many requests without a valid key came from this address', {
    retryAfterSeconds: 1,
  })

/** Bytes that are no request get a bare status line; a head that is too large is at least named. */
function answerNoHttp(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = NO_HTTP[error.code] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}

const NO_HTTP: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

/** One line a request: ids, codes and durations; never params, outputs or keys. */
function addLogLines(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    const line = {
      callId: request.call.callId,
      correlationId: request.call.correlationId,
      keyId: request.caller?.keyId,
      route: `${request.method} ${request.routeOptions.url ?? 'unknown'}`,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      ...request.facts,
    }
    request.log.info(line, 'answered')
    done()
  })
}
