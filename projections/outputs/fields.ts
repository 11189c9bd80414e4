import type { Columns } from '../filter-sql.ts'

/** What outputs can be found and ordered by. Each field has an index: see table.sql. */
export const outputFields = {
  dispatchId: { type: 'uuid', column: 'o.dispatch_id' },
  outputNamespace: { type: 'namespace', column: 'o.output_namespace collate "C"' },
  verdict: { type: 'text', column: 'o.verdict', values: ['would_succeed', 'would_fail'] },
  'executor.type': { type: 'text', column: 'o.executor_type' },
  recordedAt: { type: 'time', column: 'o.recorded_at', ordered: true },
} as const satisfies Columns
