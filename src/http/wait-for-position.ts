import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'

const LOOK_AGAIN_MS = 25

/**
 * Reads until what was read is complete up to `minPosition`, for at most 2 s.
 * Throws `not-ready` after that.
 */
export async function waitForPosition<T extends { readonly position: number }>(
  minPosition: number,
  read: () => Promise<T>,
): Promise<T> {
  const startedMs = performance.now()
  for (;;) {
    const found = await read()
    if (found.position >= minPosition) return found
    if (performance.now() - startedMs > LIMITS.minPositionWaitMs) {
      const where = `position ${minPosition} is not reached: this read is at ${found.position}`
      throw new LedgerError('not-ready', where, { retryAfterSeconds: 1 })
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}
