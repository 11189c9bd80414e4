import { ERRORS, type ErrorCode, type ErrorEntry } from '../errors.ts'

/** A row of calls_hourly_v1, as GET /v1/analytics/calls_hourly_v1 shows it. */
export type CallsRow = Readonly<{
  /** Start of the hour. */
  hour: string
  /** Empty where no contract of the id that was asked for is registered. */
  contract_id: string
  mode: string
  outcome: string
  /** Of the refusal or of the error; empty where there was none. */
  code: string
  appended: 'events' | 'none' | 'unknown'
  calls: number
}>

/** Hours that begin at `after` or later, and before `until`. */
export type HourRange = Readonly<{ after: string; until: string }>

/** What is counted: refusals that stand in the log, or every refused call. */
export type Counted = 'events' | 'calls'

export const HOUR_MS = 3_600_000

export const hourOf = (ms: number): string => new Date(ms - (ms % HOUR_MS)).toISOString()

/** The hour that has begun and those before it, the oldest first. */
export const hoursUntil = (nowMs: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => hourOf(nowMs - (count - 1 - at) * HOUR_MS))

export const lastHours = (nowMs: number, count: number): HourRange => ({
  after: hourOf(nowMs - (count - 1) * HOUR_MS),
  until: hourOf(nowMs + HOUR_MS),
})

/** The same hours in as few ranges as there are gaps between them. */
export function merged(ranges: readonly HourRange[]): readonly HourRange[] {
  const inOrder = ranges.toSorted((a, b) => (a.after < b.after ? -1 : 1))
  return inOrder.reduce<readonly HourRange[]>((done, next) => {
    const last = done.at(-1)
    if (last === undefined || next.after > last.until) return [...done, next]
    const until = next.until > last.until ? next.until : last.until
    return [...done.slice(0, -1), { after: last.after, until }]
  }, [])
}

export const refusedOf = (rows: readonly CallsRow[], counted: Counted): readonly CallsRow[] =>
  rows.filter((it) => it.outcome === 'refused' && (counted === 'calls' || it.appended === 'events'))

export const sumOf = (rows: readonly CallsRow[]): number =>
  rows.reduce((sum, { calls }) => sum + calls, 0)

export type Sum = Readonly<{ key: string; rows: readonly CallsRow[]; calls: number }>

/** Sums by what `keyOf` says, the largest first. */
export function sumsBy(
  rows: readonly CallsRow[],
  keyOf: (row: CallsRow) => string,
): readonly Sum[] {
  const groups = new Map<string, CallsRow[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group === undefined) groups.set(keyOf(row), [row])
    else group.push(row)
  }
  return [...groups]
    .map(([key, group]) => ({ key, rows: group, calls: sumOf(group) }))
    .toSorted((a, b) => b.calls - a.calls || (a.key < b.key ? -1 : 1))
}

/** One sum for each hour, 0 where nothing was counted. Rows of other hours are left out. */
export function byHour(rows: readonly CallsRow[], hours: readonly string[]): readonly number[] {
  const sums = new Map(sumsBy(rows, ({ hour }) => hour).map(({ key, calls }) => [key, calls]))
  return hours.map((hour) => sums.get(hour) ?? 0)
}

/** What the catalogue of errors says of a code, or null for a code of a server that knows more. */
export const knownCode = (code: string): ErrorEntry | null =>
  Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null

export const ruleOf = (code: string): number | null => knownCode(code)?.rule ?? null
