import type { Mode } from '../../../../domain/dispatch/command.ts'
import { ApiProblem, type Reached as Level } from '../../api.ts'
import { Icon } from '../../parts/icon.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Reached } from '../../parts/reached.tsx'
import { inWords } from '../../parts/states.tsx'
import { outlookOf } from '../../try/outlook.ts'
import { ASKED_MODES, type Explanations } from '../../try/use-preview.ts'

const MEANS: Readonly<Record<(typeof ASKED_MODES)[number], string>> = {
  PLAN_ONLY: 'Pin contract, fixture and target',
  VERIFY_ONLY: 'Prove that the executor cannot write',
  DRY_RUN: 'Really invoke it, without a trace',
}

type Asking = Readonly<{
  explanations: Explanations
  /** Null where nothing was recorded, undefined where nobody knows. */
  reached: Level | undefined
  lastMode: Mode
  sending: Mode | null
  send(mode: Mode): void
}>

/** How far to go. Each button says first what pressing it would write. */
export function AskPanel({ explanations, reached, lastMode, sending, send }: Asking) {
  const pressing = (mode: Mode) => ({
    type: 'button' as const,
    // Not `disabled`, which would take the focus away from who pressed it.
    'aria-disabled': sending !== null,
    'aria-busy': sending === mode,
    onClick: () => {
      if (sending === null) send(mode)
    },
  })
  return (
    <Panel title="Ask for" note={reached === undefined ? null : <Reached reached={reached} />}>
      <WhyNot error={explanations.error} />
      <div class="modes">
        {ASKED_MODES.map((mode) => (
          <button key={mode} class={mode === lastMode ? 'mode main' : 'mode'} {...pressing(mode)}>
            <b>{mode}</b>
            <small>{MEANS[mode]}</small>
            <Outlook mode={mode} explanations={explanations} />
          </button>
        ))}
        <button class="mode real" aria-describedby="why-real" {...pressing('REAL_RUN')}>
          <b>
            <Icon name="lock" />
            REAL_RUN
          </b>
          <small>Always refused</small>
          <small>adds at most 1 event</small>
        </button>
      </div>
      <p class="faint" id="why-real">
        REAL_RUN is part of the language so that asking for it leaves a trace. No code path here can
        run anything for real: the executors have no such method. A deployer that trusts{' '}
        <code>would_succeed</code> does that elsewhere.
      </p>
    </Panel>
  )
}

function Outlook({ mode, explanations }: Readonly<{ mode: Mode; explanations: Explanations }>) {
  const explanation = explanations.byMode[mode]
  if (explanation === undefined) return <small>…</small>
  const { says, refused } = outlookOf(mode, explanation)
  if (refused === null) return <small>{says}</small>
  return (
    <>
      <small class="would-refuse">
        <Icon name="cross" small />
        {refused}
      </small>
      <small>{says}</small>
    </>
  )
}

/** Why the buttons say nothing. They can be pressed: the server says the same to whoever asks. */
function WhyNot({ error }: Readonly<{ error: Error | null }>) {
  if (error === null) return null
  const isForbidden = error instanceof ApiProblem && error.problem.code === 'forbidden'
  return (
    <div class={isForbidden ? 'callout' : 'callout unsure'} role="status">
      <Icon name={isForbidden ? 'lock' : 'warn'} />
      <span>
        {isForbidden && (
          <>
            <b>This key may not dispatch.</b>{' '}
          </>
        )}
        {inWords(error)}
      </span>
    </div>
  )
}
