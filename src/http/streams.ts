import { finished } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import type { HttpPorts } from './ports.ts'

/** Answers that last as long as somebody listens: live tails and exports. */
export type Streams = Readonly<{
  /**
   * Takes a place among the streams and gives back the turn of the request. The signal aborts when
   * the caller has gone, when its key was revoked, expired or lost the scope, and when the server
   * stops: the route then ends its answer. Throws `not-ready` when every place is taken.
   */
  open(request: FastifyRequest, reply: FastifyReply): AbortSignal
}>

/** A key is looked up again twice a minute for as long as it reads. */
export function addStreams(
  app: FastifyInstance,
  ports: Pick<HttpPorts, 'authenticate'>,
  stopping: AbortSignal,
  checkMs: number = LIMITS.streamKeyCheckMs,
): void {
  let places: number = LIMITS.streams
  const open: Streams['open'] = (request, reply) => {
    if (places === 0) throw new LedgerError('not-ready', 'As many read the log as may at a time')
    places -= 1
    request.endTurn?.()
    const end = new AbortController()
    const abort = (): void => end.abort()
    const check = setInterval(() => {
      mayStill(request, ports).then((may) => may || abort(), abort)
    }, checkMs)
    stopping.addEventListener('abort', abort)
    finished(reply.raw, () => {
      places += 1
      clearInterval(check)
      stopping.removeEventListener('abort', abort)
      abort()
    })
    return end.signal
  }
  app.decorate('streams', { open })
}

/** A key that cannot be looked up reads no further: the client comes again where it stopped. */
async function mayStill(
  { headers, routeOptions }: FastifyRequest,
  { authenticate }: Pick<HttpPorts, 'authenticate'>,
): Promise<boolean> {
  const caller = await authenticate(headers.authorization)
  const { scope } = routeOptions.config
  return caller !== null && (scope === 'any' || caller.scopes.includes(scope ?? ''))
}

declare module 'fastify' {
  interface FastifyInstance {
    streams: Streams
  }
}
