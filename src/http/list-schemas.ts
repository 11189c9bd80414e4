import { z } from 'zod'
import { MODES } from '../../domain/dispatch/command.ts'
import { comparatorsOf, type Fields } from '../../domain/filter/field.ts'
import { LIMITS } from '../../domain/limits.ts'
import {
  digest,
  dispatchId,
  id,
  json,
  minPosition,
  position,
  reached,
  recordedAt,
  version,
  wholeNumber,
} from './schemas.ts'

/** What read models are asked for, and the rows they show. */

export const pageSize = wholeNumber.pipe(z.int().min(1).max(LIMITS.pageSize)).optional()

export const listQuery = (fields: Fields) =>
  z.strictObject({
    namespace: z
      .string()
      .max(LIMITS.namespaceLength)
      .optional()
      .describe('Only what belongs to this namespace or lies below it, by whole segments.'),
    filter: z
      .string()
      .max(LIMITS.filterLength)
      .optional()
      .describe(
        `A strict subset of AIP-160; OR binds tighter than AND. Fields: ${filterHelp(fields)}.`,
      ),
    orderBy: z
      .string()
      .max(LIMITS.orderByLength)
      .optional()
      .describe(`As in AIP-132, \`field\` or \`field desc\`. Fields: ${orderHelp(fields)}.`),
    pageSize,
    pageToken: z
      .string()
      .max(LIMITS.pageTokenLength)
      .optional()
      .describe('Goes on with the filter and orderBy it was given for, and with no other.'),
    minPosition,
  })

/** Every field with what may be asked of it. */
const filterHelp = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, field]) => `${name} (${field.type}: ${comparatorsOf(field).join(' ')})`)
    .join(', ')

const orderHelp = (fields: Fields): string =>
  Object.keys(fields)
    .filter((name) => fields[name]?.ordered)
    .join(', ')

export const pageOf = (name: string, row: z.ZodType) =>
  z.object({ [name]: z.array(row), nextPageToken: z.string().nullable() })
export const listedDispatch = z.looseObject({
  dispatchId,
  digest,
  contract: z.object({ id, version }),
  target: id,
  outputNamespace: z.string(),
  reached,
  verdict: z.enum(['would_succeed', 'would_fail']).nullable(),
  position,
})

export const listedRefusal = z.looseObject({
  refusalId: z.uuid(),
  dispatchId,
  contract: z.object({ id, version }),
  target: id,
  outputNamespace: z.string(),
  mode: z.enum(MODES),
  code: z.string(),
  rule: z.int(),
  stage: z.enum(['admission', 'preflight', 'execution']),
  gate: z.string().nullable(),
  whoMustAct: z.enum(['caller', 'operator', 'catalogue-owner', 'nobody']),
  controlRevision: z.int(),
  position,
  recordedAt,
})

export const listedOutput = z.looseObject({
  dispatchId,
  outputNamespace: z.string(),
  verdict: z.enum(['would_succeed', 'would_fail']),
  output: json,
  outputDigest: digest,
  executor: z.object({ type: z.string(), build: z.int() }),
  eventId: z.uuid(),
  position,
  recordedAt,
})

export const projection = z
  .object({
    name: z.string(),
    version: z.int(),
    state: z
      .enum(['starting', 'following', 'standby', 'stopped'])
      .describe('What this process does: one process follows, the others stand by.'),
    detail: z.string(),
    position: position.describe('The read model is complete up to it, whoever follows.'),
    lag: z
      .object({ positions: z.int(), seconds: z.number() })
      .describe('Behind the log: positions (in Postgres: events), age of the oldest event missing'),
  })
  .meta({ id: 'Projection' })
export const projectionList = z.object({ projections: z.array(projection) })
export const projectionAddress = z.object({ name: z.string().max(64) })
