import { z } from 'zod'
import { pageSize } from './list-schemas.ts'
import { recordedAt } from './schemas.ts'

/** What analysts are shown over HTTP, and what they may ask for. */

export const viewList = z.object({
  views: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      rows: z
        .string()
        .nullable()
        .describe('Where its rows are read over HTTP; null where SQL alone reads them.'),
      columns: z.array(z.object({ name: z.string(), type: z.string(), description: z.string() })),
    }),
  ),
})

export const viewAddress = z.object({ view: z.string().max(64) })

/** A token names a whole row: the id of a contract alone may have 255 characters. */
const PAGE_TOKEN_LENGTH_MAX = 1_000
const HOUR_PATTERN = /^2\d{3}-\d\d-\d\dT\d\d:00(:00(\.000)?)?Z$/
const WHOLE_HOUR = 'a whole hour in UTC is asked for, as 2026-11-27T12:00:00Z'
const hour = z
  .string()
  .regex(HOUR_PATTERN, WHOLE_HOUR)
  .refine((text) => isHour(text), WHOLE_HOUR)

/** A day that the month does not have would be read as one of the next. */
function isHour(text: string): boolean {
  const time = new Date(text)
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text.slice(0, 13))
}

export const rowsQuery = z.strictObject({
  after: hour
    .optional()
    .describe('Hours that begin then or later. Left out: 24 hours before `until`.'),
  until: hour
    .optional()
    .describe('Hours that begin before that. Left out: the hour that has begun is the last.'),
  pageSize,
  pageToken: z.string().max(PAGE_TOKEN_LENGTH_MAX).optional(),
})

export const rows = z.object({
  view: z.string(),
  after: recordedAt,
  until: recordedAt,
  asOf: recordedAt.describe(
    'All that this server answered before is in the rows; another server may be 5 s behind.',
  ),
  rows: z.array(z.looseObject({})).describe('By the columns that GET /v1/analytics lists.'),
  nextPageToken: z.string().nullable(),
})
