import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { dispatchFields } from '../../../projections/dispatches/fields.ts'
import { outputFields } from '../../../projections/outputs/fields.ts'
import { refusalFields } from '../../../projections/refusals/fields.ts'
import { ERRORS, type ErrorCode, LedgerError } from '../../errors.ts'
import * as lists from '../list-schemas.ts'
import type { HttpPorts } from '../ports.ts'
import { callerOf } from '../reply.ts'
import * as schemas from '../schemas.ts'
import { visibleOf } from '../visible-namespaces.ts'
import { waitForPosition } from '../wait-for-position.ts'

const DEFAULT_PAGE = 50

/** A refusal as listed says who must act, too: that follows from the code and is not recorded. */
const withActor = (row: unknown) => {
  const { code } = row as { code: ErrorCode }
  return { ...(row as object), whoMustAct: ERRORS[code].whoMustAct }
}

const LISTS = [
  {
    name: 'dispatches',
    operationId: 'listDispatches',
    summary: 'List dispatches, the last opened first',
    fields: dispatchFields,
    page: lists.pageOf('dispatches', lists.listedDispatch),
    show: (row: unknown) => row,
  },
  {
    name: 'refusals',
    operationId: 'listRefusals',
    summary: 'List recorded refusals, the last first',
    fields: refusalFields,
    page: lists.pageOf('refusals', lists.listedRefusal),
    show: withActor,
  },
  {
    name: 'outputs',
    operationId: 'listOutputs',
    summary: 'List what dry runs gave, the last first',
    fields: outputFields,
    page: lists.pageOf('outputs', lists.listedOutput),
    show: (row: unknown) => row,
  },
] as const

export const readModelRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  for (const { name, operationId, summary, fields, page, show } of LISTS) {
    app.get(
      `/v1/${name}`,
      {
        config: { scope: 'dispatch:read' },
        schema: {
          operationId,
          summary,
          querystring: lists.listQuery(fields),
          response: schemas.answers({ 200: page }),
        },
      },
      async (request, reply) => {
        const { pageSize = DEFAULT_PAGE, pageToken = null, minPosition = 0 } = request.query
        const { namespace, filter = null, orderBy = null } = request.query
        const within = visibleOf(callerOf(request), namespace)
        const read = () => ports.list(name, { pageSize, pageToken, filter, orderBy, within })
        const found = await waitForPosition(minPosition, read)
        reply.header('ledger-position', found.position)
        return { [name]: found.rows.map(show), nextPageToken: found.nextPageToken }
      },
    )
  }

  app.get(
    '/v1/projections',
    {
      config: { scope: 'projections:read' },
      schema: {
        operationId: 'listProjections',
        summary: 'Every read model: how far it is, and what this process does for it',
        querystring: schemas.read,
        response: schemas.answers({ 200: lists.projectionList }),
      },
    },
    async (request, reply) => {
      const head = await waitForPosition(request.query.minPosition ?? 0, ports.store.head)
      reply.header('ledger-position', head.position)
      return { projections: await ports.projections() }
    },
  )

  app.get(
    '/v1/projections/:name',
    {
      config: { scope: 'projections:read' },
      schema: {
        operationId: 'getProjection',
        summary: 'One read model',
        params: lists.projectionAddress,
        querystring: schemas.read,
        response: schemas.answers({ 200: lists.projection }),
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const head = await waitForPosition(request.query.minPosition ?? 0, ports.store.head)
      const found = (await ports.projections()).find((it) => it.name === name)
      if (found === undefined) throw new LedgerError('not-found', `There is no projection ${name}`)
      reply.header('ledger-position', head.position)
      return found
    },
  )
}
