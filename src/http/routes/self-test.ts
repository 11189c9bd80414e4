import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import * as health from '../health-schemas.ts'
import type { HttpPorts } from '../ports.ts'
import * as schemas from '../schemas.ts'

export const selfTestRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.post(
    '/v1/self-test',
    {
      config: { scope: 'switch:write' },
      schema: {
        operationId: 'selfTest',
        summary: 'Show every gate what it must refuse; records nothing',
        response: schemas.answers({ 200: health.selfTested }),
      },
    },
    async () => {
      const controls = await ports.selfTest()
      return { fired: controls.filter((it) => it.fired).length, of: controls.length, controls }
    },
  )
}
