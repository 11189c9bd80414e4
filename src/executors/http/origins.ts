import type { Lane } from './lane.ts'

/** Connections that wait for a next request, of all origins together; the longest waiting go first. */
const IDLE_MAX = 256
/** Then a name is resolved and judged anew, however busy its connections are. */
const AGE_MAX_MS = 60_000

/** The open connections, by origin. Who takes one has it to itself. */
export type Origins = Readonly<{
  take(origin: string): Lane | Promise<Lane>
  /** Only a lane whose last answer was complete: any other is broken off. */
  giveBack(origin: string, lane: Lane): void
  close(): void
}>

export function createOrigins(make: (origin: string) => Promise<Lane>): Origins {
  /** Each list in the order of coming back, and the lists in that of their last use. */
  const idle = new Map<string, Lane[]>()
  let count = 0
  let isClosed = false
  const takeIdle = (origin: string): Lane | undefined => {
    const lanes = idle.get(origin)
    const lane = lanes?.shift()
    if (lanes?.length === 0) idle.delete(origin)
    if (lane !== undefined) count -= 1
    return lane
  }
  return {
    take(origin) {
      for (let lane = takeIdle(origin); lane !== undefined; lane = takeIdle(origin)) {
        if (performance.now() - lane.madeAtMs <= AGE_MAX_MS) return lane
        lane.close()
      }
      return make(origin)
    },
    giveBack(origin, lane) {
      if (isClosed) return lane.close()
      const lanes = idle.get(origin) ?? []
      lanes.push(lane)
      idle.delete(origin)
      idle.set(origin, lanes)
      count += 1
      const [oldest] = idle.keys()
      if (count > IDLE_MAX && oldest !== undefined) takeIdle(oldest)?.close()
    },
    close() {
      isClosed = true
      for (const lane of [...idle.values()].flat()) lane.close()
      idle.clear()
      count = 0
    },
  }
}
