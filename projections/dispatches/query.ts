import type { List, PlacedRow } from '../list.ts'
import { schemaOf } from '../projection.ts'
import { dispatchFields } from './fields.ts'
import { dispatches } from './project.ts'

export type DispatchRow = Readonly<{
  dispatch_id: string
  digest: string
  contract_id: string
  contract_version: number
  target: string
  output_namespace: string
  occurrence: string
  reached: string | null
  verdict: string | null
  output_digest: string | null
  refusals: number
  last_refusal: string | null
  last_event: string | null
  last_stage: string | null
  last_gate: string | null
  opened_position: number
  opened_at: { toISOString(): string }
  position: number
  changed_at: { toISOString(): string }
}> &
  PlacedRow

/** A row as lists show it. */
const decode = (row: DispatchRow) => ({
  dispatchId: row.dispatch_id,
  digest: row.digest,
  contract: { id: row.contract_id, version: row.contract_version },
  target: row.target,
  outputNamespace: row.output_namespace,
  occurrence: row.occurrence,
  reached: row.reached,
  verdict: row.verdict,
  outputDigest: row.output_digest,
  refusals: row.refusals,
  lastRefusal: row.last_refusal,
  lastEvent: row.last_event,
  lastStage: row.last_stage,
  lastGate: row.last_gate,
  openedAt: row.opened_at.toISOString(),
  position: row.position,
  changedAt: row.changed_at.toISOString(),
})

const schema = schemaOf(dispatches)

export const dispatchList: List<DispatchRow> = {
  name: dispatches.name,
  schema,
  columns: 'd.*',
  from: `${schema}.dispatches d`,
  fields: dispatchFields,
  time: 'openedAt',
  place: 'd.opened_position',
  namespace: 'outputNamespace',
  decode,
}
