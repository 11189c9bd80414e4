import { canonicalJson } from '../canonical-json.ts'
import type { DispatchEvent, Recorded, Refused } from '../events.ts'
import { type GateRecord, isRefusing } from '../snapshot.ts'
import type { Mode } from './command.ts'
import type { DispatchState } from './state.ts'

/**
 * Folds one event. It never fails and never looks outside. A void event has a place and, as the
 * first of its stream, says what was asked; it advances nothing.
 */
export function evolve(state: DispatchState, event: Recorded<DispatchEvent>): DispatchState {
  const next = { ...state, revision: event.revision, position: event.position, ...asked(event) }
  if (event.void) return next
  switch (event.type) {
    case 'Planned':
      return { ...next, planned: event }
    case 'PreflightPassed':
      return { ...next, preflightPassed: event }
    case 'DryRunRecorded':
      return { ...next, dryRunRecorded: event }
    case 'Refused':
      return { ...next, refusals: withRefusal(state.refusals, event) }
  }
}

const asked = ({ data }: DispatchEvent): Partial<Pick<DispatchState, 'digest' | 'command'>> => ({
  ...('digest' in data ? { digest: data.digest } : {}),
  ...('command' in data ? { command: data.command } : {}),
})

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
