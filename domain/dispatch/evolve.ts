import { canonicalJson } from '../canonical-json.ts'
import type { DispatchEvent, Recorded, Refused } from '../events.ts'
import { type GateRecord, isRefusing } from '../snapshot.ts'
import type { Mode } from './command.ts'
import type { DispatchState } from './state.ts'

/** Folds one event. It never fails and never looks outside. */
export function evolve(state: DispatchState, event: Recorded<DispatchEvent>): DispatchState {
  const at = { revision: event.revision, position: event.position }
  switch (event.type) {
    case 'Planned': {
      const { digest, command } = event.data
      return { ...state, ...at, digest, command, planned: event }
    }
    case 'PreflightPassed':
      return { ...state, ...at, preflightPassed: event }
    case 'DryRunRecorded':
      return { ...state, ...at, dryRunRecorded: event }
    case 'Refused': {
      const { digest = state.digest, command = state.command } = event.data
      return { ...state, ...at, digest, command, refusals: withRefusal(state.refusals, event) }
    }
  }
}

/**
 * Two refusals are the same when mode, code, and the failing gate's `seen` and `revision` are:
 * nothing that decided has changed in between.
 */
export const refusalKey = (mode: Mode, code: string, gate: GateRecord | undefined): string =>
  canonicalJson([mode, code, gate?.seen ?? null, gate?.revision ?? null])

export const keyOfRefused = ({ data }: Refused): string =>
  refusalKey(data.mode, data.code, data.snapshot.gates.find(isRefusing))

function withRefusal(
  refusals: DispatchState['refusals'],
  event: Recorded<Refused>,
): DispatchState['refusals'] {
  const key = keyOfRefused(event)
  return refusals.has(key) ? refusals : new Map([...refusals, [key, event]])
}
