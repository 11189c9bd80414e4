import type pg from 'pg'
import type { Log } from '../ports.ts'

const WRITE_EVERY_MS = 60_000

/** When keys were last used, as far as this process knows. */
export type LastUsed = Readonly<{
  mark(keyId: string): void
  /** Milliseconds since 1970, or null for a key that was not used here since the last write. */
  of(keyId: string): number | null
  /** Writes what is not written yet. A failure is logged and tried again with the next one. */
  write(): Promise<void>
  /** Writes a last time. */
  close(): Promise<void>
}>

/**
 * Keeps the times in memory and writes them in one statement, at most once a minute: a request
 * costs no write. A process that is killed forgets the last minute.
 */
export function createLastUsed(pool: pg.Pool, log: Log, everyMs = WRITE_EVERY_MS): LastUsed {
  let unwritten = new Map<string, number>()

  const write = async (): Promise<void> => {
    const writing = unwritten
    if (writing.size === 0) return
    unwritten = new Map()
    const times = [...writing.values()].map((ms) => new Date(ms))
    try {
      await pool.query('select ledger.touch_keys($1, $2)', [[...writing.keys()], times])
    } catch (error) {
      unwritten = new Map([...writing, ...unwritten])
      log.warn({ err: error }, 'when keys were last used could not be written')
    }
  }
  const timer = setInterval(() => void write(), everyMs).unref()

  return {
    mark: (keyId) => void unwritten.set(keyId, Date.now()),
    of: (keyId) => unwritten.get(keyId) ?? null,
    write,
    close() {
      clearInterval(timer)
      return write()
    },
  }
}
