import type { AdvancingType, DispatchEvent } from '../events.ts'
import type { Stage } from '../refusal.ts'
import { type AskedCommand, identityOf } from './command.ts'
import { refusalKey } from './evolve.ts'
import {
  hasPassed,
  type JudgedSnapshot,
  type Judgement,
  type Material,
  snapshotFor,
} from './judgement.ts'
import { type DispatchState, recordedStep, stepsOf } from './state.ts'

type WithJudgedSnapshot<E> = E extends { type: infer T; data: infer D }
  ? Readonly<{ type: T; data: D & Readonly<{ snapshot: JudgedSnapshot }> }>
  : never
/** An event that may be appended: its snapshot was judged in this very call. */
export type JudgedEvent = WithJudgedSnapshot<DispatchEvent>

export const STAGE_OF: Readonly<Record<AdvancingType, Stage>> = {
  Planned: 'admission',
  PreflightPassed: 'preflight',
  DryRunRecorded: 'execution',
}

/**
 * What a judged call records: the steps it asked for that passed and are not there yet, then a
 * refusal if a gate refused. What is already true is no event: a replay decides `[]`, and so does
 * a refusal that stands in the stream. A refused execution is an observation, recorded each time.
 */
export function decide(
  command: AskedCommand,
  state: DispatchState,
  judgement: Judgement,
  material: Material,
): readonly JudgedEvent[] {
  const steps = stepsOf(command.mode).filter(
    (step) => recordedStep(state, step) === null && hasPassed(judgement, STAGE_OF[step]),
  )
  const advancing = steps.map((step) => advance(step, command, judgement, material))
  const opensStream = state.revision === -1 && advancing.length === 0
  const opening = opensStream ? material.digest : null
  return [...advancing, ...refuse(command, state, judgement, opening)]
}

/** The refusal of a judgement alone: for a refused execution whose steps can no longer be recorded. */
export const observe = (
  command: AskedCommand,
  state: DispatchState,
  judgement: Judgement,
  digest: string,
): readonly JudgedEvent[] =>
  refuse(command, state, judgement, state.revision === -1 ? digest : null)

function advance(
  step: AdvancingType,
  command: AskedCommand,
  judgement: Judgement,
  material: Material,
): JudgedEvent {
  const { mode } = command
  const snapshot = snapshotFor(judgement, STAGE_OF[step])
  const event = { mode, snapshot, command, material }
  switch (step) {
    case 'Planned':
      return planned(event)
    case 'PreflightPassed':
      return {
        type: 'PreflightPassed',
        data: { mode, executor: present(material.executor), snapshot },
      }
    case 'DryRunRecorded':
      return dryRunRecorded(event)
  }
}

type Advance = Readonly<{
  mode: AskedCommand['mode']
  snapshot: JudgedSnapshot
  command: AskedCommand
  material: Material
}>

const planned = ({ mode, snapshot, command, material }: Advance): JudgedEvent => ({
  type: 'Planned',
  data: {
    digest: material.digest,
    command: identityOf(command),
    mode,
    pins: present(material.pins),
    snapshot,
  },
})

function dryRunRecorded({ mode, snapshot, command, material }: Advance): JudgedEvent {
  const { verdict, output, outputDigest } = present(material.result)
  const { outputNamespace } = command
  const executor = present(material.executor)
  return {
    type: 'DryRunRecorded',
    data: { mode, verdict, output, outputDigest, outputNamespace, executor, snapshot },
  }
}

/** Gates that pass leave their material behind; a gap here is a contradiction in our own memory. */
function present<T>(value: T | null): T {
  if (value === null) throw new Error('a step passed its gates without its material')
  return value
}

function refuse(
  command: AskedCommand,
  state: DispatchState,
  judgement: Judgement,
  openingDigest: string | null,
): readonly JudgedEvent[] {
  const { refusal } = judgement
  if (refusal === null) return []
  const { code, rule, stage, gate } = refusal
  const stands = state.refusals.has(refusalKey(command.mode, code, gate.record))
  if (stands && stage !== 'execution') return []
  const snapshot = snapshotFor(judgement, stage)
  const first = openingDigest && { digest: openingDigest, command: identityOf(command) }
  return [{ type: 'Refused', data: { mode: command.mode, code, rule, stage, snapshot, ...first } }]
}
