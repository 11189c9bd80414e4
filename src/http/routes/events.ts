import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Recorded } from '../../../domain/events.ts'
import type { HttpPorts } from '../ports.ts'
import * as schemas from '../schemas.ts'
import { waitForPosition } from '../wait-for-position.ts'

const DEFAULT_LIMIT = 100
/** A page of a rare type looks at this many events and then says where to go on. */
const SCANNED_MAX = 10_000

export const eventRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.get(
    '/v1/events',
    {
      config: { scope: 'events:read' },
      schema: {
        operationId: 'listEvents',
        summary: 'Every event of the ledger, in position order',
        querystring: schemas.eventsQuery,
        response: schemas.answers({ 200: schemas.eventPage }),
      },
    },
    async (request, reply) => {
      const { after = 0, until, type, limit = DEFAULT_LIMIT, minPosition = 0 } = request.query
      const head = await waitForPosition(minPosition, ports.store.head)
      reply.header('ledger-position', head.position)
      const end = Math.min(until ?? head.position, head.position)
      const answer = await page(ports, { after, end, type, limit })
      await ports.logAccess({
        call: request.call,
        route: 'GET /v1/events page',
        asked: request.query,
        after,
        until: answer.next ?? end,
        count: answer.events.length,
      })
      return answer
    },
  )
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
