import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { LIMITS } from '../../domain/limits.ts'
import type { Log } from '../ports.ts'
import { type CallCount, type CountedCall, createCallCounts } from './call-counts.ts'

/** What tests set; a server counts by the limits and by its clock. */
export type CallsSetting = Readonly<{
  everyMs?: number
  contractRowsMax?: number
  rowsMax?: number
  nowMs?: () => number
}>

export type CallsWriter = Readonly<{
  count(call: CountedCall): void
  /** Writes what is not written yet. Never rejects: what fails is logged once, kept, and tried again. */
  write(): Promise<void>
  /** What was counted here before this moment is written. */
  writtenUpToMs(): number
  /** Writes a last time. */
  close(): Promise<void>
}>

/**
 * Counts calls in memory and writes the counts in one statement every 5 s, beside the work of the
 * server: no call waits for it, and none fails with it. A process that is killed loses what it
 * counted since it last wrote.
 */
export function createCallsWriter(
  pool: pg.Pool,
  log: Log,
  {
    everyMs = LIMITS.callsWriteEveryMs,
    contractRowsMax = LIMITS.callsContractRows,
    rowsMax = LIMITS.callsRows,
    nowMs = Date.now,
  }: CallsSetting = {},
): CallsWriter {
  const counts = createCallCounts({ contractRowsMax, rowsMax }, nowMs)
  const server = randomUUID()
  let writtenUpToMs = nowMs()
  let isFailing = false
  let hasView = false
  let writing: Promise<void> | null = null

  const writeOnce = async (): Promise<void> => {
    const takenMs = nowMs()
    const unwritten = counts.unwritten()
    tellOfUncounted(counts.takeUncounted(), log)
    try {
      if (unwritten.length > 0) await writeCounts(pool, server, unwritten)
      counts.written(unwritten)
      writtenUpToMs = takenMs
      if (!hasView) await ensureView(pool)
      hasView = true
      if (isFailing) log.info({}, 'the counts of calls are written again')
      isFailing = false
    } catch (error) {
      const fields = { err: error, rows: unwritten.length }
      if (!isFailing) log.warn(fields, 'the counts of calls could not be written and are kept')
      isFailing = true
    }
  }
  const write = (): Promise<void> => {
    writing ??= writeOnce().finally(() => {
      writing = null
    })
    return writing
  }
  void write()
  const timer = setInterval(() => void write(), everyMs).unref()

  return {
    count: counts.count,
    write,
    writtenUpToMs: () => writtenUpToMs,
    async close() {
      clearInterval(timer)
      // One under way may have begun before the last call was counted.
      await writing
      await write()
    },
  }
}

function tellOfUncounted(calls: number, log: Log): void {
  if (calls > 0) log.warn({ calls }, 'calls were not counted: too many rows wait to be written')
}

async function writeCounts(
  pool: pg.Pool,
  server: string,
  counts: readonly CallCount[],
): Promise<void> {
  const rows = counts.map(({ hourMs, contractId, mode, outcome, code, appended, calls }) => ({
    hour: new Date(hourMs),
    contract_id: contractId,
    mode,
    outcome,
    code,
    appended,
    calls,
  }))
  await pool.query('select ledger.count_calls($1, $2)', [server, JSON.stringify(rows)])
}

const VIEW_SQL = new URL('./calls-hourly.sql', import.meta.url)

/** Makes the view, owned by ledger_projector like all that analysts read. */
async function ensureView(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('set local role ledger_projector')
    // Read models put their views into the same schema, at the same moment.
    await client.query(`select pg_advisory_xact_lock(hashtextextended('analytics', 0))`)
    const { rows } = await client.query(
      `select to_regclass('analytics.calls_hourly_v1') is not null as there`,
    )
    if (rows[0]?.there !== true) {
      await client.query('create schema if not exists analytics')
      await client.query(readFileSync(VIEW_SQL, 'utf8'))
    }
    await client.query('commit')
    client.release()
  } catch (error) {
    // The transaction goes with its connection.
    client.release(true)
    throw error
  }
}
