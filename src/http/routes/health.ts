import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import * as health from '../health-schemas.ts'
import type { HttpPorts } from '../ports.ts'
import * as schemas from '../schemas.ts'

const UNAVAILABLE = 503
const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'

export const healthRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  const open = { config: { scope: null, always: true } } as const

  app.get(
    '/livez',
    {
      ...open,
      schema: {
        operationId: 'getLiveness',
        summary: 'The process answers',
        response: schemas.answers({ 200: health.liveness }),
      },
    },
    async () => ({
      status: 'ok',
      version: ports.version,
    }),
  )

  app.get(
    '/readyz',
    {
      ...open,
      schema: {
        operationId: 'getReadiness',
        summary: 'Store reachable, schema current, every gate can refuse',
        response: schemas.answers({ 200: health.readiness, 503: health.unready }),
      },
    },
    async (_, reply) => {
      const readiness = await ports.readiness()
      if (!readiness.ready) reply.code(UNAVAILABLE)
      return readiness
    },
  )

  app.get('/metrics', { ...open, schema: { hide: true } }, async (_, reply) => {
    const text = await ports.metrics()
    return reply.type(PROMETHEUS_TEXT).send(text)
  })

  app.get('/openapi.json', { ...open, schema: { hide: true } }, async () => app.swagger())
}
