import type pg from 'pg'
import {
  type DispatchRow,
  decodeDispatch,
  dispatchesPage,
} from '../../projections/dispatches/query.ts'
import { LedgerError } from '../errors.ts'

export type ListPage = Readonly<{
  rows: readonly unknown[]
  nextPageToken: string | null
  position: number
}>

const encodeToken = (position: number): string => Buffer.from(`p${position}`).toString('base64url')

function decodeToken(token: string | null): number | null {
  if (token === null) return null
  const position = /^p([0-9]{1,15})$/.exec(Buffer.from(token, 'base64url').toString())?.[1]
  if (position !== undefined) return Number(position)
  throw new LedgerError('schema-invalid', 'The pageToken is none that this server gave out')
}

/** A page of dispatches with the position it is complete up to. A missing read model is at 0. */
export async function listDispatches(
  pool: pg.Pool,
  query: { readonly pageSize: number; readonly pageToken: string | null },
): Promise<ListPage> {
  const before = decodeToken(query.pageToken)
  const found = await ask(pool, dispatchesPage({ pageSize: query.pageSize, before }))
  const position = found[0]?.follower_position ?? 0
  const rows = found.filter((row) => row.dispatch_id !== null)
  const shown = rows.slice(0, query.pageSize)
  const more = rows.length > shown.length
  const last = shown.at(-1)
  return {
    rows: shown.map(decodeDispatch),
    nextPageToken: more && last !== undefined ? encodeToken(last.opened_position) : null,
    position,
  }
}

const UNDEFINED_TABLE = '42P01'

async function ask(pool: pg.Pool, query: pg.QueryConfig): Promise<readonly DispatchRow[]> {
  try {
    return (await pool.query<DispatchRow>(query)).rows
  } catch (cause) {
    if ((cause as { code?: string }).code === UNDEFINED_TABLE) return []
    throw new LedgerError('store-unavailable', 'The read model did not answer', { cause })
  }
}
