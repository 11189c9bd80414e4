import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { gateNamed } from '../../domain/gates/index.ts'
import { dispatchIdOf } from '../../domain/identity.ts'
import type { Facts, Projection, Row } from '../projection.ts'

/**
 * What every gate said, for every event of a dispatch. The table keeps one row per event with its
 * gates as one value, which the view unfolds: a dry run has thirty gate outcomes in three events.
 */
export const gateOutcomes: Projection & Facts = {
  name: 'gate_outcomes',
  version: 2,
  handles: ['Planned', 'PreflightPassed', 'DryRunRecorded', 'Refused'],
  tables: ['gate_outcomes'],
  facts: (event) =>
    event.void ? [] : [{ table: 'gate_outcomes', row: judged(event as Recorded<DispatchEvent>) }],
}

function judged({ id, stream, type, position, recordedAt, data }: Recorded<DispatchEvent>): Row {
  const { rules, controlRevision, gates } = data.snapshot
  return {
    position,
    event_id: id,
    event_type: type,
    dispatch_id: dispatchIdOf(stream),
    rule_set: rules,
    control_revision: controlRevision,
    gates: gates.map(({ gate, outcome, revision }) => [
      gate,
      gateNamed(gate).rule,
      outcome,
      revision,
    ]),
    recorded_at: recordedAt,
  }
}
