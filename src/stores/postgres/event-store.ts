import type pg from 'pg'
import { CONTROL_STREAM } from '../../../domain/identity.ts'
import type { EventStore, Head } from '../../ports.ts'
import { appendControl, createDispatchAppends } from './append.ts'
import { ask } from './ask.ts'
import { createLoads, sendLoads } from './load.ts'
import { createPool } from './pool.ts'
import { createReader } from './read.ts'
import { createWakeups } from './wakeups.ts'

export type PostgresEventStore = EventStore & { close(): Promise<void> }
export type PostgresReader = Pick<PostgresEventStore, 'load' | 'read' | 'tail' | 'head' | 'close'>

/**
 * The log in Postgres. `url` is the runtime login: a member of ledger_writer, owner of nothing.
 * Whatever is of `control` has connections of its own, so that no queue stands before a halt.
 */
export function createPostgresEventStore(url: string): PostgresEventStore {
  const pool = createPool(url, 'dispatch')
  const controlPool = createPool(url, 'control')
  const wakeups = createWakeups(url)
  const reader = createReader(pool, wakeups)
  const load = createLoads(pool)
  return {
    guarantee: 'atomic',
    appendDispatch: createDispatchAppends(pool),
    appendControl: (request) => appendControl(controlPool, request),
    load: (stream, afterRevision = -1) =>
      stream === CONTROL_STREAM
        ? loadControl(controlPool, afterRevision)
        : load(stream, afterRevision),
    head: () => head(controlPool),
    ...reader,
    async close() {
      await Promise.all([wakeups.close(), pool.end(), controlPool.end()])
    },
  }
}

/** The log to follow alone, on connections of its own. */
export function createPostgresReader(url: string): PostgresReader {
  const pool = createPool(url, 'followers')
  const load = createLoads(pool)
  const wakeups = createWakeups(url)
  return {
    load: (stream, afterRevision = -1) => load(stream, afterRevision),
    head: () => head(pool),
    ...createReader(pool, wakeups),
    async close() {
      await Promise.all([wakeups.close(), pool.end()])
    },
  }
}

async function loadControl(pool: pg.Pool, afterRevision: number) {
  const [loaded] = await sendLoads(pool, [{ stream: CONTROL_STREAM, afterRevision }])
  if (loaded === undefined) throw new Error('ledger.load answered no request')
  return loaded
}

async function head(pool: pg.Pool): Promise<Head> {
  const text = 'select * from ledger.head'
  const rows = await ask<HeadRow>(pool, { name: 'head', text, values: [] }, 'none')
  const row = rows[0]
  if (row === undefined) throw new Error('ledger.head has no row')
  return {
    position: row.position,
    control: { revision: row.control_revision, eventId: row.control_event_id },
    recordedAt: row.recorded_at?.toISOString() ?? null,
  }
}

type HeadRow = Readonly<{
  position: number
  control_revision: number
  control_event_id: string | null
  recorded_at: Date | null
}>
