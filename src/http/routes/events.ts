import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Recorded } from '../../../domain/events.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { LedgerError } from '../../errors.ts'
import type { AccessRecord } from '../../ports.ts'
import { exportLines, liveText } from '../event-streams.ts'
import type { HttpPorts } from '../ports.ts'
import { callerOf } from '../reply.ts'
import * as schemas from '../schemas.ts'
import { sendText } from '../send-text.ts'
import { waitForPosition } from '../wait-for-position.ts'

const DEFAULT_LIMIT = 100
/** A page of a rare type looks at this many events and then says where to go on. */
const SCANNED_MAX = 10_000

const PAGE = 'application/json'
const EXPORT = 'application/x-ndjson'
const LIVE = 'text/event-stream'
/**
 * A live tail ends with its connection, so that a stopping server waits for nobody. An export must
 * not say so: undici takes what breaks off on a connection that was to close for a whole answer.
 */
const LIVE_HEADERS = { 'content-type': LIVE, connection: 'close' }

export const eventRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.get(
    '/v1/events',
    {
      config: { scope: 'events:read' },
      schema: {
        operationId: 'listEvents',
        summary:
          'Every event of the ledger, in position order: a page, an export, or the live tail',
        querystring: schemas.eventsQuery,
        headers: schemas.eventsHeaders,
        response: schemas.answers({ 200: schemas.eventAnswers }),
      },
    },
    async (request, reply) => {
      refuseLimitedKey(request)
      const { until, type, limit, minPosition = 0 } = request.query
      const format = formatOf(request.headers.accept)
      const resumed = format === LIVE ? request.headers['last-event-id'] : undefined
      const after = resumed ?? request.query.after ?? 0
      if (format !== PAGE) refuseParameter('limit', limit, format)
      if (format === LIVE) refuseParameter('until', until, format)
      const head = await waitForPosition(minPosition, ports.store.head)
      reply.header('ledger-position', head.position)
      const end = Math.min(until ?? head.position, head.position)
      const note = (name: string, read: Pick<AccessRecord, 'until' | 'count'>) => {
        const { call, query } = request
        return ports.logAccess({
          call,
          route: `GET /v1/events ${name}`,
          asked: query,
          after,
          ...read,
        })
      }
      if (format === EXPORT) {
        await note('export', { until: end, count: null })
        const signal = app.streams.open(request, reply)
        const lines = exportLines(ports.store, { after, until: end, type, signal })
        return sendText(reply, { 'content-type': EXPORT }, lines)
      }
      if (format === LIVE) {
        await note('live', { until: null, count: null })
        const signal = app.streams.open(request, reply)
        const { heartbeatMs } = LIMITS
        const text = liveText(ports.store, { after, type, signal, heartbeatMs })
        return sendText(reply, LIVE_HEADERS, text)
      }
      const answer = await page(ports, { after, end, type, limit: limit ?? DEFAULT_LIMIT })
      await note('page', { until: answer.next ?? end, count: answer.events.length })
      return answer
    },
  )
}

/** The first format of an Accept header that this route speaks; a page where it names none. */
const formatOf = (accept = ''): string =>
  accept
    .split(',')
    .map((it) => it.split(';')[0]?.trim().toLowerCase() ?? '')
    .find((it) => [PAGE, EXPORT, LIVE].includes(it)) ?? PAGE

function refuseParameter(name: string, value: unknown, format: string): void {
  if (value === undefined) return
  throw new LedgerError('schema-invalid', `${name} means nothing for ${format}`)
}

/** The log is one whole: a key that is limited to namespaces reads its dispatches one by one. */
function refuseLimitedKey(request: FastifyRequest): void {
  if (callerOf(request).namespacePrefixes.length === 0) return
  throw new LedgerError('forbidden', 'The key is limited to namespaces, and the log is of all')
}

type Range = { after: number; end: number; type: string | undefined; limit: number }

async function page(ports: HttpPorts, { after, end, type, limit }: Range) {
  const events: Recorded[] = []
  let scanned = 0
  let last = after
  for await (const event of ports.store.read({ after, until: end, limit: SCANNED_MAX })) {
    last = event.position
    scanned += 1
    if (type === undefined || event.type === type) events.push(event)
    if (events.length === limit) break
  }
  const complete = last >= end || (events.length < limit && scanned < SCANNED_MAX)
  return { events, next: complete ? null : last }
}
