import { endOf, type Halt, startOf } from '../../switch/intervals.ts'

const DAY_MS = 86_400_000
const DAYS = 7

/** Seven days by UTC, of which `nowMs` lies in the last. */
export function weekOf(nowMs: number): Readonly<{ fromMs: number; toMs: number }> {
  const toMs = nowMs - (nowMs % DAY_MS) + DAY_MS
  return { fromMs: toMs - DAYS * DAY_MS, toMs }
}

export const daysOf = (fromMs: number): readonly number[] =>
  Array.from({ length: DAYS }, (_, at) => fromMs + at * DAY_MS)

/** Mon, 16 Nov */
export const dayName = (ms: number): string => {
  const [, day, month] = new Date(ms).toUTCString().split(' ')
  return `${new Date(ms).toUTCString().slice(0, 3)}, ${Number(day)} ${month}`
}

/** Whether a part of a halt lies after a time. */
export const reachesInto = (halt: Halt, fromMs: number, nowMs: number): boolean =>
  endOf(halt, nowMs) >= fromMs && startOf(halt) <= nowMs

export type Mark = Readonly<{ halt: Halt; x: number; width: number; isLabelled: boolean }>
type Scale = Readonly<{ fromMs: number; nowMs: number; x: (ms: number) => number }>

const WIDTH_MIN = 5
const LABEL_WIDTH = 44

/**
 * The halts of one scope on its rail, the oldest first. A short one is as wide as can be seen; its
 * figure stands to its left, where no other mark is.
 */
export function marksOf(halts: readonly Halt[], { fromMs, nowMs, x }: Scale): readonly Mark[] {
  const inOrder = halts
    .filter((it) => reachesInto(it, fromMs, nowMs))
    .toSorted((a, b) => startOf(a) - startOf(b))
  let free = x(fromMs)
  return inOrder.map((halt) => {
    const end = Math.max(x(endOf(halt, nowMs)), x(fromMs) + WIDTH_MIN)
    const begin = Math.min(x(Math.max(startOf(halt), fromMs)), end - WIDTH_MIN)
    const isLabelled = begin - free >= LABEL_WIDTH
    free = end
    return { halt, x: begin, width: end - begin, isLabelled }
  })
}
