import type pg from 'pg'
import type { Recorded } from '../../domain/events.ts'
import {
  type Facts,
  type Keyed,
  type Projection,
  type Row,
  schemaOf,
} from '../../projections/projection.ts'
import type { FollowerPosition } from './tables.ts'

/**
 * Writes the rows of a batch and moves the follower, in one transaction. The follower moves by
 * compare-and-set: false means that somebody else moved it, and nothing is written.
 */
export async function applyBatch(
  client: pg.ClientBase,
  projection: Projection,
  from: FollowerPosition,
  events: readonly [Recorded, ...Recorded[]],
): Promise<boolean> {
  const last = events.at(-1) ?? events[0]
  const handled = events.filter((event) => projection.handles.includes(event.type))
  await client.query('begin')
  try {
    if ('facts' in projection) await addFacts(client, projection, handled)
    else await foldRows(client, projection, handled)
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

async function addFacts(
  client: pg.ClientBase,
  projection: Projection & Facts,
  events: readonly Recorded[],
): Promise<void> {
  const facts = events.flatMap((event) => projection.facts(event))
  for (const table of projection.tables) {
    const rows = facts.filter((it) => it.table === table).map((it) => it.row)
    if (rows.length === 0) continue
    await client.query(insertInto(`${schemaOf(projection)}.${table}`), [JSON.stringify(rows)])
  }
}

/** One set-based statement, whatever the size of the batch. */
const insertInto = (table: string): string =>
  `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)`

async function foldRows(
  client: pg.ClientBase,
  projection: Projection & Keyed,
  events: readonly Recorded[],
): Promise<void> {
  const { column, key, apply } = projection.keyed
  const table = `${schemaOf(projection)}.${projection.name}`
  const keyed = events.flatMap((event) => {
    const of = key(event)
    return of === null ? [] : [{ of, event }]
  })
  const known = await loadRows(client, { table, column }, [...new Set(keyed.map((it) => it.of))])
  const rows = new Map<string, Row>()
  for (const { of, event } of keyed) rows.set(of, apply(rows.get(of) ?? known.get(of), event))
  const [first] = rows.values()
  if (first === undefined) return
  const columns = Object.keys(first).filter((it) => it !== column)
  const text = `${insertInto(table)} on conflict (${column}) do update
    set ${columns.map((it) => `${it} = excluded.${it}`).join(', ')}`
  await client.query(text, [JSON.stringify([...rows.values()])])
}

async function loadRows(
  client: pg.ClientBase,
  { table, column }: { table: string; column: string },
  keys: readonly string[],
): Promise<ReadonlyMap<string, Row>> {
  if (keys.length === 0) return new Map()
  const text = `select ${column}::text as key, to_json(t) as row
    from ${table} t where ${column} = any($1::text[]::uuid[])`
  const { rows } = await client.query<{ key: string; row: Row }>(text, [keys])
  return new Map(rows.map(({ key, row }) => [key, row]))
}
