import type { List, PlacedRow } from '../list.ts'
import { schemaOf } from '../projection.ts'
import { refusalFields } from './fields.ts'
import { refusals } from './project.ts'

export type RefusalRow = Readonly<{
  refusal_id: string
  dispatch_id: string
  contract_id: string
  contract_version: number
  target: string
  output_namespace: string
  mode: string
  code: string
  rule: number
  stage: string
  gate: string | null
  control_revision: number
  position: number
  recorded_at: { toISOString(): string }
}> &
  PlacedRow

/** A row as lists show it. */
const decode = (row: RefusalRow) => ({
  refusalId: row.refusal_id,
  dispatchId: row.dispatch_id,
  contract: { id: row.contract_id, version: row.contract_version },
  target: row.target,
  outputNamespace: row.output_namespace,
  mode: row.mode,
  code: row.code,
  rule: row.rule,
  stage: row.stage,
  gate: row.gate,
  controlRevision: row.control_revision,
  position: row.position,
  recordedAt: row.recorded_at.toISOString(),
})

const schema = schemaOf(refusals)

export const refusalList: List<RefusalRow> = {
  name: refusals.name,
  schema,
  columns: 'r.*',
  from: `${schema}.refusals r`,
  fields: refusalFields,
  time: 'recordedAt',
  place: 'r.position',
  namespace: 'outputNamespace',
  decode,
}
