import { MODES } from '../../domain/dispatch/command.ts'
import type { Columns } from '../filter-sql.ts'

/** What refusals can be found and ordered by. Each field has an index: see table.sql. */
export const refusalFields = {
  refusalId: { type: 'uuid', column: 'r.refusal_id' },
  dispatchId: { type: 'uuid', column: 'r.dispatch_id' },
  'contract.id': { type: 'text', column: 'r.contract_id' },
  'contract.version': { type: 'integer', column: 'r.contract_version' },
  target: { type: 'text', column: 'r.target' },
  outputNamespace: { type: 'namespace', column: 'left(r.output_namespace, 202) collate "C"' },
  mode: { type: 'text', column: 'r.mode', values: MODES },
  code: { type: 'text', column: 'r.code' },
  rule: { type: 'integer', column: 'r.rule' },
  stage: { type: 'text', column: 'r.stage', values: ['admission', 'preflight', 'execution'] },
  gate: { type: 'text', column: 'r.gate', nullable: true },
  recordedAt: { type: 'time', column: 'r.recorded_at', ordered: true },
} as const satisfies Columns
