import type { Answer } from '../client/index.ts'
import { plainTable } from './read.ts'

/** What the dispatches of one runner came to, each outcome with how often. */
export type Outcomes = Map<string, number>

type Dispatched = Readonly<{
  code?: string
  outcome?: string
  event?: { data: { verdict?: string } }
  results?: readonly Answer[]
}>

/** Counts what an answer says of dispatches; one that says nothing of any counts for nothing. */
export function count(outcomes: Outcomes, { body }: Answer): void {
  const { results, ...one } = body as Dispatched
  for (const each of results ?? []) if (each.body !== undefined) count(outcomes, each)
  const outcome = outcomeOf(one)
  if (outcome !== undefined) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}

function outcomeOf({ code, outcome, event }: Dispatched): string | undefined {
  if (code !== undefined) return code === 'mutation-suspected' ? code : 'refused'
  return outcome === 'replayed' ? outcome : event?.data.verdict
}

const COLUMNS = ['would_succeed', 'would_fail', 'refused', 'mutation-suspected', 'replayed']

/** One line a runner. */
export function tableOfRunners(
  rows: readonly Readonly<{ name: string; executor: string; outcomes: Outcomes }>[],
): string {
  const table = plainTable(['runner', 'executor', ...COLUMNS])
  for (const { name, executor, outcomes } of rows) {
    table.push([name, executor, ...COLUMNS.map((it) => String(outcomes.get(it) ?? '-'))])
  }
  return table.toString()
}
