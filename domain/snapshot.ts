import type { Json } from './json.ts'

/** The rule set that judges. A change that could change a verdict is a new number. */
export const RULES = 1
export const KNOWN_RULES: readonly number[] = [1]

export type GateOutcome = 'pass' | 'fail' | 'indeterminate' | 'not_evaluated'

export type GateName =
  | 'mode'
  | 'kill-switch'
  | 'namespace'
  | 'contract'
  | 'params'
  | 'fixture'
  | 'target'
  | 'pins'
  | 'executor'
  | 'read-only'
  | 'baseline'
  | 'evidence'

/**
 * What one gate said. `seen` is everything it read beyond the command and the control fold,
 * verbatim, so that the verdict can be derived again offline. `revision` is the control event
 * that decided it, or null.
 */
export type GateRecord = Readonly<{
  gate: GateName
  outcome: GateOutcome
  seen: Json
  revision: number | null
}>

/** The judgement an event rests on. `controlRevision` is -1 while `control` is empty. */
export type Snapshot = Readonly<{
  rules: number
  controlRevision: number
  gates: readonly GateRecord[]
}>

export const isRefusing = (record: GateRecord): boolean =>
  record.outcome === 'fail' || record.outcome === 'indeterminate'
