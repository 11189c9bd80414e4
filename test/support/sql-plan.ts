import type { Json, JsonObject } from '../../domain/json.ts'
import type { Plan } from '../../src/ports.ts'

/** The strengths of a login that only reads. */
export const ONLY_READS = { attributes: [], memberships: [], owns: [], writes: [], reaches: [] }

export type SqlPlan = Readonly<{
  source?: string
  schemas?: readonly string[]
  bind?: readonly string[]
  params?: JsonObject
  fixture?: Json
  limits?: Partial<Plan['limits']>
}>

export const sqlPlan = (
  sql: string,
  { source = 'shop', schemas, bind = [], params = {}, fixture = null, limits }: SqlPlan = {},
): Plan => ({
  program: { sql, bind },
  params,
  fixture,
  target: {
    kind: 'Target',
    id: 'test',
    version: 1,
    executor: 'sql-read',
    source,
    ...(schemas === undefined ? {} : { schemas }),
  },
  limits: { timeMs: 10_000, rows: 1_000, outputBytes: 65_536, ...limits },
})
