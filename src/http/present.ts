import { type DispatchState, reachedOf } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { evidenceSays, gateSays } from '../../domain/gates/says.ts'
import type { GateRecord } from '../../domain/snapshot.ts'
import type { RecordedAnswer } from '../dispatch/answer.ts'
import type { Explanation } from '../dispatch/explain.ts'
import { presentGate } from './problem.ts'

const linksOf = (dispatchId: string) => ({
  self: `/v1/dispatches/${dispatchId}`,
  events: `/v1/dispatches/${dispatchId}/events`,
  explain: `/v1/dispatches/${dispatchId}/explain`,
})

export function presentRecorded(answer: RecordedAnswer) {
  const { dispatchId, digest, outcome, mode, reached, eventsAppended, position } = answer
  const { id, type, revision, position: at, recordedAt, data } = answer.event
  return {
    dispatchId,
    digest,
    outcome,
    mode,
    reached,
    eventsAppended,
    position,
    event: { id, type, revision, position: at, recordedAt, data },
    links: linksOf(dispatchId),
  }
}

const explained = (record: GateRecord) => ({
  ...presentGate(record),
  says: gateSays(record.gate, record.outcome),
})

export function presentExplanation(explanation: Explanation) {
  const { dispatchId, digest, wouldAnswer, reached, gates } = explanation
  return { dispatchId, digest, wouldAnswer, reached, gates: gates.map(explained) }
}

export function presentDispatch(dispatchId: string, state: DispatchState) {
  const { digest, command, revision, position } = state
  return {
    dispatchId,
    digest,
    command,
    reached: reachedOf(state),
    revision,
    position,
    verdict: state.dryRunRecorded?.data.verdict ?? null,
    pins: state.planned?.data.pins ?? null,
    refusals: [...state.refusals.values()].map(({ id, data, position: at, recordedAt }) => {
      const { mode, code, rule, stage } = data
      return { refusalId: id, mode, code, rule, stage, position: at, recordedAt }
    }),
    links: linksOf(dispatchId),
  }
}

/** Every event of a dispatch with the gates that justified it. */
export function presentWhy(
  dispatchId: string,
  state: DispatchState,
  events: readonly Recorded<DispatchEvent>[],
) {
  return {
    dispatchId,
    digest: state.digest,
    reached: reachedOf(state),
    steps: events.map(({ type, id, revision, position, recordedAt, data, ...event }) => ({
      type,
      id,
      revision,
      position,
      recordedAt,
      ...(event.void ? { void: true } : {}),
      mode: data.mode,
      ...('code' in data ? { code: data.code } : {}),
      controlRevision: data.snapshot.controlRevision,
      gates: data.snapshot.gates.map(explained),
      evidence: evidenceOf(data.snapshot.gates),
    })),
  }
}

const evidenceOf = (gates: readonly GateRecord[]) =>
  evidenceSays(gates.find((it) => it.gate === 'evidence')?.seen ?? null)
