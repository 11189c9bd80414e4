import type { Halt } from '../../switch/intervals.ts'
import { minute, shortTime } from '../../words.ts'

/** A halt among the steps of a staircase: 0 is before the first step, 1 between it and the second. */
export type HaltedSteps = Readonly<{ halt: Halt; from: number; to: number }>

/**
 * Where halts lie among events, by the order of the log: those that were in force after the first
 * event and before the last, and one that is in force now, which ends with the last step.
 */
export function haltedSteps(
  positions: readonly number[],
  halts: readonly Halt[],
): readonly HaltedSteps[] {
  const [first = 0, last = 0] = [positions[0], positions.at(-1)]
  const before = (position: number): number => positions.filter((it) => it < position).length
  return halts
    .filter(({ from, to }) => to === null || (from.position < last && to.position > first))
    .map((halt) => ({
      halt,
      from: before(halt.from.position),
      to: halt.to === null ? positions.length : before(halt.to.position),
    }))
}

/** global HALTED 16:59 to 17:18; with the day where there are two, or where there is no end yet. */
export function haltInWords({ scope, from, to }: Halt): string {
  const begin = from.recordedAt
  if (to === null) return `${scope} HALTED since ${shortTime(begin)}`
  const end = to.recordedAt
  const write = begin.slice(0, 10) === end.slice(0, 10) ? minute : shortTime
  return `${scope} HALTED ${write(begin)} to ${write(end)}`
}
