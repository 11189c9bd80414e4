import { realpath } from 'node:fs/promises'
import { Client, DatabaseError } from 'pg'
import { APP, type Cluster, LEDGER_DATABASE, LOCK_DATABASE, type Login, OWNER } from './cluster.ts'
import { EmbeddedError } from './embedded-error.ts'
import { Patience } from './patience.ts'
import { disown, readPidFile } from './pid-file.ts'
import { pickPort, RECOVERY_MS, startPostmaster } from './postmaster.ts'

const HELD_MS = 10_000
const CONNECT_MS = 5_000

/** An owner's connection to the running server of a cluster. Its advisory locks say who is there. */
export type Session = Readonly<{
  client: Client
  port: number
  backendPid: number
  /** Whether we started the server, rather than found it. */
  started: boolean
}>

export function ledgerUrls({ owner, app }: Login, port: number) {
  return {
    ownerUrl: url(OWNER, owner, port, LEDGER_DATABASE),
    runtimeUrl: url(APP, app, port, LEDGER_DATABASE),
  }
}

/** `sslmode` is named because a PGSSLMODE meant for another server would count else. */
function url(user: string, password: string, port: number, database: string): string {
  return `postgresql://${user}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`
}

/**
 * Enters the server of a cluster, and starts it when there is none; on `port` when given.
 *
 * The session holds the lock of those who use the server. It may be the only one or one of many.
 */
export async function enter(
  cluster: Cluster,
  options: Readonly<{ port?: number; signal?: AbortSignal }> = {},
): Promise<Session> {
  const patience = new Patience(options.signal)
  let started = false
  for (;;) {
    const found = await knock(cluster)
    if (typeof found === 'object') {
      if (await holdUse(found.client)) return { ...found, started }
      await leave(found.client)
    }
    if (found === 'absent') {
      if (started) await patience.with(trouble(cluster, 'it ends once it has started'), HELD_MS)
      started = await startOnce(cluster, patience, options.port)
    } else {
      await patience.with(trouble(cluster, 'it takes no connections'), RECOVERY_MS)
    }
  }
}

/** One try to start the server, and a moment of waiting. Says whether it came up. */
async function startOnce(cluster: Cluster, patience: Patience, port?: number): Promise<boolean> {
  const start = await startPostmaster(cluster, port ?? (await pickPort(cluster)))
  switch (start) {
    case 'ready':
      return true
    case 'held':
      await disown(cluster.clusterDir)
      await patience.with(trouble(cluster, 'a server that does not answer holds it'), HELD_MS)
      return false
    case 'port-taken':
      await patience.with(trouble(cluster, 'another program holds its port'), HELD_MS)
      return false
  }
}

function trouble({ clusterDir, logFile }: Cluster, what: string): EmbeddedError {
  return new EmbeddedError(
    `The Postgres in ${clusterDir} cannot be used: ${what} (see ${logFile}).`,
  )
}

type Found = Omit<Session, 'started'>

/** `busy`: it is there and lets nobody in at the moment. `absent`: there is none, or not ours. */
async function knock(cluster: Cluster): Promise<Found | 'busy' | 'absent'> {
  const file = await readPidFile(cluster.clusterDir)
  if (file === undefined) return 'absent'
  const client = new Client({
    connectionString: url(OWNER, cluster.login.owner, file.port, LOCK_DATABASE),
    connectionTimeoutMillis: CONNECT_MS,
    application_name: `dispatch-ledger ${process.pid}`,
  })
  // Every loss is told by `end`, too; an error that nobody hears would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const backendPid = await introduce(client, cluster)
    if (backendPid !== undefined) return { client, port: file.port, backendPid }
  } catch (error) {
    if (error instanceof DatabaseError && BUSY.includes(error.code ?? '')) return 'busy'
  }
  await leave(client)
  return 'absent'
}

/** Starting up or shutting down; too many connections. */
const BUSY = ['57P03', '53300']

type Introduction = Readonly<{ dir: string; backend: number }>

/** A copied data directory names the server of the original, which takes our password as well. */
async function introduce(client: Client, { clusterDir }: Cluster): Promise<number | undefined> {
  const { rows } = await client.query<Introduction>(
    `select current_setting('data_directory') as dir, pg_backend_pid() as backend`,
  )
  const [row] = rows
  if (row === undefined) return undefined
  const same = (await realpath(row.dir)) === (await realpath(clusterDir))
  return same ? row.backend : undefined
}

/** Shared by everybody who uses the server; exclusive for the one who stops it as the last. */
const USE = 2

/** False also when the server ended in the meantime. */
async function holdUse(client: Client): Promise<boolean> {
  return tryLock(client, `pg_try_advisory_lock_shared(${USE})`).catch(() => false)
}

/** Gives up the use, and says whether nobody else uses the server: then it may be stopped. */
export async function isLast(client: Client): Promise<boolean> {
  await client.query(`select pg_advisory_unlock_shared(${USE})`)
  return tryLock(client, `pg_try_advisory_lock(${USE})`)
}

export async function tryLock(client: Client, lock: string): Promise<boolean> {
  const { rows } = await client.query<{ got: boolean }>(`select ${lock} as got`)
  return rows[0]?.got === true
}

export async function leave(client: Client): Promise<void> {
  await client.end().catch(() => undefined)
}
