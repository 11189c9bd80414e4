import { byHour, type CallsRow, type Counted, HOUR_MS, ruleOf, sumsBy } from '../../call-sums.ts'
import { type Chip, filterOf } from '../../filter-chips.ts'

/** What is picked stands in the address: /refusals?rule=8&hour=2026-11-22T17:00:00.000Z */
export type Pick = Readonly<{
  counted: Counted
  code: string | null
  rule: string | null
  hour: string | null
  contract: string | null
}>

export const pickOf = (query: URLSearchParams): Pick => ({
  counted: query.get('count') === 'calls' ? 'calls' : 'events',
  code: query.get('code'),
  rule: query.get('rule'),
  hour: query.get('hour'),
  contract: query.get('contract'),
})

export const isNarrowed = ({ code, rule, hour, contract }: Pick): boolean =>
  [code, rule, hour, contract].some((it) => it !== null)

/** As parameters of the address: nothing is picked, and the newest page is shown. */
export const NOTHING_PICKED = { code: null, rule: null, hour: null, contract: null, page: null }

/** The comparisons that find the refusals of a pick. What is wrong with one, the server says. */
export function filterOfPick({ code, rule, hour, contract }: Pick): string {
  const chips: Chip[] = []
  if (code !== null) chips.push({ field: 'code', operator: '=', value: code })
  if (rule !== null) chips.push({ field: 'rule', operator: '=', value: rule })
  if (contract !== null) chips.push({ field: 'contract.id', operator: '=', value: contract })
  if (hour !== null) {
    chips.push({ field: 'recordedAt', operator: '>=', value: hour })
    const beginMs = Date.parse(hour)
    const end = Number.isNaN(beginMs) ? hour : new Date(beginMs + HOUR_MS).toISOString()
    chips.push({ field: 'recordedAt', operator: '<', value: end })
  }
  return filterOf(chips)
}

/** The dispatches that were refused last for what is picked, as a filter of theirs. */
export function dispatchesOfPick({ code, rule, contract }: Pick, codes: readonly string[]): string {
  const ofRule = codes.filter((it) => String(ruleOf(it)) === rule)
  const named = code === null ? ofRule : [code]
  const refusals = named.map((value) => filterOf([{ field: 'lastRefusal', operator: '=', value }]))
  const some = refusals.length === 0 ? 'lastRefusal:*' : refusals.join(' OR ')
  if (contract === null) return some
  return `(${some}) AND ${filterOf([{ field: 'contract.id', operator: '=', value: contract }])}`
}

/** Rules with a gate of their own. The others hold in the way things are built. */
const GATED = [0, 1, 2, 4, 6, 8]

export type RuleRow = Readonly<{
  /** Null for a code that is of whichever gate could not tell. */
  rule: number | null
  figures: readonly number[]
}>

/** A row a rule, also where nothing was refused, with a sum for each hour. */
export function byRule(rows: readonly CallsRow[], hours: readonly string[]): readonly RuleRow[] {
  const sums = sumsBy(rows, ({ code }) => String(ruleOf(code)))
  const met = sums.map(({ key }) => (key === 'null' ? null : Number(key)))
  const rules = [...new Set([...GATED, ...met.filter((it) => it !== null)])].toSorted(
    (a, b) => a - b,
  )
  const all: readonly (number | null)[] = met.includes(null) ? [...rules, null] : rules
  return all.map((rule) => ({
    rule,
    figures: byHour(
      rows.filter(({ code }) => ruleOf(code) === rule),
      hours,
    ),
  }))
}
