import {
  type CallsRow,
  hoursUntil,
  knownCode,
  refusedOf,
  type Sum,
  sumOf,
  sumsBy,
  type Counted as What,
} from '../../call-sums.ts'
import type { Calls } from '../../calls.ts'
import { BarRow } from '../../parts/bar-row.tsx'
import { Heat, type HeatRow } from '../../parts/heat.tsx'
import { Empty } from '../../parts/states.tsx'
import { addressWith, setQuery } from '../../router.ts'
import { useStatuses } from '../../statuses.ts'
import { minute, num, RULE_NAMES, whoActsShort } from '../../words.ts'
import { byRule, NOTHING_PICKED, type Pick } from './pick.ts'

export const HOURS = 24
const CONTRACTS_MAX = 8

type Shown = Readonly<{ calls: Calls; pick: Pick }>

export const NothingRefused = () => (
  <Empty icon="check" title="Nothing was refused in the last 24 hours">
    <p>The list below has what was refused before.</p>
  </Empty>
)

/** Rule by hour: which promise refused when. */
export function RuleHeat({ calls, pick }: Shown) {
  const hours = hoursUntil(Date.now(), HOURS)
  const rows = refusedOf(calls.rows, pick.counted)
  if (rows.length === 0) return <NothingRefused />
  const same = (rule: string, hour: string): boolean => pick.rule === rule && pick.hour === hour
  return (
    <Heat
      caption={`Refused ${pick.counted} by rule and hour`}
      columns={hours.map((hour, at) => ({
        key: hour,
        label: at % 2 === 0 ? hour.slice(11, 13) : '',
        says: `${minute(hour)} UTC`,
      }))}
      rows={byRule(rows, hours).map(heatRow)}
      isPicked={(rule, hour) => (rule === ANY ? isAnyAt(pick, hour) : same(rule, hour))}
      pick={(rule, hour) => {
        const isPicked = rule === ANY ? isAnyAt(pick, hour) : same(rule, hour)
        const next = rule === ANY ? { code: UNSURE, hour } : { rule, hour }
        setQuery({ ...NOTHING_PICKED, ...(isPicked ? {} : next) })
      }}
    />
  )
}

/** Whichever gate could not tell: its code is of no one rule. */
const UNSURE = 'gate-indeterminate'
const ANY = 'any'

const isAnyAt = (pick: Pick, hour: string): boolean => pick.code === UNSURE && pick.hour === hour

function heatRow({ rule, figures }: ReturnType<typeof byRule>[number]): HeatRow {
  const name = rule === null ? 'A gate could not tell' : (RULE_NAMES[rule] ?? 'Rule')
  return {
    key: rule === null ? ANY : String(rule),
    says: rule === null ? name : `Rule ${rule}, ${name}`,
    label: (
      <>
        <b>{rule ?? '?'}</b>
        {name}
      </>
    ),
    figures,
  }
}

/** Which contracts are refused, and mostly why. */
export function ContractBars({ calls, pick }: Shown) {
  const rows = refusedOf(calls.rows, pick.counted)
  const sums = sumsBy(
    rows.filter((it) => it.contract_id !== ''),
    (it) => it.contract_id,
  )
  const nameless = sumOf(rows.filter((it) => it.contract_id === ''))
  if (rows.length === 0) return null
  const max = sums[0]?.calls ?? 1
  return (
    <>
      <h3>
        By contract
        {sums.length > CONTRACTS_MAX && (
          <span class="faint">
            , {CONTRACTS_MAX} of {num(sums.length)}
          </span>
        )}
      </h3>
      <div class="bars two">
        {sums.slice(0, CONTRACTS_MAX).map((sum) => (
          <ContractBar key={sum.key} sum={sum} max={max} pick={pick} />
        ))}
      </div>
      {nameless > 0 && (
        <p class="faint">And {num(nameless)} for contracts that are not registered.</p>
      )}
    </>
  )
}

type Bar = Readonly<{ sum: Sum; max: number; pick: Pick }>

function ContractBar({ sum: { key, rows, calls }, max, pick }: Bar) {
  const isPicked = pick.contract === key
  const mostly = sumsBy(rows, ({ code }) => code)[0]?.key
  return (
    <BarRow
      href={addressWith({ ...NOTHING_PICKED, contract: isPicked ? null : key })}
      share={solid(rows) / max}
      more={(calls - solid(rows)) / max}
      isPressed={isPicked}
    >
      <span class="clip">
        {key}
        <span class="faint">, mostly {mostly}</span>
      </span>
      <span class="count">{num(calls)}</span>
    </BarRow>
  )
}

/** What wrote an event is solid; what is only counted is hatched. */
const solid = (rows: readonly CallsRow[]): number => sumOf(refusedOf(rows, 'events'))

/** Why calls are refused, and who must act. */
export function CodeBars({ calls, pick }: Shown) {
  const sums = sumsBy(refusedOf(calls.rows, pick.counted), ({ code }) => code)
  const statuses = useStatuses(sums.map(({ key }) => key))
  const max = sums[0]?.calls ?? 1
  if (sums.length === 0) return <Empty icon="check" title="Nothing was refused" />
  return (
    <div class="bars">
      {sums.map(({ key, rows, calls: count }) => (
        <BarRow
          key={key}
          href={addressWith({ ...NOTHING_PICKED, code: pick.code === key ? null : key })}
          share={solid(rows) / max}
          more={(count - solid(rows)) / max}
          isPressed={pick.code === key}
        >
          <span class="clip">
            <code title={key}>{key}</code>
          </span>
          <span class="count">
            {num(count)} <small>{says(key, statuses[key])}</small>
          </span>
        </BarRow>
      ))}
    </div>
  )
}

function says(code: string, status: number | undefined): string {
  const known = knownCode(code)
  const who = known === null ? [] : [whoActsShort(known.whoMustAct, known.retryable)]
  return [...(status === undefined ? [] : [status]), ...who].join(' · ')
}

/** Calls that no gate judged: they are no refusals, and not in the log. */
export function NotJudged({ calls }: Readonly<{ calls: Calls }>) {
  const sums = sumsBy(
    calls.rows.filter((it) => it.outcome === 'error'),
    ({ code }) => code,
  )
  if (sums.length === 0) return <span>No call ended without a judgement.</span>
  return (
    <span>
      Ended without a judgement, no refusal:{' '}
      {sums.map(({ key, calls: count }, at) => (
        <span key={key}>
          {at > 0 && ' · '}
          <b>{key}</b> {num(count)}
        </span>
      ))}
    </span>
  )
}

export const noteOf = (counted: What): string =>
  counted === 'events'
    ? 'Equal refusals of one dispatch add one event.'
    : 'Every refused call, as the servers counted. Hatched wrote nothing.'
