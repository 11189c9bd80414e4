import type { LedgerEvent, Recorded } from '../domain/events.ts'
import type { Json } from '../domain/json.ts'

/** A row of a read model, by column. Values are what `json_populate_recordset` can read. */
export type Row = { readonly [column: string]: Json }

/** Rows that are never touched again, each for a table of the projection's schema. */
export type Facts = Readonly<{
  /** In the order in which a batch fills them. */
  tables: readonly string[]
  facts(event: Recorded): readonly Readonly<{ table: string; row: Row }>[]
}>

/** One row per key in the table that has the projection's name: a fold. */
export type Keyed = Readonly<{
  keyed: Readonly<{
    /** The column of the key, a uuid. */
    column: string
    /** The row that an event belongs to, or null for none. */
    key(event: Recorded): string | null
    apply(row: Row | undefined, event: Recorded): Row
  }>
}>

/**
 * A read model as a value. No clock, no randomness, no I/O: the same events give the same rows,
 * in whatever batches they come. It never fails; every event it does not handle only moves the
 * follower position. A void event opens what the first event of a stream opens, and adds nothing.
 */
export type Projection = Readonly<{
  name: string
  /** A change of the rows is a new version: a new schema, filled from the first event on. */
  version: number
  handles: readonly LedgerEvent['type'][]
}> &
  (Facts | Keyed)

export const schemaOf = ({ name, version }: Pick<Projection, 'name' | 'version'>): string =>
  `rm_${name}_v${version}`
