import type pg from 'pg'
import { LedgerError } from '../errors.ts'
import type { AccessRecord } from '../ports.ts'

/** Notes that somebody reads the log. Rejects when it cannot: then nothing may be sent. */
export async function logAccess(pool: pg.Pool, record: AccessRecord): Promise<void> {
  const { call, route, asked, after, until, count } = record
  const text = 'select ledger.log_access($1, $2, $3, $4, $5, $6, $7)'
  const values = [call.actor, call.callId, route, JSON.stringify(asked), after, until, count]
  try {
    await pool.query({ name: 'log-access', text, values })
  } catch (cause) {
    throw new LedgerError('store-unavailable', 'The read could not be logged', { cause })
  }
}
