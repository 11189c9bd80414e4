import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Recorded } from '../../domain/events.ts'
import { type Projection, schemaOf } from '../../projections/projection.ts'
import { applyBatch } from '../../src/projector/apply-batch.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import { ensureTables, readFollower } from '../../src/projector/tables.ts'
import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { connectionSettings } from '../../src/stores/postgres/pool.ts'
import { collect } from '../conformance/event-store.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { openReadyLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const BATCH = 4

let database: TestDatabase
let client: pg.Client
let events: Recorded[]
beforeAll(async () => {
  events = await eventsOfALedger()
  database = await createDatabase()
  client = new pg.Client(connectionSettings(database.runtimeUrl, 'projector'))
  await client.connect()
  await client.query('set role ledger_projector')
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

async function eventsOfALedger(): Promise<Recorded[]> {
  const ledger = await openReadyLedger()
  const store = createPostgresEventStore(ledger.database.runtimeUrl)
  for (const occurrence of ['a', 'b', 'c']) {
    await ledger.dispatch(sampleCommand({ occurrence, mode: 'PLAN_ONLY' }))
    await ledger.dispatch(sampleCommand({ occurrence, mode: 'REAL_RUN' }))
    await ledger.dispatch(sampleCommand({ occurrence }))
  }
  const all = await collect(store.read({ after: 0 }))
  await store.close()
  await ledger.close()
  return all
}

/** The same client, whose nth query fails, before the server has it or after it is done. */
function failingAt(n: number, persisted: boolean): { client: pg.Client; fired(): boolean } {
  let calls = 0
  const query = async (...asked: readonly unknown[]): Promise<unknown> => {
    const send = () => (client.query as (...all: readonly unknown[]) => Promise<unknown>)(...asked)
    if (calls++ !== n) return send()
    if (persisted) await send()
    // The server drops what a broken connection had open.
    else await client.query('rollback')
    throw new Error('the connection broke in a test')
  }
  return { client: Object.assign(Object.create(client), { query }), fired: () => calls > n }
}

/** Follows from where the rows stand, as a projector does that starts again after each failure. */
async function follow(projection: Projection, through: pg.Client): Promise<void> {
  for (;;) {
    const at = await readFollower(client, projection)
    const [first, ...rest] = events.filter((it) => it.position > at.position).slice(0, BATCH)
    if (first === undefined) return
    try {
      await applyBatch(through, projection, at, [first, ...rest])
    } catch (error) {
      expect(String(error)).toContain('broke in a test')
    }
  }
}

async function anew(projection: Projection): Promise<void> {
  await client.query(`drop schema if exists ${schemaOf(projection)} cascade`)
  await ensureTables(client, projection)
}

async function rowsOf(projection: Projection): Promise<unknown> {
  const schema = schemaOf(projection)
  const { rows: tables } = await client.query<{ name: string }>(
    'select tablename as name from pg_tables where schemaname = $1 order by 1',
    [schema],
  )
  const all: Record<string, unknown> = {}
  for (const { name } of tables) {
    const text = `select to_json(t) as row from ${schema}.${name} t order by t::text`
    all[name] = (await client.query(text)).rows
  }
  return all
}

describe.each(PROJECTIONS.map((it) => [it.name, it] as const))('%s', (_, projection) => {
  it('holds the same rows whichever of its queries fails, persisted or not', async () => {
    await anew(projection)
    await follow(projection, client)
    const undisturbed = await rowsOf(projection)
    let failures = 0
    for (let n = 0, fired = true; fired; n++) {
      for (const persisted of [false, true]) {
        await anew(projection)
        const failing = failingAt(n, persisted)
        await follow(projection, failing.client)
        fired = failing.fired()
        if (fired) failures += 1
        expect(await rowsOf(projection)).toEqual(undisturbed)
      }
    }
    // Each batch begins, writes, moves its follower and commits.
    expect(failures).toBeGreaterThan((events.length / BATCH) * 3 * 2)
  })
})
