/**
 * A process that holds the embedded Postgres of the data directory in its first argument, for tests
 * that kill it. Prints one JSON line once it holds it, and one more when it was interrupted.
 */
import { Client } from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/index.ts'
import { silentLog } from './silent-log.ts'

const dataDir = process.argv[2] ?? ''
const url = process.argv[3] ?? 'http://127.0.0.1:1'
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

try {
  const postgres = await startEmbeddedPostgres({ dataDir, log: silentLog, fsync: false })
  await postgres.announce(url)
  process.on('SIGINT', () => void interrupted(postgres))
  say({ ownerUrl: postgres.ownerUrl, adopted: postgres.adopted })
} catch (error) {
  say({ error: String(error) })
  process.exit(2)
}

/** Shows that the server answers still, though the whole process group got the signal. */
async function interrupted(postgres: EmbeddedPostgres): Promise<never> {
  const client = new Client(postgres.ownerUrl)
  await client.connect()
  const { rows } = await client.query('select 1 as alive')
  await client.end()
  await postgres.stop()
  say({ interrupted: rows[0] })
  process.exit(0)
}
