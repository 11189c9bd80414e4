import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ERRORS, type ErrorCode, LedgerError } from '../../errors.ts'
import { STATUS } from '../problem.ts'
import * as schemas from '../schemas.ts'

/** What the `type` of a problem points to. */
export const problemRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/problems/:code',
    {
      config: { scope: null },
      schema: {
        operationId: 'getProblem',
        summary: 'What a code means',
        params: z.object({ code: z.string().max(64) }),
        response: schemas.answers({ 200: schemas.knownProblem }),
      },
    },
    async (request) => {
      const { code } = request.params
      if (!Object.hasOwn(ERRORS, code))
        throw new LedgerError('not-found', `There is no code ${code}`)
      return { code, status: STATUS[code as ErrorCode], ...ERRORS[code as ErrorCode] }
    },
  )
}
