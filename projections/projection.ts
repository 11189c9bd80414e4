import type { LedgerEvent, Recorded } from '../domain/events.ts'
import type { Json } from '../domain/json.ts'

/** A row of a read model, by column. Values are what `json_populate_recordset` can read. */
export type Row = { readonly [column: string]: Json }

/**
 * A read model as a value: a fold per key. No clock, no randomness, no I/O: the same events give
 * the same rows. `apply` never fails; every event it does not handle only moves the position.
 */
export type KeyedProjection = Readonly<{
  name: string
  /** A change of the rows is a new version: a new schema, filled from the first event on. */
  version: number
  /** Table and key column in the schema `rm_<name>_v<version>`. */
  table: string
  keyColumn: string
  handles: readonly LedgerEvent['type'][]
  /** The row that an event belongs to, or null for none. */
  key(event: Recorded): string | null
  apply(row: Row | undefined, event: Recorded): Row
}>

export const schemaOf = (projection: KeyedProjection): string =>
  `rm_${projection.name}_v${projection.version}`
