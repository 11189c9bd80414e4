import { setTimeout as pause } from 'node:timers/promises'

const STEP_MS = 20

/**
 * Resolves with the first answer of `condition` that is neither false nor undefined; fails when none
 * came in time. A condition that rejects has not come true yet; its last error is the cause.
 */
export async function until<T>(
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  options: { readonly what?: string; readonly timeoutMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 10_000)
  let cause: unknown
  do {
    try {
      const answer = await condition()
      if (answer !== false && answer !== undefined) return answer
    } catch (error) {
      cause = error
    }
    await pause(STEP_MS)
  } while (performance.now() < deadline)
  throw new Error(`waited in vain for ${options.what ?? condition.toString()}`, { cause })
}
