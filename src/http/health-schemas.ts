import { z } from 'zod'
import { problem } from './schemas.ts'

/** What the server says of itself. */

export const liveness = z.object({ status: z.literal('ok'), version: z.string() })
export const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
})
/** Not ready is told with every part that was looked at; a server that stops has no time for that. */
export const unready = {
  description: 'Not ready, or stopping',
  content: {
    'application/json': { schema: readiness },
    'application/problem+json': { schema: problem },
  },
}

export const selfTested = z.object({
  fired: z.int(),
  of: z.int(),
  controls: z.array(
    z.object({
      gate: z.string(),
      rule: z.int(),
      code: z.string().describe('What the negative control must be refused with'),
      fired: z.boolean(),
      alone: z.boolean().describe('The gate refused its control'),
      inServer: z.boolean().describe('This server refused it, on facts that it gathered itself'),
      answered: z.string(),
    }),
  ),
})
