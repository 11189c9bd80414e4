import { LIMITS } from '../domain/limits.ts'

const PAUSE_MS = 50

/**
 * Asks until an answer comes, at most five times with growing pauses: for an append, whose
 * rejection means that the outcome is unknown and which may be sent again with the same ids.
 * `retried` says that an answer was lost on the way.
 */
export async function untilKnown<T>(
  ask: () => Promise<T>,
): Promise<{ readonly result: T; readonly retried: boolean }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return { result: await ask(), retried: attempt > 1 }
    } catch (error) {
      if (attempt >= LIMITS.appendTries) throw error
      await pause(PAUSE_MS * 2 ** (attempt - 1))
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
