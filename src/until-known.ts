import { setTimeout as pause } from 'node:timers/promises'
import { LIMITS } from '../domain/limits.ts'
import { LedgerError } from './errors.ts'
import { within } from './within.ts'

const PAUSE_MS = 50

/**
 * Asks until an answer comes, at most five times with growing pauses and for at most `leftMs`: for
 * an append, whose rejection means that the outcome is unknown and which may be sent again with
 * the same ids. `retried` says that an answer was lost on the way.
 */
export async function untilKnown<T>(
  ask: () => Promise<T>,
  leftMs: number,
): Promise<{ readonly result: T; readonly retried: boolean }> {
  const untilMs = performance.now() + leftMs
  for (let attempt = 1; ; attempt++) {
    try {
      return {
        result: await within(untilMs - performance.now(), ask(), tooLate),
        retried: attempt > 1,
      }
    } catch (error) {
      if (attempt >= LIMITS.appendTries || performance.now() >= untilMs) throw error
      await pause(PAUSE_MS * 2 ** (attempt - 1))
    }
  }
}

/** A late answer is a lost one: whoever waits has a deadline of their own. */
function tooLate(): never {
  throw new LedgerError('store-unavailable', 'The store did not answer in time', {
    recorded: 'unknown',
  })
}
