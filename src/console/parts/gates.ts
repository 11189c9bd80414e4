import { GATES } from '../../../domain/gates/index.ts'
import type { GateOutcome } from '../api.ts'

/** What is drawn for one gate: `absent` where the event did not get that far. */
export type Mark = GateOutcome | 'absent'

export const GATE_NAMES: readonly string[] = GATES.map((it) => it.name)

export const MARK_NAMES: Readonly<Record<Mark, string>> = {
  pass: 'pass',
  fail: 'fail',
  indeterminate: 'could not tell',
  not_evaluated: 'not evaluated',
  absent: 'not in this event',
}

/** The stages of the strip: title, and the gates from which up to which. */
export const STAGES = (['admission', 'preflight', 'execution'] as const).map((stage) => ({
  title: `${stage[0]?.toUpperCase()}${stage.slice(1)}`,
  gates: GATES.filter((it) => it.stage === stage).map((it) => it.name),
}))

/** The gates of a refusal, from the one that refused: a stage is judged in order, and stops there. */
export function marksOfRefusal(
  stage: string,
  gate: string | null,
  isUnsure: boolean,
): readonly Mark[] {
  const last = GATES.findLastIndex((it) => it.stage === stage)
  const at = GATE_NAMES.indexOf(gate ?? '')
  return GATE_NAMES.map((_, index): Mark => {
    if (index > last) return 'absent'
    if (index < at) return 'pass'
    if (index > at) return 'not_evaluated'
    return isUnsure ? 'indeterminate' : 'fail'
  })
}

export function marksInWords(marks: readonly Mark[]): string {
  const there = marks.filter((it) => it !== 'absent')
  const at = marks.findIndex((it) => it === 'fail' || it === 'indeterminate')
  const passed = `${there.filter((it) => it === 'pass').length} of ${there.length} gates pass`
  const mark = marks[at]
  return mark === undefined ? passed : `${passed}, ${GATE_NAMES[at]}: ${MARK_NAMES[mark]}`
}
