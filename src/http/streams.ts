import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import type { HttpPorts } from './ports.ts'
import { whenOver } from './when-over.ts'

/** Answers that last as long as somebody listens: live tails and exports. */
export type Streams = Readonly<{
  /**
   * Takes a place among the streams and gives back the turn of the request. The signal aborts when
   * the caller has gone, when its key was revoked, expired or lost the scope, and when the server
   * stops: the route then ends its answer, and soon it is cut. Throws `not-ready` when every place
   * is taken.
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
  const ends = new Set<() => void>()
  stopping.addEventListener('abort', () => ends.forEach((end) => end()))
  const open: Streams['open'] = (request, reply) => {
    if (ends.size >= LIMITS.streams) {
      throw new LedgerError('not-ready', 'As many read the log as may at a time')
    }
    request.endTurn?.()
    const over = new AbortController()
    let late: NodeJS.Timeout | undefined
    const end = (): void => {
      over.abort()
      late ??= setTimeout(() => reply.raw.destroy(), LIMITS.streamEndMs)
    }
    const check = setInterval(() => {
      mayStill(request, ports).then((may) => may || end(), end)
    }, checkMs)
    ends.add(end)
    whenOver(reply.raw, () => {
      over.abort()
      ends.delete(end)
      clearInterval(check)
      clearTimeout(late)
    })
    return over.signal
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
