import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { dispatchIdOf } from '../../domain/identity.ts'
import { isRefusing } from '../../domain/snapshot.ts'
import type { Facts, Projection, Row } from '../projection.ts'

/**
 * One row per recorded refusal. What was asked stands in the first event of a stream alone, so
 * every first event gives a row of `commands`, and a refusal takes over from it what was asked as it
 * is written: a list is found by it, and a join of two long tables would take seconds.
 */
export const refusals: Projection & Facts = {
  name: 'refusals',
  version: 2,
  handles: ['Planned', 'Refused'],
  tables: ['commands', 'refusals'],
  facts(recorded) {
    const event = recorded as Recorded<DispatchEvent>
    const opened = event.revision === 0 ? [{ table: 'commands', row: commandOf(event) }] : []
    const refused =
      event.type === 'Refused' ? [{ table: 'refusals', row: refusalOf(event, event.data) }] : []
    return [...opened, ...refused]
  },
}

function commandOf(event: Recorded<DispatchEvent>): Row {
  const { command } = event.data as { command: DispatchCommand }
  return {
    dispatch_id: dispatchIdOf(event.stream),
    contract_id: command.contract.id,
    contract_version: command.contract.version,
    target: command.target,
    output_namespace: command.outputNamespace,
  }
}

type RefusedData = Extract<DispatchEvent, { type: 'Refused' }>['data']

const refusalOf = (event: Recorded, { mode, code, rule, stage, snapshot }: RefusedData): Row => ({
  position: event.position,
  refusal_id: event.id,
  dispatch_id: dispatchIdOf(event.stream),
  mode,
  code,
  rule,
  stage,
  gate: snapshot.gates.find(isRefusing)?.gate ?? null,
  control_revision: snapshot.controlRevision,
  recorded_at: event.recordedAt,
})
