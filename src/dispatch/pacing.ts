import { type ControlState, findContract } from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { limitsOf, type Plan } from '../../domain/dispatch/plan.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import { createTokenBuckets } from '../token-buckets.ts'
import { Turns } from '../turns.ts'

/** Milliseconds of a clock that never goes back. */
export type Clock = () => number

/** When a call that began at `startedMs` must be answered: after its dry run, and some time more. */
export function deadlineMs(
  startedMs: number,
  { control, command }: Readonly<{ control: ControlState; command: AskedCommand }>,
): number {
  const contract = findContract(control, command.contract)?.body
  const executorMs = contract ? limitsOf(contract).timeMs : LIMITS.executorTimeMs
  return startedMs + executorMs + LIMITS.requestSlackMs
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

/**
 * Refusals that may open new streams, by key: a bucket of 50 that fills by one a second. Empty, the
 * answer is the same and is not stored. Equal calls that are under way together take one place.
 */
function createOpenings(clock: Clock): {
  take(keyId: string, dispatchId: string): boolean
  /** The opening was appended, or somebody else's was. */
  end(dispatchId: string): void
} {
  const size = { size: LIMITS.refusalBucketSize, perSecond: LIMITS.refusalBucketPerSecond }
  const buckets = createTokenBuckets(size, clock)
  const underWay = new Set<string>()
  return {
    take(keyId, dispatchId) {
      if (!underWay.has(dispatchId) && !buckets.take(keyId)) return false
      underWay.add(dispatchId)
      return true
    },
    end: (dispatchId) => void underWay.delete(dispatchId),
  }
}

/**
 * Bulkheads (Nygard, Release It!): so many dry runs at a time go to one place, more wait in line. What
 * is stuck there holds up what goes there, and nothing else. Who finds no place never began.
 */
const createLanes = (): Turns =>
  new Turns({
    working: LIMITS.lanes,
    waiting: LIMITS.lanesWaiting,
    waitMs: LIMITS.laneWaitMs,
    tooMany: () =>
      new LedgerError('gate-indeterminate', 'Other dry runs had all the places that lead there', {
        retryAfterSeconds: 1,
      }),
  })

/** Where a plan leads: its executor, its origin, and the database that is asked of it. */
export const laneOf = ({ target }: Plan): string => {
  const { executor, origin, source, crossCheck } = target
  return JSON.stringify([executor, origin, source ?? crossCheck?.source])
}

export type Pacing = Readonly<{
  openings: ReturnType<typeof createOpenings>
  pauses: ReturnType<typeof createExecutionPauses>
  lanes: Turns
}>

export const createPacing = (clock: Clock): Pacing => ({
  openings: createOpenings(clock),
  pauses: createExecutionPauses(clock),
  lanes: createLanes(),
})
