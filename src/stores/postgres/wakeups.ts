import pg from 'pg'
import { connectionSettings } from './pool.ts'

/**
 * Hints that the log may have grown, from the one NOTIFY of each append. They may be lost: whoever
 * waits names the time after which to look anyway.
 */
export type Wakeups = {
  /** Resolves at the next hint, after `pollMs`, or when `signal` aborts. */
  next(pollMs: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** One LISTEN connection, opened by the first waiter and again after it broke. */
export function createWakeups(url: string): Wakeups {
  const waiting = new Set<() => void>()
  let listener: pg.Client | undefined
  let closed = false

  const wake = (): void => {
    for (const resolve of waiting) resolve()
  }
  const drop = (client: pg.Client): void => {
    if (listener === client) listener = undefined
  }
  const listen = (): void => {
    if (listener !== undefined || closed) return
    const client = new pg.Client(connectionSettings(url, 'wakeups'))
    listener = client
    client.on('notification', wake)
    client.on('error', () => drop(client))
    client.on('end', () => drop(client))
    client
      .connect()
      .then(() => client.query('listen ledger'))
      .catch(() => drop(client))
  }

  return {
    next(pollMs, signal) {
      listen()
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = setTimeout(done, pollMs)
        waiting.add(done)
        signal.addEventListener('abort', done)
        if (signal.aborted || closed) done()
      })
    },
    async close() {
      closed = true
      wake()
      await listener?.end().catch(() => undefined)
    },
  }
}
