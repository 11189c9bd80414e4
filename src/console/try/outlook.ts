import type { Mode } from '../../../domain/dispatch/command.ts'
import type { Gate, Reached } from '../api.ts'
import { STAGES } from '../parts/gates.ts'
import { plural } from '../words.ts'
import type { ParamsError } from './form.ts'

/** What `POST /v1/explain` says. */
export type Explanation = Readonly<{
  dispatchId: string
  digest: string
  wouldAnswer: string
  reached: Reached
  gates: readonly Gate[]
}>

/** How far a mode goes. */
const STEPS: Readonly<Record<Mode, number>> = {
  PLAN_ONLY: 1,
  VERIFY_ONLY: 2,
  DRY_RUN: 3,
  REAL_RUN: 0,
}

const LEVELS: readonly Reached[] = [null, 'Planned', 'PreflightPassed', 'DryRunRecorded']

export type Outlook = Readonly<{ says: string; refused: string | null }>

/** What a call would write, as far as it can be told without running anything. */
export function outlookOf(mode: Mode, { wouldAnswer, reached, gates }: Explanation): Outlook {
  if (wouldAnswer === 'replayed') return { says: 'would replay, 0 events', refused: null }
  const level = LEVELS.indexOf(reached)
  if (wouldAnswer === 'created' || wouldAnswer === 'advanced') {
    return { says: `would add ${plural(STEPS[mode] - level, 'event')}`, refused: null }
  }
  // Preflight refuses after the plan is recorded, and an equal refusal is not recorded again.
  const more = level === 0 && !isOfAdmission(gates) ? 1 : 0
  return { says: `adds at most ${plural(1 + more, 'event')}`, refused: wouldAnswer }
}

function isOfAdmission(gates: readonly Gate[]): boolean {
  const refusing = gates.find((it) => it.outcome === 'fail' || it.outcome === 'indeterminate')
  return STAGES[0]?.gates.some((name) => name === refusing?.gate) ?? true
}

/** What the gate `params` found, where it was asked. */
export function paramsErrorsOf(gates: readonly Gate[]): readonly ParamsError[] {
  const { seen } = gates.find((it) => it.gate === 'params') ?? {}
  return (seen as { errors?: readonly ParamsError[] } | null | undefined)?.errors ?? []
}
