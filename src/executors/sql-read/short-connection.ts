import pg from 'pg'
import { LIMITS } from '../../../domain/limits.ts'

/** A connection for one errand, beside those that dry runs use. */
export async function withShortConnection<T>(
  url: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: LIMITS.statementTimeMs,
    query_timeout: LIMITS.statementTimeMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
