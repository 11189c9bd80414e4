import { type ChildProcess, spawn } from 'node:child_process'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { EmbeddedError } from './embedded-error.ts'
import { Patience } from './patience.ts'
import { readPidFile } from './pid-file.ts'
import { complaint, environment, ids } from './run.ts'

/** `held`: what is left of another server still holds the directory. */
export type Start = 'ready' | 'held' | 'port-taken'

/** Replaying the log after a crash takes as long as it takes; this is when we stop watching. */
export const RECOVERY_MS = 300_000
const SHUTDOWN_MS = 60_000
const LOG_BYTES_MAX = 8 * 1024 * 1024

/**
 * Starts a server and waits until it takes connections or has given up.
 *
 * It is spawned into a session of its own: an interrupt at the terminal reaches us alone, and it
 * outlives us when we are killed. pg_ctl would do that too, but hands the paths to a shell.
 */
export async function startPostmaster(cluster: Cluster, port: number): Promise<Start> {
  const log = await openLog(cluster.logFile)
  try {
    const { size } = await log.stat()
    const child = spawnPostmaster(cluster, port, log)
    const failure = new Promise<Error>((resolve) => child.once('error', resolve))
    const ready = await Promise.race([becomesReady(child, cluster), failure])
    if (ready instanceof Error) throw new EmbeddedError(`Postgres did not start: ${ready.message}`)
    return ready ? 'ready' : await whyNot(cluster, size)
  } finally {
    await log.close()
  }
}

function spawnPostmaster(cluster: Cluster, port: number, log: FileHandle): ChildProcess {
  const settings = Object.entries(settingsOf(cluster)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const args = ['-D', cluster.clusterDir, '-p', String(port), ...settings]
  const child = spawn(join(cluster.native, 'bin', 'postgres'), args, {
    ...ids(cluster.account),
    env: environment(),
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  child.unref()
  return child
}

/** The server's log is about the server: what a client's statement did wrong, the client is told. */
function settingsOf(cluster: Cluster): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    cluster_name: 'dispatch-ledger',
    logging_collector: 'off',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...(cluster.fsync ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
}

/** Opened by us, so that the server's account writes only where it was let. */
async function openLog(file: string): Promise<FileHandle> {
  const log = await open(file, 'a', 0o600)
  const { size } = await log.stat()
  if (size > LOG_BYTES_MAX) await log.truncate()
  return log
}

async function becomesReady(child: ChildProcess, { clusterDir }: Cluster): Promise<boolean> {
  const patience = new Patience()
  while (child.exitCode === null && child.signalCode === null) {
    const file = await readPidFile(clusterDir)
    if (file?.ready === true && file.pid === child.pid) return true
    await patience.with(new EmbeddedError(`Postgres still recovers ${clusterDir}.`), RECOVERY_MS)
  }
  return false
}

const HELD = /lock file ".*" (already exists|is empty)|shared memory block .* still in use/
const PORT_TAKEN = /could not bind|could not create any TCP\/IP sockets/

async function whyNot({ logFile }: Cluster, from: number): Promise<Exclude<Start, 'ready'>> {
  const said = (await readFile(logFile)).subarray(from).toString()
  if (HELD.test(said)) return 'held'
  if (PORT_TAKEN.test(said)) return 'port-taken'
  throw new EmbeddedError(`Postgres did not start: ${complaint(said)} (see ${logFile}).`)
}

/** Fast shutdown: sessions are cut, everything is written, and the server is gone on return. */
export async function stopPostmaster({ clusterDir }: Cluster): Promise<void> {
  const running = await readPidFile(clusterDir)
  if (running === undefined || !signal(running.pid, 'SIGINT')) return
  const patience = new Patience()
  // A zombie would still take signals, but a server that ends in order removes its file.
  while (signal(running.pid, 0) && (await readPidFile(clusterDir))?.pid === running.pid) {
    const late = new EmbeddedError(`Postgres (process ${running.pid}) did not stop in time.`)
    await patience.with(late, SHUTDOWN_MS)
  }
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/**
 * The port of the last time where it is free, so that what people wrote down stays valid, and else
 * one that the system picks.
 */
export async function pickPort({ clusterDir }: Cluster): Promise<number> {
  const options = await readFile(join(clusterDir, 'postmaster.opts'), 'utf8').catch(() => '')
  const last = Number(/"-p" "(\d+)"/.exec(options)?.[1] ?? 0)
  return (await freePort(last)) ?? (await freePort(0)) ?? 0
}

function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
