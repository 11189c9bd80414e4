import type { ControlState } from '../control/state.ts'
import type { AskedCommand } from '../dispatch/command.ts'
import type { Json } from '../json.ts'
import type { RefusalCode, Stage } from '../refusal.ts'
import type { GateName, GateRecord } from '../snapshot.ts'

/** Everything a gate may read. `seen` is its fact: what it read beyond command and control. */
export type GateInput = Readonly<{ command: AskedCommand; control: ControlState; seen: Json }>

/** `revision` is the control event that decided, or null where none did. */
export type Outcome =
  | Readonly<{ outcome: 'pass'; code: null; revision: number | null }>
  | Readonly<{ outcome: 'fail' | 'indeterminate'; code: RefusalCode; revision: number | null }>

/** An input that the gate must refuse with `code`: the proof that it can fire. */
export type NegativeControl = GateInput & Readonly<{ code: RefusalCode }>

/**
 * One judge. Total and synchronous; what it does not know it refuses. The same input gives the
 * same outcome for ever, so that every verdict can be derived again offline.
 */
export type Gate = Readonly<{
  name: GateName
  rule: number
  stage: Stage
  /** What must be true to pass, as one sentence. */
  required: string
  judge(input: GateInput): Outcome
  negativeControl: NegativeControl
}>

export const pass = (revision: number | null = null): Outcome => ({
  outcome: 'pass',
  code: null,
  revision,
})
export const fail = (code: RefusalCode, revision: number | null = null): Outcome => ({
  outcome: 'fail',
  code,
  revision,
})
export const indeterminate = (code: RefusalCode = 'gate-indeterminate'): Outcome => ({
  outcome: 'indeterminate',
  code,
  revision: null,
})

/** A gate's record as the snapshot keeps it, with the code that a refusal would carry. */
export type JudgedGate = Readonly<{ record: GateRecord; code: RefusalCode | null }>

/** Judges one gate. A gate that throws could not tell: that is never a pass. */
export function judgeGate(gate: Gate, input: GateInput): JudgedGate {
  const { outcome, code, revision } = outcomeOf(gate, input)
  return { record: { gate: gate.name, outcome, seen: input.seen, revision }, code }
}

function outcomeOf(gate: Gate, input: GateInput): Outcome {
  try {
    // A gate that meets what its types do not know may answer nothing at all.
    const outcome = gate.judge(input) as Outcome | undefined
    return isOutcome(outcome) ? outcome : indeterminate()
  } catch {
    return indeterminate()
  }
}

const isOutcome = (outcome: Outcome | undefined): outcome is Outcome =>
  outcome !== undefined && ['pass', 'fail', 'indeterminate'].includes(outcome.outcome)

export const notEvaluated = (gate: Gate): JudgedGate => ({
  record: { gate: gate.name, outcome: 'not_evaluated', seen: null, revision: null },
  code: null,
})
