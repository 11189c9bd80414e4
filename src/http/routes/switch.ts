import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { reportSwitch } from '../../control/set-switch.ts'
import type { HttpPorts } from '../ports.ts'
import * as schemas from '../schemas.ts'
import { waitForPosition } from '../wait-for-position.ts'

export const switchRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.get(
    '/v1/switch',
    {
      config: { scope: 'switch:read', always: true },
      schema: {
        operationId: 'getSwitch',
        summary: 'The kill switch in every scope that was set; global is null where it was not',
        querystring: schemas.read,
        response: schemas.answers({ 200: schemas.switchReport }),
      },
    },
    async (request, reply) => {
      const head = await waitForPosition(request.query.minPosition ?? 0, ports.store.head)
      const { control } = await ports.ledger.current()
      reply.header('ledger-position', head.position)
      return { guarantee: ports.store.guarantee, ...reportSwitch(control) }
    },
  )

  app.put(
    '/v1/switch/:scope',
    {
      config: { scope: 'switch:write', always: true },
      schema: {
        operationId: 'setSwitch',
        summary: 'Set a scope; answered once it is in force everywhere',
        params: schemas.switchAddress,
        body: schemas.setSwitch,
        response: schemas.answers({ 200: schemas.switchPosition }),
      },
    },
    async (request, reply) => {
      const { scope } = request.params
      const position = await ports.setSwitch({ ...request.call, scope, ...request.body })
      Object.assign(request.facts, { scope, state: position.state })
      reply.header('ledger-position', position.position)
      return { scope, ...position }
    },
  )
}
