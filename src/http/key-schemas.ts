import { z } from 'zod'
import { ROLES, SCOPES } from '../access/scopes.ts'
import { pageOf, pageSize } from './list-schemas.ts'
import { recordedAt } from './schemas.ts'

/** What a key is asked to be, and how it is shown: never its secret but the once. */

export const newKey = z
  .strictObject({
    name: z.string().min(1).max(100),
    role: z.enum(Object.keys(ROLES) as [string, ...string[]]).optional(),
    scopes: z.array(z.enum(SCOPES)).min(1).optional(),
    namespacePrefixes: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Whole segments; for a dispatcher’s scopes alone. Left out: no limit.'),
    expiresAt: z.iso.datetime({ offset: true }).optional(),
  })
  .refine((it) => (it.role === undefined) !== (it.scopes === undefined), 'Give role or scopes')
export const accessKey = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string().nullable().describe('The role whose scopes these are'),
  scopes: z.array(z.string()),
  namespacePrefixes: z.array(z.string()),
  createdAt: recordedAt,
  createdBy: z.string(),
  expiresAt: recordedAt.nullable(),
  revokedAt: recordedAt.nullable(),
  revokedBy: z.string().nullable(),
  lastUsedAt: recordedAt.nullable(),
})
export const madeKey = accessKey.extend({ key: z.string().describe('Shown this once') })
export const keyPage = pageOf('keys', accessKey)
export const keysQuery = z.strictObject({
  pageSize,
  pageToken: z
    .string()
    .regex(/^[a-z0-9]{12}$/)
    .optional(),
})
export const keyAddress = z.object({ id: z.string().max(64) })
