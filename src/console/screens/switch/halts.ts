import { useState } from 'preact/hooks'
import { merged } from '../../call-sums.ts'
import { type Calls, useCallsIn } from '../../calls.ts'
import type { Resource } from '../../resource.ts'
import { type History, useHistory } from '../../switch/history.ts'
import { type Halt, haltsOf, hoursOfHalt, type Refused, refusedBy } from '../../switch/intervals.ts'
import type { ContractKind } from '../../switch/scopes.ts'
import { reachesInto, weekOf } from './rails.ts'

const SHOWN = 20

export type Halts = Readonly<{
  history: History & Readonly<{ retry: () => void }>
  halts: readonly Halt[]
  /** Those whose calls were asked for: the newest, and all of the last seven days. */
  listed: readonly Halt[]
  showOlder: () => void
  calls: Resource<Calls>
  /** What a halt refused, or null where it cannot be told. */
  refusedOf: (halt: Halt) => Refused | null
  nowMs: number
}>

/** The halts of the log, with the calls of their hours. */
export function useHalts(contracts: readonly ContractKind[]): Halts {
  const [shown, setShown] = useState(SHOWN)
  const history = useHistory()
  const nowMs = Date.now()
  const halts = haltsOf(history.settings)
  const inWeek = halts.filter((it) => reachesInto(it, weekOf(nowMs).fromMs, nowMs))
  const listed = halts.slice(0, Math.max(shown, inWeek.length))
  const calls = useCallsIn(merged(listed.map((it) => hoursOfHalt(it, nowMs))))
  const rows = calls.answer?.body.rows
  return {
    history,
    halts,
    listed,
    showOlder: () => setShown(listed.length + SHOWN),
    calls,
    refusedOf: (halt) =>
      rows === undefined ? null : refusedBy(halt, { rows, halts, contracts, nowMs }),
    nowMs,
  }
}
