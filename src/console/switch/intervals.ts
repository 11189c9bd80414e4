import type { Recorded, SwitchSet } from '../../../domain/events.ts'
import { type CallsRow, HOUR_MS, type HourRange, hourOf, sumOf } from '../call-sums.ts'
import { type ContractKind, covers, meet } from './scopes.ts'

export type Setting = Recorded<SwitchSet>

/** A time in which a scope was HALTED. */
export type Halt = Readonly<{
  scope: string
  from: Setting
  /** Null while it is halted still. */
  to: Setting | null
}>

/**
 * Folds settings, in the order of the log, into the halts of every scope, the newest first. A
 * setting that changes nothing neither begins nor ends one; scopes do not end each other's.
 */
export function haltsOf(settings: readonly Setting[]): readonly Halt[] {
  const open = new Map<string, Setting>()
  const ended: Halt[] = []
  for (const setting of settings) {
    const { scope, state } = setting.data
    const from = open.get(scope)
    if (state === 'HALTED') {
      if (from === undefined) open.set(scope, setting)
    } else if (from !== undefined) {
      open.delete(scope)
      ended.push({ scope, from, to: setting })
    }
  }
  const still = [...open.values()].map((from) => ({ scope: from.data.scope, from, to: null }))
  return [...ended, ...still].toSorted((a, b) => b.from.position - a.from.position)
}

/** Every scope that was set, with its first setting; `global` comes first. */
export function firstSettings(settings: readonly Setting[]): readonly Setting[] {
  const firsts = new Map<string, Setting>()
  for (const it of settings) if (!firsts.has(it.data.scope)) firsts.set(it.data.scope, it)
  return [...firsts.values()].toSorted((a, b) => order(a.data.scope) - order(b.data.scope))
}

const order = (scope: string): number => (scope === 'global' ? 0 : 1)

export const startOf = ({ from }: Halt): number => Date.parse(from.recordedAt)
export const endOf = ({ to }: Halt, nowMs: number): number =>
  to === null ? nowMs : Date.parse(to.recordedAt)

/** The hours that a halt touches, whole. */
export const hoursOfHalt = (halt: Halt, nowMs: number): HourRange => ({
  after: hourOf(startOf(halt)),
  until: hourOf(endOf(halt, nowMs) + HOUR_MS),
})

export type Refused = Readonly<{
  calls: number
  /** Of those calls, the ones that left an event. */
  appended: number
  /** Another halt refused calls of the same hours and contracts: the figures are of both. */
  isShared: boolean
}>

type Counts = Readonly<{
  rows: readonly CallsRow[]
  halts: readonly Halt[]
  contracts: readonly ContractKind[]
  nowMs: number
}>

/** What a halt refused, as far as counts by the hour can tell. */
export function refusedBy(halt: Halt, { rows, halts, contracts, nowMs }: Counts): Refused {
  const { after, until } = hoursOfHalt(halt, nowMs)
  const mine = rows.filter(
    (it) =>
      it.code === 'kill-switch-engaged' &&
      it.hour >= after &&
      it.hour < until &&
      covers(halt.scope, it.contract_id, contracts),
  )
  const isShared = halts.some((it) => {
    if (it.from.position === halt.from.position) return false
    const other = hoursOfHalt(it, nowMs)
    const inTime = other.after < until && other.until > after
    return inTime && meet(it.scope, halt.scope, contracts)
  })
  const appended = sumOf(mine.filter((it) => it.appended === 'events'))
  return { calls: sumOf(mine), appended, isShared }
}
