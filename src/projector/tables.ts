import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { type Projection, schemaOf } from '../../projections/projection.ts'

/** The SQL of a read model lies beside its fold. */
const tableSql = (name: string): string =>
  readFileSync(new URL(`../../projections/${name}/table.sql`, import.meta.url), 'utf8')

/**
 * Makes the schema of a read model, owned by ledger_projector, with its follower at the start of
 * the log. Rows and follower are born, and die, together.
 */
export async function ensureTables(client: pg.ClientBase, projection: Projection): Promise<void> {
  const schema = schemaOf(projection)
  const { rows } = await client.query('select to_regnamespace($1) as there', [schema])
  if (rows[0]?.there !== null) return
  await client.query('begin')
  try {
    // Read models are born at once, and all of them put a view into the one schema.
    await client.query(`select pg_advisory_xact_lock(hashtextextended('analytics', 0))`)
    await client.query('create schema if not exists analytics')
    await client.query(`create schema ${schema}`)
    await client.query(`create table ${schema}.follower (position bigint not null, event_id uuid)`)
    await client.query(`create unique index follower_is_one_row on ${schema}.follower ((true))`)
    await client.query(`insert into ${schema}.follower values (0, null)`)
    await client.query(tableSql(projection.name))
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** How far a read model has got: the last event that its rows hold. */
export type FollowerPosition = Readonly<{ position: number; eventId: string | null }>

export async function readFollower(
  client: pg.ClientBase,
  projection: Projection,
): Promise<FollowerPosition> {
  const { rows } = await client.query(`select * from ${schemaOf(projection)}.follower`)
  return { position: rows[0].position, eventId: rows[0].event_id }
}
