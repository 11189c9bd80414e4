import pg from 'pg'
import { LIMITS } from '../../../domain/limits.ts'

/** Positions are bigint in SQL and safe integers here: 2^53 events are out of reach. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    return oid === pg.types.builtins.INT8
      ? (text: string) => Number(text)
      : pg.types.getTypeParser(oid, format)
  },
}

/** The settings of every connection of the ledger. The server ends a statement by itself, too. */
export const connectionSettings = (url: string, name: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: `dispatch-ledger ${name}`,
  statement_timeout: LIMITS.statementTimeMs,
  query_timeout: LIMITS.statementTimeMs + 1_000,
  connectionTimeoutMillis: LIMITS.statementTimeMs,
  options: '-c jit=off',
  keepAlive: true,
  types,
})

/** How many connections a server opens at most, by what they are for. */
export const POOL_SIZES = { dispatch: 16, control: 4, readers: 4, keys: 4, followers: 4 } as const

/** A pool whose idle connections may break at any time: the next query finds out and reports it. */
export function createPool(
  url: string,
  name: keyof typeof POOL_SIZES | 'start' | 'doctor',
): pg.Pool {
  const size = name in POOL_SIZES ? POOL_SIZES[name as keyof typeof POOL_SIZES] : 1
  const pool = new pg.Pool({ ...connectionSettings(url, name), max: size })
  pool.on('error', () => undefined)
  return pool
}

/** One connection for somebody who keeps it. When it breaks, the next query reports it. */
export async function connect(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client(connectionSettings(url, name))
  client.on('error', () => undefined)
  await client.connect()
  return client
}
