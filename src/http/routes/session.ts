import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { LedgerError } from '../../errors.ts'
import type { HttpPorts } from '../ports.ts'
import { authorizationOf, sessionCookie } from '../session.ts'

const NO_CONTENT = 204
const TOKEN_LENGTH_MAX = 200

/** How a browser gets and loses the cookie of the console: see session.ts. No part of the API that others use. */
export const sessionRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.post(
    '/v1/session',
    {
      config: { scope: 'any' },
      schema: { hide: true },
    },
    async (request, reply) => {
      const key = authorizationOf(request)?.replace(/^Bearer /i, '') ?? null
      return reply.code(NO_CONTENT).header('set-cookie', sessionCookie(request, key)).send()
    },
  )

  app.post(
    '/v1/session/link',
    {
      config: { scope: null },
      schema: { hide: true, body: z.strictObject({ token: z.string().max(TOKEN_LENGTH_MAX) }) },
    },
    async (request, reply) => {
      const key = ports.oneTimeKey.redeem(request.body.token)
      const caller = key === null ? null : await ports.authenticate(`Bearer ${key}`)
      if (caller === null) {
        throw new LedgerError(
          'unauthenticated',
          'The link was used already, or another start of the server printed it',
        )
      }
      return reply.code(NO_CONTENT).header('set-cookie', sessionCookie(request, key)).send()
    },
  )

  app.delete(
    '/v1/session',
    {
      config: { scope: null },
      schema: { hide: true },
    },
    async (request, reply) =>
      reply.code(NO_CONTENT).header('set-cookie', sessionCookie(request, null)).send(),
  )
}
