import type { ControlState } from '../control/state.ts'
import type { AskedCommand } from '../dispatch/command.ts'
import type { Stage } from '../refusal.ts'
import { type GateName, type GateRecord, isRefusing, type Snapshot } from '../snapshot.ts'
import { baseline } from './baseline.ts'
import { contract } from './contract.ts'
import { evidence } from './evidence.ts'
import { executor } from './executor.ts'
import { fixture } from './fixture.ts'
import { type Gate, judgeGate, notEvaluated } from './gate.ts'
import { killSwitch } from './kill-switch.ts'
import { mode } from './mode.ts'
import { namespace } from './namespace.ts'
import { params } from './params.ts'
import { pins } from './pins.ts'
import { readOnly } from './read-only.ts'
import { target } from './target.ts'

/** Rules number 1: the gates in the order they judge. A change that could change a verdict is a new number. */
export const GATES: readonly Gate[] = [
  mode,
  killSwitch,
  namespace,
  contract,
  params,
  fixture,
  target,
  pins,
  executor,
  readOnly,
  baseline,
  evidence,
]

/** A replay is judged by these alone: a retired contract does not take back what was recorded. */
export const REPLAY_GATES: readonly GateName[] = ['mode', 'kill-switch', 'namespace']

export const gatesOf = (stage: Stage): readonly Gate[] => GATES.filter((it) => it.stage === stage)

export function gateNamed(name: GateName): Gate {
  const gate = GATES.find((it) => it.name === name)
  if (gate === undefined) throw new Error(`there is no gate ${name}`)
  return gate
}

/** How many gates stand in the snapshot of an event: all up to the last of its stage. */
export function gateCount(stage: Stage): number {
  return GATES.findLastIndex((it) => it.stage === stage) + 1
}

/**
 * Judges a recorded snapshot again, offline, from what it was judged from. Equal to
 * `snapshot.gates` unless somebody changed a verdict, a command or the control stream.
 */
export function rejudge(
  snapshot: Snapshot,
  command: AskedCommand,
  control: ControlState,
): readonly GateRecord[] {
  let refused = false
  return snapshot.gates.map(({ gate: name, seen }) => {
    const gate = gateNamed(name)
    if (refused) return notEvaluated(gate).record
    const { record } = judgeGate(gate, { command, control, seen })
    refused = isRefusing(record)
    return record
  })
}

export type NegativeControlResult = Readonly<{ gate: GateName; fired: boolean }>

/** Shows each gate the input it must refuse. A server with one that does not fire is not ready. */
export function runNegativeControls(
  gates: readonly Gate[] = GATES,
): readonly NegativeControlResult[] {
  return gates.map((gate) => {
    const { record, code } = judgeGate(gate, gate.negativeControl)
    const fired = record.outcome !== 'pass' && code === gate.negativeControl.code
    return { gate: gate.name, fired }
  })
}
