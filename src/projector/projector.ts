import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { type Recorded, whyUnreadable } from '../../domain/events.ts'
import { type Projection, schemaOf } from '../../projections/projection.ts'
import { LedgerError } from '../errors.ts'
import type { EventStore, Log } from '../ports.ts'
import { applyBatch } from './apply-batch.ts'
import { ensureTables, type FollowerPosition, readFollower } from './tables.ts'

const BATCH_MAX = 1_000
const RETRY_MS = 1_000
/** Under load a batch holds what came in this time: many small ones would cost the writers most. */
const BATCH_EVERY_MS = 100

export type ProjectorStatus = Readonly<{
  state: 'starting' | 'following' | 'standby' | 'stopped'
  detail: string
}>
/** Runs the writing of one batch, for whoever wants to watch it. */
export type AroundBatch = <T>(
  batch: Readonly<{ projection: string; events: number }>,
  write: () => Promise<T>,
) => Promise<T>
export type ProjectorPorts = Readonly<{
  store: Pick<EventStore, 'read' | 'tail' | 'head'>
  connect: () => Promise<pg.Client>
  log: Log
  aroundBatch: AroundBatch
  /** Hears of every change of the status. */
  changed?: (projection: Projection, status: ProjectorStatus) => void
}>
export type Projector = Readonly<{
  projection: Projection
  status(): ProjectorStatus
  /** Resolves once the last batch is written and the connection is closed. */
  close(): Promise<void>
}>

/** Why a projection stops for good: people must look. Everything else is tried again. */
class Unhealthy extends Error {}

/**
 * Keeps one read model up to date: follows the log from where its rows stand, a batch and its
 * follower position in one transaction. One process does so at a time, the others stand by.
 * An event it cannot apply stops this projection alone; nothing is skipped.
 */
export function startProjector(projection: Projection, ports: ProjectorPorts): Projector {
  const stop = new AbortController()
  let status: ProjectorStatus = { state: 'starting', detail: '' }
  const set = (state: ProjectorStatus['state'], detail = ''): void => {
    status = { state, detail }
    ports.changed?.(projection, status)
  }

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await withConnection(ports.connect, (client) =>
          followOnce(client, projection, { ...ports, signal: stop.signal, set }),
        )
      } catch (error) {
        const detail = reasonOf(error)
        ports.log.error({ projection: projection.name, detail }, 'projection stopped')
        set('stopped', detail)
        if (error instanceof Unhealthy) return
      }
      await pause(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  }
  const done = run()
  return {
    projection,
    status: () => status,
    async close() {
      stop.abort()
      await done
    },
  }
}

/** For anybody to read: a driver's own words may quote the event, so its code must do. */
function reasonOf(error: unknown): string {
  if (error instanceof Unhealthy || error instanceof LedgerError) return error.message
  const { code, name } = error as { code?: string; name?: string }
  return `the batch failed: ${code ?? name ?? 'unknown'}`
}

async function withConnection(
  connect: () => Promise<pg.Client>,
  use: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = await connect()
  try {
    await use(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

type Following = Readonly<{
  store: ProjectorPorts['store']
  signal: AbortSignal
  aroundBatch: AroundBatch
  set: (state: ProjectorStatus['state'], detail?: string) => void
}>

/** Follows until the connection breaks, another takes over, or the server stops. */
async function followOnce(
  client: pg.Client,
  projection: Projection,
  { store, signal, aroundBatch, set }: Following,
): Promise<void> {
  await client.query('set role ledger_projector')
  const lock = await client.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as got', [
    schemaOf(projection),
  ])
  if (lock.rows[0]?.got !== true) return set('standby', 'another process holds the projector lock')
  await ensureTables(client, projection)
  let at = await readFollower(client, projection)
  await assertSameLog(store, at)
  set('following')
  for await (const batch of batches(store, at.position, signal)) {
    const last = batch.at(-1) ?? batch[0]
    const from = at
    const moved = await aroundBatch({ projection: projection.name, events: batch.length }, () =>
      applyBatch(client, projection, from, batch),
    )
    if (!moved) {
      return set('standby', 'another process moved the follower position')
    }
    at = { position: last.position, eventId: last.id }
  }
}

/** A follower that stands on an event which the log does not have followed another log. */
async function assertSameLog(store: Pick<EventStore, 'read'>, at: FollowerPosition): Promise<void> {
  if (at.eventId === null) return
  for await (const event of store.read({ after: at.position - 1, until: at.position })) {
    if (event.id === at.eventId) return
  }
  throw new Unhealthy(`the log has no event ${at.eventId} at ${at.position}: rebuild needed`)
}

/** What is there, in batches, and then what comes: a batch ends where the log ended when it began. */
async function* batches(
  store: Pick<EventStore, 'tail' | 'head'>,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<readonly [Recorded, ...Recorded[]]> {
  let batch: Recorded[] = []
  let end = 0
  let readyMs = 0
  for await (const event of store.tail({ after, signal })) {
    const why = whyUnreadable(event)
    if (why !== null) throw new Unhealthy(`${why}, at position ${event.position}`)
    if (batch.length === 0) {
      const leftMs = readyMs - performance.now()
      if (leftMs > 0) await pause(leftMs, undefined, { signal }).catch(() => undefined)
      end = (await store.head()).position
    }
    batch.push(event)
    if (batch.length < BATCH_MAX && event.position < end) continue
    const begunMs = performance.now()
    yield batch as [Recorded, ...Recorded[]]
    const doneMs = performance.now()
    // It rests as long as it worked: whoever catches up leaves half of the time to the front door.
    readyMs = doneMs + Math.max(BATCH_EVERY_MS, doneMs - begunMs)
    batch = []
  }
}
