import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../ports.ts'
import type { Cluster } from './cluster.ts'
import { DirectoryInUse, EmbeddedError, reasonOf } from './embedded-error.ts'
import { stopPostmaster } from './postmaster.ts'
import { announceUrl, takeSeat } from './seat.ts'
import { leave, ledgerUrls, type Session } from './session.ts'

/** A database that comes back and goes again this often is not coming back. */
const RESTARTS_MAX = 5
const RESTART_WINDOW_MS = 60_000
const RESTART_PAUSE_MS = 1_000

/** The bundled Postgres while this process serves its data directory. */
export type EmbeddedPostgres = Readonly<{
  /** The superuser, on loopback, in the database `ledger`. The URLs are valid until `stop`. */
  ownerUrl: string
  /** The login `ledger_app` in the same database. It owns nothing. */
  runtimeUrl: string
  /** Whether the server of a process that was killed was taken over. */
  adopted: boolean
  /** Stores where this process listens, for whoever starts a second one on the directory. */
  announce(url: string): Promise<void>
  /** Calls back once when the server or the directory is lost for good: end the process then. */
  onFatal(listener: (error: Error) => void): void
  /** Shuts the server down and waits for its end. Further calls wait for the same end. */
  stop(): Promise<void>
}>

/** Watches over the seat: a lost one is taken again, with the server restarted where it died. */
export class Launcher implements EmbeddedPostgres {
  readonly ownerUrl: string
  readonly runtimeUrl: string
  readonly adopted: boolean
  readonly #cluster: Cluster
  readonly #log: Log
  readonly #port: number
  readonly #stop = new AbortController()
  readonly #listeners: ((error: Error) => void)[] = []
  #restarts: number[] = []
  #seat: Session | undefined
  #url: string | undefined
  #fatal: Error | undefined
  #recovery: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  constructor(cluster: Cluster, seat: Session, log: Log) {
    const { ownerUrl, runtimeUrl } = ledgerUrls(cluster.login, seat.port)
    this.ownerUrl = ownerUrl
    this.runtimeUrl = runtimeUrl
    this.adopted = !seat.started
    this.#cluster = cluster
    this.#port = seat.port
    this.#log = log
    this.#sit(seat)
  }

  async announce(url: string): Promise<void> {
    this.#url = url
    if (this.#seat !== undefined) await this.#publish(this.#seat, url)
  }

  onFatal(listener: (error: Error) => void): void {
    this.#listeners.push(listener)
    if (this.#fatal !== undefined) listener(this.#fatal)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown()
    return this.#stopped
  }

  async #shutDown(): Promise<void> {
    this.#stop.abort()
    await this.#recovery
    const seat = this.#seat
    this.#seat = undefined
    // Without the seat the server may be another process's.
    if (seat === undefined) return
    await stopPostmaster(this.#cluster)
    await leave(seat.client)
  }

  #sit(seat: Session): void {
    this.#seat = seat
    seat.client.once('end', () => {
      if (this.#stop.signal.aborted) return
      this.#seat = undefined
      this.#recovery = this.#recover(seat.backendPid)
    })
  }

  async #recover(lostBackendPid: number): Promise<void> {
    this.#log.warn({ port: this.#port }, 'the embedded Postgres was lost, taking it again')
    let cause: unknown
    while (this.#mayRestart() && !(cause instanceof DirectoryInUse)) {
      try {
        return await this.#resume(lostBackendPid)
      } catch (error) {
        cause = error
        this.#log.warn({ reason: reasonOf(error) }, 'the embedded Postgres did not come back')
      }
      await pause(RESTART_PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return
    }
    this.#giveUp(cause)
  }

  /** The URLs are in use, so it has to come back where it was. */
  async #resume(lostBackendPid: number): Promise<void> {
    const options = { port: this.#port, lostBackendPid, signal: this.#stop.signal }
    const seat = await takeSeat(this.#cluster, options)
    if (seat.port !== this.#port) {
      await leave(seat.client)
      throw new EmbeddedError(`it runs on port ${seat.port} and was on ${this.#port}`)
    }
    this.#sit(seat)
    if (this.#url !== undefined) await this.#publish(seat, this.#url)
    this.#log.info({ port: seat.port, started: seat.started }, 'the embedded Postgres is back')
  }

  #mayRestart(): boolean {
    const now = performance.now()
    this.#restarts = this.#restarts.filter((at) => now - at < RESTART_WINDOW_MS)
    this.#restarts.push(now)
    return this.#restarts.length <= RESTARTS_MAX
  }

  /** A seat that is lost while it announces will announce when it is taken again. */
  async #publish(seat: Session, url: string): Promise<void> {
    await announceUrl(seat.client, url).catch((error) => {
      this.#log.warn({ reason: reasonOf(error) }, 'where this process listens was not stored')
    })
  }

  #giveUp(cause: unknown): void {
    const why = cause === undefined ? 'it ended too often' : reasonOf(cause)
    this.#fatal = new EmbeddedError(`The embedded Postgres is lost: ${why}`, { cause })
    this.#log.error({ reason: why }, 'the embedded Postgres is lost for good')
    for (const listener of this.#listeners) listener(this.#fatal)
  }
}
