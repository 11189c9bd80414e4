import type { Columns } from '../filter-sql.ts'

/** What dispatches can be found and ordered by. Each field has an index: see table.sql. */
export const dispatchFields = {
  dispatchId: { type: 'uuid', column: 'd.dispatch_id' },
  'contract.id': { type: 'text', column: 'd.contract_id', ordered: true },
  'contract.version': { type: 'integer', column: 'd.contract_version' },
  target: { type: 'text', column: 'd.target', ordered: true },
  outputNamespace: { type: 'namespace', column: 'left(d.output_namespace, 202) collate "C"' },
  occurrence: { type: 'text', column: 'd.occurrence' },
  reached: {
    type: 'text',
    column: 'd.reached',
    values: ['Planned', 'PreflightPassed', 'DryRunRecorded'],
    nullable: true,
  },
  verdict: {
    type: 'text',
    column: 'd.verdict',
    values: ['would_succeed', 'would_fail'],
    nullable: true,
  },
  lastRefusal: { type: 'text', column: 'd.last_refusal', nullable: true },
  openedAt: { type: 'time', column: 'd.opened_at', ordered: true },
  changedAt: { type: 'time', column: 'd.changed_at', ordered: true },
} as const satisfies Columns
