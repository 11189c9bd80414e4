import pg from 'pg'
import type { Recorded } from '../../../domain/events.ts'
import { CONTROL_STREAM } from '../../../domain/identity.ts'
import type { Restore } from '../../ports.ts'
import { type WholeCommit, wholeCommits } from '../../whole-commits.ts'
import { connectionSettings } from './pool.ts'

/**
 * Fills the ledger of a database, as its owner: no runtime login may write a time that is not now.
 * A batch is one transaction.
 */
export function createPostgresRestore(ownerUrl: string): Restore & { close(): Promise<void> } {
  let connected: Promise<pg.Client> | null = null
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client(connectionSettings(ownerUrl, 'restore'))
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  return {
    async restore(events) {
      if (events.length === 0) return
      connected ??= connect()
      const client = await connected
      await client.query('begin')
      try {
        await client.query('set local role ledger_owner')
        await write(client, wholeCommits(events))
        await client.query('commit')
      } catch (error) {
        await client.query('rollback').catch(() => undefined)
        throw error
      }
    },
    async close() {
      await (await connected?.catch(() => undefined))?.end()
    },
  }
}

const INSERT = `insert into ledger.commits (position, stream, revision, count, call_id, recorded_at, events)
  select * from unnest($1::bigint[], $2::text[], $3::int[], $4::int[], $5::uuid[], $6::timestamptz[], $7::text[])`
const MOVE_HEAD = `update ledger.head set position = $1, recorded_at = greatest(recorded_at, $2),
  control_revision = coalesce($3, control_revision), control_event_id = coalesce($4, control_event_id)`

async function write(client: pg.Client, commits: readonly WholeCommit[]): Promise<void> {
  const head = await client.query<{ position: number }>(
    'select position from ledger.head for update',
  )
  let position = head.rows[0]?.position ?? 0
  const rows = commits.map(({ stream, callId, recordedAt, events }) => {
    position += events.length
    const text = JSON.stringify(events.map(stored))
    return [position, stream, events[0].revision, events.length, callId, recordedAt, text] as const
  })
  const column = (index: number) => rows.map((row) => row[index])
  await client.query(INSERT, [0, 1, 2, 3, 4, 5, 6].map(column))
  const flips = commits.flatMap(({ events }) => events.filter((it) => it.stream === CONTROL_STREAM))
  const flip = flips.at(-1)
  const latest = commits.map((it) => it.recordedAt).reduce((a, b) => (a > b ? a : b))
  await client.query(MOVE_HEAD, [position, latest, flip?.revision ?? null, flip?.id ?? null])
}

/** As ledger.commits keeps an event: what all of a commit share stands in its columns. */
const stored = ({ id, type, data, metadata }: Recorded) => {
  const { callId: _inItsColumn, ...kept } = metadata
  return { id, type, data, metadata: kept }
}
