import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { LedgerError } from '../../errors.ts'
import * as analytics from '../analytics-schemas.ts'
import type { HttpPorts } from '../ports.ts'
import { callerOf } from '../reply.ts'
import * as schemas from '../schemas.ts'

/** The view whose rows are read here; the others are read in SQL. */
const CALLS = 'calls_hourly_v1'
const DEFAULT_PAGE = 1_000

export const analyticsRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.get(
    '/v1/analytics',
    {
      config: { scope: 'analytics:read' },
      schema: {
        operationId: 'listViews',
        summary: 'Every view that analysts read, with its columns',
        response: schemas.answers({ 200: analytics.viewList }),
      },
    },
    async (request) => {
      refuseLimitedKey(request)
      const views = await ports.analytics.views()
      const rowsOf = (name: string) => (name === CALLS ? `/v1/analytics/${name}` : null)
      return { views: views.map((view) => ({ ...view, rows: rowsOf(view.name) })) }
    },
  )

  app.get(
    '/v1/analytics/:view',
    {
      config: { scope: 'analytics:read' },
      schema: {
        operationId: 'readView',
        summary: `The rows of a view, in order. Of ${CALLS}: calls by what they were answered`,
        params: analytics.viewAddress,
        querystring: analytics.rowsQuery,
        response: schemas.answers({ 200: analytics.rows }),
      },
    },
    async (request) => {
      refuseLimitedKey(request)
      const { view } = request.params
      if (view !== CALLS) throw notServed(view)
      const { after, until, pageSize = DEFAULT_PAGE, pageToken = null } = request.query
      const range = { afterMs: timeOf(after), untilMs: timeOf(until) }
      return { view, ...(await ports.analytics.calls({ ...range, pageSize, pageToken })) }
    },
  )
}

const timeOf = (hour: string | undefined): number | null =>
  hour === undefined ? null : Date.parse(hour)

const notServed = (view: string): LedgerError =>
  new LedgerError(
    'not-found',
    `No rows of ${view} are read here: GET /v1/analytics lists the views, and those with rows`,
  )

function refuseLimitedKey(request: FastifyRequest): void {
  if (callerOf(request).namespacePrefixes.length === 0) return
  throw new LedgerError('forbidden', 'The key is limited to namespaces, and views are of all')
}
