import type { Client } from 'pg'
import type { Cluster } from './cluster.ts'
import { DirectoryInUse, EmbeddedError } from './embedded-error.ts'
import { Patience } from './patience.ts'
import { enter, leave, type Session, tryLock } from './session.ts'

const CLAIM_MS = 10_000
const TRIES_MAX = 5

export type SeatOptions = Readonly<{
  /** The server must be on this port. */
  port?: number
  /** Our own backend of a lost connection: its lock goes as soon as its end is noticed. */
  lostBackendPid?: number
  signal?: AbortSignal
}>

/**
 * Takes the one seat of a data directory: the session-level lock of the process that serves it.
 * Rejects with `DirectoryInUse`, which names the URL, when another process has it.
 */
export async function takeSeat(cluster: Cluster, options: SeatOptions = {}): Promise<Session> {
  for (let tries = 1; ; tries += 1) {
    const session = await enter(cluster, options)
    try {
      await claim(session.client, cluster, options)
      return session
    } catch (error) {
      await leave(session.client)
      // Anything else is a connection cut because whoever served here stopped the server.
      const final = error instanceof EmbeddedError || options.signal?.aborted === true
      if (final || tries === TRIES_MAX) throw error
    }
  }
}

/** The lock of the one that serves. */
const SERVE = 1

async function claim(client: Client, cluster: Cluster, options: SeatOptions): Promise<void> {
  const patience = new Patience(options.signal)
  const { dataDir } = cluster
  while (!(await tryLock(client, `pg_try_advisory_lock(${SERVE})`))) {
    const holder = await whoServes(client)
    if (holder?.url != null && holder.pid !== options.lostBackendPid) {
      throw new DirectoryInUse(`${dataDir} is in use: Dispatch Ledger serves it at ${holder.url}.`)
    }
    // One that has just started says where it listens in a moment.
    const silent = `${dataDir} is in use by another Dispatch Ledger, which has not said where.`
    await patience.with(new DirectoryInUse(silent), CLAIM_MS)
  }
  await client.query('delete from serving')
}

type Holder = Readonly<{ pid: number; url: string | null }>

/** The URL counts only when the very session that holds the lock has stored it. */
async function whoServes(client: Client): Promise<Holder | undefined> {
  const { rows } = await client.query<Holder>(
    `select l.pid, s.url from pg_locks l left join serving s on s.backend_pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.classid = 0 and l.objid = ${SERVE}`,
  )
  return rows[0]
}

/** Stores where the holder of the seat listens, for whoever finds it taken. */
export async function announceUrl(client: Client, url: string): Promise<void> {
  await client.query('delete from serving')
  await client.query('insert into serving values (pg_backend_pid(), $1)', [url])
}
