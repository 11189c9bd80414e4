import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Log } from '../ports.ts'
import { locatePackage, usablePrograms } from './binaries.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { clusterDirOf, openHome } from './home.ts'
import { type EmbeddedPostgres, Launcher } from './launcher.ts'
import { stopPostmaster } from './postmaster.ts'
import { takeSeat } from './seat.ts'
import { enter, isLast, leave, ledgerUrls, type Session } from './session.ts'

export { DirectoryInUse, EmbeddedError } from './embedded-error.ts'
export type { EmbeddedPostgres } from './launcher.ts'

export type EmbeddedOptions = Readonly<{
  dataDir: string
  log: Log
  /** False gives up the promise that an answer survives a power failure. For tests. */
  fsync?: boolean
  /** The npm package with the programs, where it is not the installed one. For tests. */
  packageDir?: string
}>

/**
 * Runs the bundled Postgres of a data directory for the one process that serves it. Makes the
 * database on the first call, and takes over a server that outlived a killed process.
 *
 * Rejects with `DirectoryInUse` when another process serves the directory, and with another
 * `EmbeddedError` when Postgres cannot be had here.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const begun = performance.now()
  const cluster = await prepare(options)
  const seat = await takeSeat(cluster)
  const fields = {
    port: seat.port,
    started: seat.started,
    ms: Math.round(performance.now() - begun),
  }
  options.log.info(fields, 'the embedded Postgres is ready')
  return new Launcher(cluster, seat, options.log)
}

/** Whether a data directory has a database. Nothing is made by asking. */
export const hasEmbeddedPostgres = (dataDir: string): boolean =>
  existsSync(clusterDirOf(resolve(dataDir)))

/** The bundled Postgres for a short errand beside, or without, the process that serves it. */
export type AttachedPostgres = Readonly<{
  ownerUrl: string
  runtimeUrl: string
  /** Ends the errand. The server stops when nobody else is left who uses it. */
  release(): Promise<void>
}>

/** Joins the server of a data directory without taking the seat; starts it where it is not running. */
export async function attachEmbeddedPostgres(options: EmbeddedOptions): Promise<AttachedPostgres> {
  const cluster = await prepare(options)
  const session = await enter(cluster)
  let released: Promise<void> | undefined
  return {
    ...ledgerUrls(cluster.login, session.port),
    release() {
      released ??= release(cluster, session)
      return released
    },
  }
}

async function prepare({ dataDir, fsync, packageDir }: EmbeddedOptions): Promise<Cluster> {
  const home = await openHome(dataDir)
  const native = await usablePrograms(packageDir ?? locatePackage(), home.dataDir, home.account)
  return openCluster(home, native, fsync ?? true)
}

async function release(cluster: Cluster, { client }: Session): Promise<void> {
  // A server that ended in the meantime needs nobody to stop it.
  const last = await isLast(client).catch(() => false)
  if (last) await stopPostmaster(cluster)
  await leave(client)
}
