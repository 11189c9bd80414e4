import type { WhoMustAct } from '../../api.ts'
import { byHour, type CallsRow, sumsBy } from '../../call-sums.ts'
import type { Series } from '../../parts/stacked-hours.tsx'

export type CallSeries = Series & Readonly<{ note: string; has: (row: CallsRow) => boolean }>

/** From the bottom up: what is recorded, and above it what wrote nothing. No call is in two of them. */
export const SERIES: readonly CallSeries[] = [
  {
    key: 'created',
    label: 'Created',
    note: 'new identities',
    ink: 'created-solid',
    hatched: false,
    has: ({ outcome }) => outcome === 'created',
  },
  {
    key: 'advanced',
    label: 'Advanced',
    note: 'went further',
    ink: 'advanced-solid',
    hatched: false,
    has: ({ outcome }) => outcome === 'advanced',
  },
  {
    key: 'refused',
    label: 'Refused',
    note: 'one event each',
    ink: 'refused-solid',
    hatched: false,
    has: ({ outcome, appended }) => outcome === 'refused' && appended === 'events',
  },
  {
    key: 'refusedAgain',
    label: 'Refused again',
    note: 'same reason as before',
    ink: 'refused-solid',
    hatched: true,
    has: ({ outcome, appended }) => outcome === 'refused' && appended !== 'events',
  },
  {
    key: 'replayed',
    label: 'Replayed',
    note: 'answered from the log',
    ink: 'replayed-solid',
    hatched: true,
    has: ({ outcome }) => outcome === 'replayed',
  },
]

export const figuresOf = (
  rows: readonly CallsRow[],
  hours: readonly string[],
): readonly (readonly number[])[] => SERIES.map(({ has }) => byHour(rows.filter(has), hours))

/** Calls that were answered neither by an event nor by a refusal: nothing could be judged or recorded. */
export const unansweredOf = (rows: readonly CallsRow[]): readonly CallsRow[] =>
  rows.filter((row) => !SERIES.some(({ has }) => has(row)))

export type Waiting = Readonly<{ who: WhoMustAct; code: string; calls: number; contracts: string }>

/** What waits for somebody: refusals by code, those that somebody can act on, the most first. */
export function waitingOf(
  refused: readonly CallsRow[],
  whoOf: (code: string) => WhoMustAct,
): readonly Waiting[] {
  return sumsBy(refused, ({ code }) => code)
    .map(({ key, rows, calls }) => ({
      who: whoOf(key),
      code: key,
      calls,
      contracts: namesOf(rows),
    }))
    .filter(({ who }) => who === 'operator' || who === 'catalogue-owner')
}

const NAMED_MAX = 2

function namesOf(rows: readonly CallsRow[]): string {
  const ids = sumsBy(rows, (it) => it.contract_id).map(({ key }) =>
    key === '' ? 'contracts that are not registered' : key,
  )
  const named = ids.slice(0, NAMED_MAX).join(', ')
  return ids.length > NAMED_MAX ? `${named} and ${ids.length - NAMED_MAX} more` : named
}
