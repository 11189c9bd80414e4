import type { ExecutorStamp, Pins, Verdict } from '../events.ts'
import type { JudgedGate } from '../gates/gate.ts'
import { notEvaluated } from '../gates/gate.ts'
import { gateCount, gateNamed, gatesOf } from '../gates/index.ts'
import type { Json } from '../json.ts'
import type { RefusalCode, Stage } from '../refusal.ts'
import { isRefusing, RULES, type Snapshot } from '../snapshot.ts'

declare const judged: unique symbol
/** A snapshot that gates really judged. Only this can be recorded: `judgementOf` alone makes one. */
export type JudgedSnapshot = Snapshot & { readonly [judged]: true }

/** What the gates of one call said, stage by stage, and what they were shown. */
export type Judgement = Readonly<{
  controlRevision: number
  /** In the order of the gates, whole stages only. */
  gates: readonly JudgedGate[]
  /** The first gate that did not pass. */
  refusal: Readonly<{ code: RefusalCode; rule: number; stage: Stage; gate: JudgedGate }> | null
}>

/** What the events of a call are made of beside the judgement. */
export type Material = Readonly<{
  digest: string
  pins: Pins | null
  executor: ExecutorStamp | null
  result: Readonly<{ verdict: Verdict; output: Json; outputDigest: string }> | null
}>

/** Completes the last stage with `not_evaluated` and finds the first gate that refuses. */
export function judgementOf(
  controlRevision: number,
  judgedGates: readonly JudgedGate[],
): Judgement {
  const gates = completed(judgedGates)
  const gate = gates.find((it) => isRefusing(it.record))
  if (gate === undefined || gate.code === null) return { controlRevision, gates, refusal: null }
  const { rule, stage } = gateNamed(gate.record.gate)
  return { controlRevision, gates, refusal: { code: gate.code, rule, stage, gate } }
}

function completed(judgedGates: readonly JudgedGate[]): readonly JudgedGate[] {
  const last = judgedGates.at(-1)
  if (last === undefined) throw new Error('no gate was judged')
  const { stage } = gateNamed(last.record.gate)
  const names = new Set(judgedGates.map((it) => it.record.gate))
  const missing = gatesOf(stage).filter((gate) => !names.has(gate.name))
  return [...judgedGates, ...missing.map(notEvaluated)]
}

/** The snapshot for an event of a stage: every gate from the first to the last of that stage. */
export function snapshotFor(judgement: Judgement, stage: Stage): JudgedSnapshot {
  const gates = judgement.gates.slice(0, gateCount(stage)).map((it) => it.record)
  const snapshot: Snapshot = { rules: RULES, controlRevision: judgement.controlRevision, gates }
  return snapshot as JudgedSnapshot
}

/** Whether every gate up to the end of a stage was judged and passed. Anything else is no pass. */
export function hasPassed(judgement: Judgement, stage: Stage): boolean {
  const gates = judgement.gates.slice(0, gateCount(stage))
  return gates.length === gateCount(stage) && gates.every((it) => it.record.outcome === 'pass')
}
