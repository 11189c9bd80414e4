import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { dispatchIdOf } from '../../domain/identity.ts'
import { isRefusing } from '../../domain/snapshot.ts'
import type { Keyed, Projection, Row } from '../projection.ts'

/** One row per dispatch, for lists and for analysts. */
export const dispatches: Projection & Keyed = {
  name: 'dispatches',
  version: 2,
  handles: ['Planned', 'PreflightPassed', 'DryRunRecorded', 'Refused'],
  keyed: {
    column: 'dispatch_id',
    key: (event) => dispatchIdOf(event.stream),
    apply: (row, event) => apply(row, event as Recorded<DispatchEvent>),
  },
}

function apply(row: Row | undefined, event: Recorded<DispatchEvent>): Row {
  const known = row ?? opened(event)
  const when = { position: event.position, changed_at: event.recordedAt }
  if (event.void) return { ...known, ...when }
  const at = { ...when, last_event: event.type, last_stage: null, last_gate: null }
  switch (event.type) {
    case 'Planned':
    case 'PreflightPassed':
      return { ...known, ...at, reached: event.type }
    case 'DryRunRecorded': {
      const { verdict, outputDigest } = event.data
      return { ...known, ...at, reached: event.type, verdict, output_digest: outputDigest }
    }
    case 'Refused': {
      const refusals = Number(known['refusals']) + 1
      const { code, stage, snapshot } = event.data
      const gate = snapshot.gates.find(isRefusing)?.gate ?? null
      return { ...known, ...at, refusals, last_refusal: code, last_stage: stage, last_gate: gate }
    }
  }
}

/** The first event of a stream carries digest and command, whatever its type. */
function opened(event: Recorded<DispatchEvent>): Row {
  const { digest, command } = event.data as { digest: string; command: DispatchCommand }
  return {
    dispatch_id: dispatchIdOf(event.stream),
    digest,
    contract_id: command.contract.id,
    contract_version: command.contract.version,
    target: command.target,
    output_namespace: command.outputNamespace,
    occurrence: command.occurrence,
    reached: null,
    verdict: null,
    output_digest: null,
    refusals: 0,
    last_refusal: null,
    last_event: null,
    last_stage: null,
    last_gate: null,
    opened_position: event.position,
    opened_at: event.recordedAt,
  }
}
