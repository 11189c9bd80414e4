import type pg from 'pg'
import type { Recorded } from '../../domain/events.ts'
import { type KeyedProjection, type Row, schemaOf } from '../../projections/projection.ts'
import type { FollowerPosition } from './tables.ts'

/**
 * Folds a batch into the rows it belongs to and moves the follower, in one transaction. The
 * follower moves by compare-and-set: false means that somebody else moved it, and nothing is written.
 */
export async function applyBatch(
  client: pg.ClientBase,
  projection: KeyedProjection,
  from: FollowerPosition,
  events: readonly [Recorded, ...Recorded[]],
): Promise<boolean> {
  const last = events.at(-1) ?? events[0]
  const handled = events.filter((event) => projection.handles.includes(event.type))
  await client.query('begin')
  try {
    const rows = fold(projection, await loadRows(client, projection, handled), handled)
    await writeRows(client, projection, rows)
    const moved = await client.query(
      `update ${schemaOf(projection)}.follower set position = $1, event_id = $2 where position = $3`,
      [last.position, last.id, from.position],
    )
    await client.query(moved.rowCount === 1 ? 'commit' : 'rollback')
    return moved.rowCount === 1
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

function fold(
  projection: KeyedProjection,
  known: ReadonlyMap<string, Row>,
  events: readonly Recorded[],
): readonly Row[] {
  const rows = new Map<string, Row>()
  for (const event of events) {
    const key = projection.key(event)
    if (key !== null) rows.set(key, projection.apply(rows.get(key) ?? known.get(key), event))
  }
  return [...rows.values()]
}

async function loadRows(
  client: pg.ClientBase,
  projection: KeyedProjection,
  events: readonly Recorded[],
): Promise<ReadonlyMap<string, Row>> {
  const keys = [...new Set(events.map(projection.key).filter((key) => key !== null))]
  if (keys.length === 0) return new Map()
  const { table, keyColumn } = projection
  const text = `select ${keyColumn}::text as key, to_json(t) as row
    from ${schemaOf(projection)}.${table} t where ${keyColumn} = any($1::text[]::uuid[])`
  const { rows } = await client.query<{ key: string; row: Row }>(text, [keys])
  return new Map(rows.map(({ key, row }) => [key, row]))
}

/** One set-based statement, whatever the size of the batch. */
async function writeRows(
  client: pg.ClientBase,
  projection: KeyedProjection,
  rows: readonly Row[],
): Promise<void> {
  const [first] = rows
  if (first === undefined) return
  const table = `${schemaOf(projection)}.${projection.table}`
  const columns = Object.keys(first).filter((column) => column !== projection.keyColumn)
  const assignments = columns.map((column) => `${column} = excluded.${column}`).join(', ')
  const text = `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)
    on conflict (${projection.keyColumn}) do update set ${assignments}`
  await client.query(text, [JSON.stringify(rows)])
}
