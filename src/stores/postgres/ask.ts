import type pg from 'pg'
import { LedgerError, type RecordedAs } from '../../errors.ts'

/** Asks the store; whatever the driver reports is one thing to us: it could not be asked. */
export async function ask<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: pg.QueryConfig,
  recorded: RecordedAs,
): Promise<readonly R[]> {
  try {
    return (await pool.query<R>(query)).rows
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
    throw new LedgerError('store-unavailable', `Postgres did not answer: ${reason}`, {
      cause,
      recorded,
    })
  }
}

/** SQLSTATE classes: data exception, integrity violation, program limit exceeded, raised by plpgsql. */
const DATA_CLASSES = ['22', '23', '54', 'P0']

/** Whether Postgres refused what it was given. Anything else is about the server or the way to it. */
export function isAboutData(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && DATA_CLASSES.includes(code.slice(0, 2))
}
