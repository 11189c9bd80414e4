import type { Reached } from '../../api.ts'
import { isIndeterminate } from '../../parts/codes.ts'
import { GATE_NAMES, type Mark, marksOfRefusal, STAGES } from '../../parts/gates.ts'

/** A dispatch as the list shows it. */
export type DispatchRow = Readonly<{
  dispatchId: string
  digest: string
  contract: Readonly<{ id: string; version: number }>
  target: string
  outputNamespace: string
  occurrence: string
  reached: Reached
  verdict: 'would_succeed' | 'would_fail' | null
  refusals: number
  lastRefusal: string | null
  lastEvent: 'Planned' | 'PreflightPassed' | 'DryRunRecorded' | 'Refused' | null
  lastStage: string | null
  lastGate: string | null
  openedAt: string
  position: number
  changedAt: string
}>

const STAGE_OF = { Planned: 0, PreflightPassed: 1, DryRunRecorded: 2 } as const

/** The gates of the last event: those of an advancing one have all passed. */
export function marksOfLast(row: DispatchRow): readonly Mark[] {
  const { lastEvent, lastStage, lastGate, lastRefusal } = row
  if (lastEvent === null) return GATE_NAMES.map((): Mark => 'absent')
  if (lastEvent === 'Refused') {
    return marksOfRefusal(lastStage ?? '', lastGate, isIndeterminate(lastRefusal ?? ''))
  }
  const passed = STAGES.slice(0, STAGE_OF[lastEvent] + 1).flatMap(({ gates }) => gates)
  return GATE_NAMES.map((name): Mark => (passed.some((it) => it === name) ? 'pass' : 'absent'))
}
