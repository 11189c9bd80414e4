import { canonicalJson } from '../../domain/canonical-json.ts'
import type { ControlState } from '../../domain/control/state.ts'
import { resolvePins } from '../../domain/control/state.ts'
import { lastFlipFor } from '../../domain/control/switch.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { type Judgement, judgementOf, type Material } from '../../domain/dispatch/judgement.ts'
import { planFor } from '../../domain/dispatch/plan.ts'
import {
  type DispatchState,
  isReplay,
  pinsOf,
  recordedStep,
  stepsOf,
} from '../../domain/dispatch/state.ts'
import type { ExecutorStamp, Pins } from '../../domain/events.ts'
import { type Gate, type JudgedGate, judgeGate } from '../../domain/gates/gate.ts'
import { gatesOf, REPLAY_GATES } from '../../domain/gates/index.ts'
import { isObject, type Json } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { ExecutorRegistry, Facts } from '../ports.ts'
import { within } from '../within.ts'
import { belongsTo, type Execution, type ExecutionTurn, type NoExecution } from './execution.ts'

/** What one judgement is about. One fold value serves the whole of it. */
export type Ask = Readonly<{
  command: AskedCommand
  digest: string
  state: DispatchState
  control: ControlState
  /** Milliseconds that facts may still take; none where nobody waits for an append. */
  leftMs?: () => number
}>

export type Judged = Readonly<{
  judgement: Judgement
  material: Material
  /** The report this judgement rests on, if an executor gave one or failed to, or why it has none. */
  execution: Execution | NoExecution | null
}>

export type JudgePorts = Readonly<{ facts: Facts; executors: ExecutorRegistry }>

/**
 * Gathers facts and judges the gates in order, stage after stage, as far as the call asks.
 * `turn` runs the executor, or gives the report that an earlier try of this call left; without
 * one (explain) the execution stage is not judged.
 */
export async function judge(
  ask: Ask,
  ports: JudgePorts,
  turn: ExecutionTurn | null,
): Promise<Judged> {
  const { command, state, control } = ask
  const pins = pinsOf(state) ?? resolvePins(control, command)
  const replay = isReplay(state, command.mode)
  const admission = gatesOf('admission').filter(
    (gate) => !replay || REPLAY_GATES.includes(gate.name),
  )
  const gates = await inOrder(admission, ask, (gate) => gather(gate, ask, ports, pins))
  const goesOn = () => gates.every((it) => it.record.outcome === 'pass') && !replay
  if (goesOn() && asksPreflight(command, state)) {
    gates.push(...(await inOrder(gatesOf('preflight'), ask, (it) => gather(it, ask, ports, pins))))
  }
  const executor = stampOf(gates)
  const material = { digest: ask.digest, pins, executor, result: null }
  if (turn === null || !goesOn() || command.mode !== 'DRY_RUN') {
    return { judgement: judgementOf(control.revision, gates), material, execution: null }
  }
  return judgeExecution(ask, gates, material, turn)
}

async function judgeExecution(
  ask: Ask,
  gates: readonly JudgedGate[],
  material: Material,
  turn: ExecutionTurn,
): Promise<Judged> {
  const { control, command } = ask
  const plan = planFor(control, command)
  if (plan === null || material.pins === null || material.executor === null) {
    throw new Error('preflight passed without pins or an executor')
  }
  const { pins, executor } = material
  const setting = { pins, executor, lastFlip: lastFlipFor(control, command) }
  const reached = { judgement: judgementOf(control.revision, gates), material }
  const execution = await turn(plan, setting, reached)
  if (typeof execution === 'string' || !belongsTo(execution, setting)) {
    return { ...reached, execution }
  }
  const judged = await inOrder(gatesOf('execution'), ask, () => Promise.resolve(execution.seen))
  return {
    judgement: judgementOf(control.revision, [...gates, ...judged]),
    material: { ...material, result: execution.result },
    execution,
  }
}

/** A call that will run an executor judges the preflight again, whatever was reached before. */
const asksPreflight = (command: AskedCommand, state: DispatchState): boolean =>
  stepsOf(command.mode).some((step) => step !== 'Planned' && recordedStep(state, step) === null)

/** Judges until the first gate that does not pass. */
async function inOrder(
  gates: readonly Gate[],
  { command, control }: Ask,
  seenBy: (gate: Gate) => Promise<Json>,
): Promise<JudgedGate[]> {
  const judged: JudgedGate[] = []
  for (const gate of gates) {
    const one = judgeGate(gate, { command, control, seen: await seenBy(gate) })
    judged.push(one)
    if (one.record.outcome !== 'pass') break
  }
  return judged
}

/** A baseline keeps a limit of its own; anything else is quick. */
const FACT_TIME_MS = LIMITS.statementTimeMs
const BASELINE_TIME_MS = LIMITS.executorTimeMs + LIMITS.requestSlackMs
const TOO_LATE: Json = { failure: 'timeout' }

/** A fact that cannot be gathered is seen as such; no gate passes on it. */
async function gather(
  gate: Gate,
  { command, control, leftMs = () => Infinity }: Ask,
  { facts }: JudgePorts,
  pins: Pins | null,
): Promise<Json> {
  if (gate.name === 'pins') return pins
  const gatherFact = facts[gate.name]
  if (gatherFact === undefined) return null
  const limitMs = gate.name === 'baseline' ? BASELINE_TIME_MS : FACT_TIME_MS
  const timeMs = Math.max(0, Math.min(limitMs, leftMs()))
  try {
    const seen = await within(timeMs, gatherFact(command, control), () => TOO_LATE)
    // What cannot be written as JSON cannot be stored verbatim, so nobody could judge it again.
    canonicalJson(seen)
    return seen
  } catch {
    return { failure: 'threw' }
  }
}

function stampOf(gates: readonly JudgedGate[]): ExecutorStamp | null {
  const record = gates.find((it) => it.record.gate === 'executor')?.record
  if (record?.outcome !== 'pass' || !isObject(record.seen)) return null
  return record.seen as unknown as ExecutorStamp
}
