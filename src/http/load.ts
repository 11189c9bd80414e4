import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import { Turns } from '../turns.ts'
import { whenOver } from './when-over.ts'

/**
 * Bounds what the server takes on, before a body is read: what is too much is answered at once with
 * 503 `not-ready`, so that memory does not grow. Routes that say `always` are let in whatever the
 * load is: an operator can halt, and a probe sees that the process lives.
 */
export function addLoadLimits(app: FastifyInstance): void {
  /** Requests not answered, handlers at work (also for callers that have gone), bytes of bodies. */
  const load = { open: 0, working: 0, bytes: 0 }

  app.addHook('onRequest', (request, reply, done) => {
    const bytes = bodyBytes(request)
    if (request.routeOptions.config.always !== true && isTooMuch(load, bytes)) {
      return done(new LedgerError('not-ready', 'The server has all it can do'))
    }
    load.open += 1
    load.bytes += bytes
    whenOver(reply.raw, () => {
      load.open -= 1
      load.bytes -= bytes
    })
    done()
  })

  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = async function atWork(request: FastifyRequest, reply: FastifyReply) {
      load.working += 1
      try {
        return await handler.call(this, request, reply)
      } finally {
        load.working -= 1
        request.endTurn?.()
      }
    }
  })
}

/** A caller that goes away leaves its handler at work: whichever number is larger counts. */
const isTooMuch = (load: { open: number; working: number; bytes: number }, bytes: number) =>
  Math.max(load.open, load.working) >= LIMITS.requestsInFlight ||
  load.bytes + bytes > LIMITS.bodyBytesInFlight

/** What the body may come to: as declared, or as much as the route takes. */
function bodyBytes({ headers, routeOptions }: FastifyRequest): number {
  const most = routeOptions.bodyLimit ?? LIMITS.bodyBytes
  if (headers['transfer-encoding'] !== undefined) return most
  const declared = Number(headers['content-length'] ?? 0)
  return Number.isFinite(declared) ? Math.min(declared, most) : most
}

/** One key's requests take turns. A request that never comes to its handler gives its turn back. */
export function createTurns(): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const turns = new Turns({
    working: LIMITS.keyRequestsAtWork,
    waiting: LIMITS.keyRequestsWaiting,
    waitMs: LIMITS.keyTurnWaitMs,
    tooMany: () =>
      new LedgerError('rate-limited', 'The key has too many requests under way', {
        retryAfterSeconds: 1,
      }),
  })
  return async (request, reply) => {
    if (request.caller === null || request.routeOptions.config.always === true) return
    const endTurn = await turns.take(request.caller.keyId)
    request.endTurn = endTurn
    whenOver(reply.raw, endTurn)
  }
}

const SWEEP_MS = 100

/**
 * Node closes idle connections once when a server stops, and from then on enforces no time-out. What
 * becomes idle later, what never said a word and what outlasts every deadline is ended here.
 */
function endConnections(server: Server, sockets: ReadonlySet<Socket>): void {
  const sweep = setInterval(() => {
    server.closeIdleConnections()
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }, SWEEP_MS)
  const last = setTimeout(() => server.closeAllConnections(), LIMITS.stopMs)
  server.once('close', () => {
    clearInterval(sweep)
    clearTimeout(last)
  })
}

/**
 * Once the server stops, what is under way is finished and nothing else is begun: later requests
 * on open connections, those for `/readyz` too, get 503 `not-ready`, and every connection is closed.
 */
export function addStop(app: FastifyInstance): AbortSignal {
  const stop = new AbortController()
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  app.addHook('preClose', (done) => {
    stop.abort()
    if (app.server.listening) endConnections(app.server, sockets)
    done()
  })
  app.addHook('onRequest', (_, __, done) => {
    done(stop.signal.aborted ? new LedgerError('not-ready', 'The server is stopping') : undefined)
  })
  app.addHook('onSend', (_, reply, payload, done) => {
    if (stop.signal.aborted) reply.header('connection', 'close')
    done(null, payload)
  })
  return stop.signal
}
