const KEYS_MAX = 10_000

/** Buckets by name, each of `size` tokens that come back at `perSecond`. */
export type TokenBuckets = Readonly<{
  /** Takes a token; false when the bucket of this name is empty. */
  take(name: string): boolean
}>

/**
 * `clock` gives milliseconds and never goes back. The memory is bounded: of more than 10,000 names
 * the one that asked least lately is forgotten, and has a full bucket when it comes again.
 */
export function createTokenBuckets(
  { size, perSecond }: Readonly<{ size: number; perSecond: number }>,
  clock: () => number,
): TokenBuckets {
  const buckets = new Map<string, { left: number; atMs: number }>()
  return {
    take(name) {
      const nowMs = clock()
      const bucket = buckets.get(name) ?? { left: size, atMs: nowMs }
      const left = Math.min(size, bucket.left + ((nowMs - bucket.atMs) / 1_000) * perSecond)
      const taken = left >= 1
      buckets.delete(name)
      buckets.set(name, { left: taken ? left - 1 : left, atMs: nowMs })
      const [oldest] = buckets.keys()
      if (buckets.size > KEYS_MAX && oldest !== undefined) buckets.delete(oldest)
      return taken
    },
  }
}
