import { LIMITS } from '../../domain/limits.ts'

/** Milliseconds of a clock that never goes back. */
export type Clock = () => number

/**
 * How many refusals a key may open new streams with: a bucket of 50 that fills by one a second.
 * Per process. An empty bucket changes nothing about the answer, only that it is not stored.
 */
export function createRefusalBuckets(clock: Clock): { take(keyId: string): boolean } {
  const buckets = new Map<string, { left: number; atMs: number }>()
  return {
    take(keyId) {
      const nowMs = clock()
      const bucket = buckets.get(keyId) ?? { left: LIMITS.refusalBucketSize, atMs: nowMs }
      const refill = ((nowMs - bucket.atMs) / 1_000) * LIMITS.refusalBucketPerSecond
      const left = Math.min(LIMITS.refusalBucketSize, bucket.left + refill)
      const taken = left >= 1
      buckets.set(keyId, { left: taken ? left - 1 : left, atMs: nowMs })
      return taken
    },
  }
}

const PAUSES_MAX = 10_000

/**
 * On one stream an executor starts at most once a second after a refused execution. Per process.
 * Old entries are dropped as new ones come, so the memory is bounded.
 */
export function createExecutionPauses(clock: Clock): {
  /** Asked right before a start: of many callers at one moment, one may. */
  mayStart(dispatchId: string): boolean
  mark(dispatchId: string): void
} {
  const startedAtMs = new Map<string, number>()
  const mark = (dispatchId: string): void => {
    startedAtMs.delete(dispatchId)
    startedAtMs.set(dispatchId, clock())
    const [oldest] = startedAtMs.keys()
    if (startedAtMs.size > PAUSES_MAX && oldest !== undefined) startedAtMs.delete(oldest)
  }
  return {
    mark,
    mayStart(dispatchId) {
      const lastMs = startedAtMs.get(dispatchId)
      if (lastMs === undefined) return true
      if (clock() - lastMs < LIMITS.executionPauseMs) return false
      mark(dispatchId)
      return true
    },
  }
}

export type Pacing = Readonly<{
  openings: ReturnType<typeof createRefusalBuckets>
  pauses: ReturnType<typeof createExecutionPauses>
}>

export const createPacing = (clock: Clock): Pacing => ({
  openings: createRefusalBuckets(clock),
  pauses: createExecutionPauses(clock),
})
