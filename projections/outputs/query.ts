import type { List, PlacedRow } from '../list.ts'
import { schemaOf } from '../projection.ts'
import { outputFields } from './fields.ts'
import { outputs } from './project.ts'

export type OutputRow = Readonly<{
  event_id: string
  dispatch_id: string
  output_namespace: string
  verdict: string
  output: string
  output_digest: string
  executor_type: string
  executor_build: number
  position: number
  recorded_at: { toISOString(): string }
}> &
  PlacedRow

/** A row as lists show it. */
const decode = (row: OutputRow) => ({
  dispatchId: row.dispatch_id,
  outputNamespace: row.output_namespace,
  verdict: row.verdict,
  output: JSON.parse(row.output) as unknown,
  outputDigest: row.output_digest,
  executor: { type: row.executor_type, build: row.executor_build },
  eventId: row.event_id,
  position: row.position,
  recordedAt: row.recorded_at.toISOString(),
})

const schema = schemaOf(outputs)

export const outputList: List<OutputRow> = {
  name: outputs.name,
  schema,
  columns: 'o.*',
  from: `${schema}.outputs o`,
  fields: outputFields,
  time: 'recordedAt',
  place: 'o.position',
  namespace: 'outputNamespace',
  decode,
}
