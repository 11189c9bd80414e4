import { useId, useState } from 'preact/hooks'
import type { Gate } from '../api.ts'
import { RULE_NAMES } from '../words.ts'
import { MARK_NAMES, type Mark, STAGES } from './gates.ts'
import { Icon, type IconName } from './icon.tsx'
import { jsonText } from './json.tsx'
import { Pill } from './pill.tsx'

const ICONS: Readonly<Record<Mark, IconName>> = {
  pass: 'check',
  fail: 'cross',
  indeterminate: 'question',
  not_evaluated: 'dash',
  absent: 'dot',
}

/** The twelve gates in their three stages. Each opens what it saw and what it required. */
export function GateStrip({
  gates,
  open = null,
}: Readonly<{ gates: readonly Gate[]; open?: string | null }>) {
  const [shown, show] = useState(open)
  const id = useId()
  const gate = gates.find((it) => it.gate === shown)
  return (
    <>
      <div class="gates">
        {STAGES.map(({ title, gates: names }) => (
          <div class="stage" key={title}>
            <span>{title}</span>
            <ol>
              {names.map((name) => (
                <li key={name}>
                  <Cell
                    name={name}
                    gate={gates.find((it) => it.gate === name)}
                    isOpen={name === shown}
                    controls={id}
                    toggle={() => show(name === shown ? null : name)}
                  />
                </li>
              ))}
            </ol>
          </div>
        ))}
      </div>
      <div id={id}>{gate !== undefined && <Detail gate={gate} />}</div>
    </>
  )
}

type CellParts = Readonly<{
  name: string
  gate: Gate | undefined
  isOpen: boolean
  controls: string
  toggle: () => void
}>

function Cell({ name, gate, isOpen, controls, toggle }: CellParts) {
  const mark: Mark = gate?.outcome ?? 'absent'
  return (
    <button
      type="button"
      class={`gate g-${mark}`}
      aria-expanded={isOpen}
      aria-controls={controls}
      disabled={gate === undefined}
      title={`${name}: ${MARK_NAMES[mark]}`}
      onClick={toggle}
    >
      <span class="mark">
        <Icon name={ICONS[mark]} />
      </span>
      <span class="name">{name}</span>
      <span class="rule">{gate === undefined ? '–' : `rule ${gate.rule}`}</span>
      <span class="sr">{MARK_NAMES[mark]}</span>
    </button>
  )
}

function Detail({ gate }: Readonly<{ gate: Gate }>) {
  return (
    <div class="gate-detail">
      <dl class="kv">
        <dt>Gate</dt>
        <dd>
          <b>{gate.gate}</b>
        </dd>
        <dt>Promise</dt>
        <dd>
          Rule {gate.rule}, {RULE_NAMES[gate.rule]}
        </dd>
        <dt>Required</dt>
        <dd>{gate.required}</dd>
        <dt>Outcome</dt>
        <dd>
          <Pill kind={gate.outcome} /> {gate.says}
        </dd>
        <dt>Decided by</dt>
        <dd>{decidedBy(gate)}</dd>
      </dl>
      <div>
        <h3>Seen, verbatim</h3>
        {gate.seen === null ? (
          <p class="faint">Nothing beyond the command and the control stream.</p>
        ) : (
          <pre>{jsonText(gate.seen)}</pre>
        )}
      </div>
    </div>
  )
}

function decidedBy({ outcome, revision, seen }: Gate) {
  if (outcome === 'not_evaluated') return 'nothing'
  if (revision !== null) return <a href="/switch">control revision {revision}</a>
  return seen === null ? 'the command alone' : 'what was seen'
}
