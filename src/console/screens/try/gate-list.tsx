import { GATES } from '../../../../domain/gates/index.ts'
import type { Gate, GateOutcome } from '../../api.ts'
import { MARK_NAMES } from '../../parts/gates.ts'
import { Icon, type IconName } from '../../parts/icon.tsx'

const MARKS: Readonly<Record<GateOutcome, IconName>> = {
  pass: 'check',
  fail: 'cross',
  indeterminate: 'question',
  not_evaluated: 'dash',
}

/** Gates in two columns: the mark, the name, and the rule or what came of it. */
export function GateList({
  gates,
}: Readonly<{ gates: readonly Pick<Gate, 'gate' | 'outcome'>[] }>) {
  return (
    <ul class="gate-list">
      {gates.map(({ gate, outcome }) => (
        <li key={gate} class="inline spread">
          <span class="plain">
            <span class={`plain t-${outcome === 'not_evaluated' ? 'quiet' : outcome}`}>
              <Icon name={MARKS[outcome]} />
            </span>
            <span class={outcome === 'not_evaluated' ? 'faint' : ''}>{gate}</span>
          </span>
          <span class="faint">
            {outcome === 'pass'
              ? `rule ${GATES.find((it) => it.name === gate)?.rule}`
              : MARK_NAMES[outcome]}
          </span>
        </li>
      ))}
    </ul>
  )
}
