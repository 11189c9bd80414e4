import type pg from 'pg'
import type { Recorded } from '../../../domain/events.ts'
import { CONTROL_STREAM } from '../../../domain/identity.ts'
import { LedgerError, type RecordedAs } from '../../errors.ts'
import type {
  Appended,
  Conflict,
  ControlAppend,
  DispatchAppend,
  EventStore,
  Head,
  Loaded,
  Stale,
} from '../../ports.ts'
import { createPool } from './pool.ts'
import { type CommitRow, eventsOf } from './rows.ts'
import { createWakeups, type Wakeups } from './wakeups.ts'

/** What `read` fetches at a time at most, in commits and in bytes as stored. */
const READ_COMMITS = 500
const READ_BYTES = 4 * 1024 * 1024
/** Followers look again after this time even when no notification came. */
const POLL_MS = 500

export type PostgresEventStore = EventStore & { close(): Promise<void> }

/**
 * The log in Postgres. `url` is the runtime login: a member of ledger_writer, owner of nothing.
 * Whatever is of `control` has connections of its own, so that no queue stands before a halt.
 */
export function createPostgresEventStore(url: string): PostgresEventStore {
  const pool = createPool(url, 'dispatch', 16)
  const controlPool = createPool(url, 'control', 4)
  const wakeups = createWakeups(url)
  const reader = createReader(pool, wakeups)
  return {
    guarantee: 'atomic',
    appendDispatch: (request) => appendDispatch(pool, request),
    appendControl: (request) => appendControl(controlPool, request),
    load: (stream, afterRevision = -1) =>
      load(stream === CONTROL_STREAM ? controlPool : pool, stream, afterRevision),
    head: () => head(controlPool),
    ...reader,
    async close() {
      await Promise.all([wakeups.close(), pool.end(), controlPool.end()])
    },
  }
}

async function appendDispatch(
  pool: pg.Pool,
  request: DispatchAppend,
): Promise<Appended | Conflict | Stale> {
  const allRefused = request.events.every((event) => event.type === 'Refused')
  if (allRefused !== (request.controlRevision === null)) {
    throw new Error('only refusals are appended without a control revision')
  }
  return append(pool, request)
}

async function appendControl(pool: pg.Pool, request: ControlAppend): Promise<Appended | Conflict> {
  const result = await append(pool, { ...request, stream: CONTROL_STREAM, controlRevision: null })
  if (result.outcome === 'stale') throw new Error('an append to control cannot be stale')
  return result
}

type AppendRow = Readonly<{
  outcome: 'appended' | 'conflict' | 'stale'
  position: number
  revision: number
  control_revision: number
  recorded_at: Date
}>

async function append(
  pool: pg.Pool,
  request: DispatchAppend,
): Promise<Appended | Conflict | Stale> {
  const { stream, expected, events, callId, controlRevision } = request
  if (events.length === 0) throw new Error('an append needs an event')
  const values = [
    [stream],
    [expected],
    [events.length],
    [callId],
    [controlRevision],
    [JSON.stringify(events)],
  ]
  const text = 'select * from ledger.append($1, $2, $3, $4, $5, $6)'
  const { rows } = await ask<AppendRow>(pool, { name: 'append', text, values }, 'unknown')
  const row = rows[0]
  if (row === undefined || rows.length !== 1) throw new Error('ledger.append answered no request')
  return outcomeOf(row)
}

function outcomeOf(row: AppendRow): Appended | Conflict | Stale {
  switch (row.outcome) {
    case 'appended':
      return {
        outcome: 'appended',
        position: row.position,
        recordedAt: row.recorded_at.toISOString(),
      }
    case 'conflict':
      return { outcome: 'conflict', revision: row.revision }
    case 'stale':
      return { outcome: 'stale', controlRevision: row.control_revision }
  }
}

type LoadRow = CommitRow &
  Readonly<{ control_revision: number; control_event_id: string | null; events: string | null }>

async function load(pool: pg.Pool, stream: string, afterRevision: number): Promise<Loaded> {
  const text = 'select * from ledger.load($1, $2)'
  const values = [[stream], [afterRevision]]
  const { rows } = await ask<LoadRow>(pool, { name: 'load', text, values }, 'none')
  const [first] = rows
  if (first === undefined) throw new Error('ledger.load answered no request')
  const events = rows
    .filter((row) => row.events !== null)
    .flatMap(eventsOf)
    .filter((event) => event.revision > afterRevision)
  return {
    events,
    control: { revision: first.control_revision, eventId: first.control_event_id },
  }
}

function createReader(pool: pg.Pool, wakeups: Wakeups): Pick<EventStore, 'read' | 'tail'> {
  return {
    read: (range) => read(pool, range),
    async *tail({ after, signal }) {
      let position = after
      while (!signal.aborted) {
        const wakeup = wakeups.next(POLL_MS, signal)
        for await (const event of read(pool, { after: position })) {
          if (signal.aborted) return
          position = event.position
          yield event
        }
        await wakeup
      }
    },
  }
}

async function head(pool: pg.Pool): Promise<Head> {
  const text = 'select * from ledger.head'
  const { rows } = await ask<HeadRow>(pool, { name: 'head', text, values: [] }, 'none')
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

async function* read(
  pool: pg.Pool,
  range: { after: number; until?: number; limit?: number },
): AsyncGenerator<Recorded> {
  const until = range.until ?? Number.MAX_SAFE_INTEGER
  let left = range.limit ?? Number.POSITIVE_INFINITY
  let after = range.after
  while (left > 0) {
    const commits = await nextCommits(pool, { after, until, commits: Math.min(left, READ_COMMITS) })
    const events = commits
      .flatMap(eventsOf)
      .filter((event) => event.position > after && event.position <= until)
      .slice(0, left)
    yield* events
    left -= events.length
    const last = commits.at(-1)
    if (last === undefined || last.position >= until) return
    after = last.position
  }
}

/** The next commits, as many as were asked for or as fit into READ_BYTES, but at least one. */
async function nextCommits(
  pool: pg.Pool,
  { after, until, commits }: { after: number; until: number; commits: number },
): Promise<readonly CommitRow[]> {
  const text = `select position, stream, revision, count, call_id, recorded_at, events from (
      select *, sum(pg_column_size(events)) over (order by position) - pg_column_size(events) as before
      from (select * from ledger.commits where position > $1 and position - count < $2
        order by position limit $3) page
    ) sized where before < ${READ_BYTES} order by position`
  const values = [after, until, commits]
  const { rows } = await ask<CommitRow>(pool, { name: 'read', text, values }, 'none')
  return rows
}

/** Asks the store; whatever the driver reports is one thing to us: it could not be asked. */
async function ask<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: pg.QueryConfig,
  recorded: RecordedAs,
): Promise<pg.QueryResult<R>> {
  try {
    return await pool.query<R>(query)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
    throw new LedgerError('store-unavailable', `Postgres did not answer: ${reason}`, {
      cause,
      recorded,
    })
  }
}
