import type pg from 'pg'
import { LedgerError } from '../errors.ts'

const UNDEFINED_TABLE = '42P01'

/** Asks what analysts read. A view that a server is still making is told as not ready. */
export async function ask<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  try {
    return (await pool.query<R>(text, [...values])).rows
  } catch (cause) {
    if ((cause as { code?: string }).code === UNDEFINED_TABLE) {
      throw new LedgerError('not-ready', 'The view is not made yet', { cause })
    }
    throw new LedgerError('store-unavailable', 'The view did not answer', { cause })
  }
}
