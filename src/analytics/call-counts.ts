import type { Mode } from '../../domain/dispatch/command.ts'

const HOUR_MS = 3_600_000

/** What a call was answered, as far as it is counted. */
export type CountedCall = Readonly<{
  /** Of a registered contract, or empty. */
  contractId: string
  mode: Mode
  outcome: string
  /** Of the refusal or of the error, or empty. */
  code: string
  /** What it left in the log. */
  appended: 'events' | 'none' | 'unknown'
}>

/** How many calls of one kind came in one hour so far. */
export type CallCount = CountedCall & Readonly<{ hourMs: number; calls: number }>

/** How many rows are kept at most: those that name a contract, and all of them. */
export type CallCountBounds = Readonly<{ contractRowsMax: number; rowsMax: number }>

export type CallCounts = Readonly<{
  count(call: CountedCall): void
  /** What was not written yet, as it stands in its hour: nothing to be added up. */
  unwritten(): readonly CallCount[]
  /** Tells that these are written. */
  written(counts: readonly CallCount[]): void
  /** How many calls found no room since it was last asked. */
  takeUncounted(): number
}>

type Counting = CountedCall & { readonly hourMs: number; calls: number; written: number }

/**
 * Counts calls per hour in memory. The rows of an hour stay until it is over, written or not: so
 * what bounds them here bounds what one server adds to the table in one hour. Beyond
 * `contractRowsMax` a row names no contract, and those are as few as outcomes and codes.
 */
export function createCallCounts(bounds: CallCountBounds, nowMs: () => number): CallCounts {
  const rows: Rows = new Map()
  let hourMs = 0
  let uncounted = 0

  return {
    count(call) {
      const now = nowMs()
      // A clock that is set back counts on in the later hour: one that was forgotten never returns.
      if (now >= hourMs + HOUR_MS) {
        hourMs = now - (now % HOUR_MS)
        forgetWritten(rows, hourMs)
      }
      const row = rows.get(keyOf(hourMs, call)) ?? addRow(rows, bounds, hourMs, call)
      if (row === null) uncounted += 1
      else row.calls += 1
    },
    unwritten: () => [...rows.values()].filter((it) => it.calls > it.written).map(countOf),
    written(counts) {
      for (const count of counts) {
        const row = rows.get(keyOf(count.hourMs, count))
        if (row !== undefined) row.written = count.calls
      }
      forgetWritten(rows, hourMs)
    },
    takeUncounted() {
      const taken = uncounted
      uncounted = 0
      return taken
    },
  }
}

type Rows = Map<string, Counting>

/** A new row for a call; where there is no room, the one without its contract, or null. */
function addRow(
  rows: Rows,
  bounds: CallCountBounds,
  hourMs: number,
  call: CountedCall,
): Counting | null {
  const isNameless = call.contractId === ''
  if (rows.size >= (isNameless ? bounds.rowsMax : bounds.contractRowsMax)) {
    if (isNameless) return null
    const nameless = { ...call, contractId: '' }
    return rows.get(keyOf(hourMs, nameless)) ?? addRow(rows, bounds, hourMs, nameless)
  }
  const row = { ...call, hourMs, calls: 0, written: 0 }
  rows.set(keyOf(hourMs, call), row)
  return row
}

function forgetWritten(rows: Rows, hourMs: number): void {
  for (const [key, row] of rows) {
    if (row.hourMs < hourMs && row.written === row.calls) rows.delete(key)
  }
}

const keyOf = (
  hourMs: number,
  { contractId, mode, outcome, code, appended }: CountedCall,
): string => `${hourMs} ${contractId} ${mode} ${outcome} ${code} ${appended}`

function countOf(row: Counting): CallCount {
  const { written: _, ...count } = row
  return count
}
