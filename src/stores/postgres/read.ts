import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { Recorded } from '../../../domain/events.ts'
import type { EventStore } from '../../ports.ts'
import { ask } from './ask.ts'
import { type CommitRow, eventsOf } from './rows.ts'
import type { Wakeups } from './wakeups.ts'

/** What `read` fetches at a time at most, in commits and in bytes as stored. */
const READ_COMMITS = 100
const READ_BYTES = 4 * 1024 * 1024
/** Followers look again after this time even when no notification came. */
const POLL_MS = 500
/** And not sooner than this: under load there is one hint for every statement of the writers. */
const LOOK_EVERY_MS = 20

export function createReader(pool: pg.Pool, wakeups: Wakeups): Pick<EventStore, 'read' | 'tail'> {
  return {
    read: (range) => read(pool, range),
    async *tail({ after, signal }) {
      let position = after
      while (!signal.aborted) {
        const lookedMs = performance.now()
        const wakeup = wakeups.next(POLL_MS, signal)
        for await (const event of read(pool, { after: position })) {
          if (signal.aborted) return
          position = event.position
          yield event
        }
        await wakeup
        const leftMs = lookedMs + LOOK_EVERY_MS - performance.now()
        if (leftMs > 0 && !signal.aborted) await pause(leftMs)
      }
    },
  }
}

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
  return ask<CommitRow>(pool, { name: 'read', text, values }, 'none')
}
