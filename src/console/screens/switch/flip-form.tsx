import type { TargetedEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { LIMITS } from '../../../../domain/limits.ts'
import { type CallsRow, sumOf } from '../../call-sums.ts'
import { Icon } from '../../parts/icon.tsx'
import { may } from '../../session.ts'
import { scopesHalted, switchReport } from '../../status.ts'
import {
  type ContractKind,
  covers,
  haltedBeside,
  phraseOf,
  reachInWords,
  type Verb,
} from '../../switch/scopes.ts'
import { plural } from '../../words.ts'
import { type Flip, FlipAnswer, flip } from './flip.tsx'
import { ScopeField } from './scope-field.tsx'

export type Draft = Readonly<{ verb: Verb; scope: string }>
type Shown = Readonly<{
  draft: Draft
  change: (to: Draft) => void
  contracts: readonly ContractKind[]
  /** Of the last 24 hours, or null where they cannot be told. */
  calls: readonly CallsRow[] | null
  /** Counts the times that a row filled the form: each leads to the reason. */
  filled: number
}>

/** Halts or releases: slow on purpose, with what it touches said before. */
export function FlipForm({ draft, change, contracts, calls, filled }: Shown) {
  const { verb, scope } = draft
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [last, setLast] = useState<Flip>(null)
  const phrase = phraseOf(verb, scope)
  const isReady = typed === phrase && reason.trim() !== '' && scope !== '' && last !== 'asking'
  const submit = async (event: TargetedEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    if (!isReady) return
    setLast('asking')
    const answer = await flip({ verb, scope, reason: reason.trim() })
    setLast(answer)
    // What was refused or is not known stays, to be mended or asked for again.
    if (answer.error !== null) return
    setReason('')
    setTyped('')
  }
  const to = (next: Partial<Draft>): void => {
    setTyped('')
    change({ ...draft, ...next })
  }
  const isAllowed = may('switch:write')
  return (
    <section class="panel" aria-labelledby="flip-title" id="flip">
      <div class="panel-head">
        <h2 id="flip-title">{verb === 'halt' ? 'Halt a scope' : 'Release a scope'}</h2>
        <Verbs verb={verb} isAllowed={isAllowed} choose={(it) => to({ verb: it })} />
      </div>
      <form class="panel-body stack" onSubmit={(event) => void submit(event)}>
        {!isAllowed && <Locked />}
        <fieldset class="stack" disabled={!isAllowed}>
          <ScopeField scope={scope} contracts={contracts} choose={(it) => to({ scope: it })} />
          <ReasonField verb={verb} reason={reason} say={setReason} filled={filled} />
          <Effect draft={draft} contracts={contracts} calls={calls} />
          <div class="field">
            <label for="confirm">
              Type <code>{phrase}</code> to confirm
            </label>
            <input
              class="input mono"
              id="confirm"
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </div>
          <button class={`button ${verb === 'halt' ? 'danger' : 'primary'}`} disabled={!isReady}>
            {verb === 'halt' ? 'Halt now' : 'Release now'}
          </button>
        </fieldset>
        <FlipAnswer of={last} />
      </form>
    </section>
  )
}

type Choice = Readonly<{ verb: Verb; isAllowed: boolean; choose: (verb: Verb) => void }>

function Verbs({ verb, isAllowed, choose }: Choice) {
  return (
    <div class="segmented" role="group" aria-label="Halt or release">
      {(['halt', 'release'] as const).map((it) => (
        <button
          key={it}
          type="button"
          aria-pressed={it === verb}
          disabled={!isAllowed}
          onClick={() => choose(it)}
        >
          {it === 'halt' ? 'Halt' : 'Release'}
        </button>
      ))}
    </div>
  )
}

type Reason = Readonly<{
  verb: Verb
  reason: string
  say: (reason: string) => void
  filled: number
}>

function ReasonField({ verb, reason, say, filled }: Reason) {
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    if (filled > 0) field.current?.focus()
  }, [filled])
  return (
    <div class="field">
      <label for="reason">
        Reason
        <small>
          {reason.length} of {LIMITS.switchReasonLength}
        </small>
      </label>
      <textarea
        ref={field}
        id="reason"
        required
        value={reason}
        maxLength={LIMITS.switchReasonLength}
        aria-describedby="reason-hint"
        placeholder={
          verb === 'halt'
            ? 'What happened, and what must be true before it is released'
            : 'What is true again'
        }
        onInput={(event) => say(event.currentTarget.value)}
      />
      <span class="hint" id="reason-hint">
        Stored for ever and read by whoever is refused. No names, no secrets.
      </span>
    </div>
  )
}

function Locked() {
  return (
    <p class="callout" role="note">
      <Icon name="lock" />
      <span>
        This key may not set the switch: it lacks the scope <code>switch:write</code>. Whoever holds
        the role <b>operator</b> can.
      </span>
    </p>
  )
}

type Touched = Pick<Shown, 'draft' | 'contracts' | 'calls'>

/** What will be touched, before it is. */
function Effect({ draft: { verb, scope }, contracts, calls }: Touched) {
  if (scope === '') return null
  const beside = haltedBeside(scope, scopesHalted.value, contracts)
  const stood = calls?.filter((it) => covers(scope, it.contract_id, contracts)) ?? null
  const state = switchReport.value?.scopes[scope]?.state
  return (
    <div class="callout" aria-live="polite">
      <Icon name="info" />
      {verb === 'halt' ? (
        <span>
          Touches {reachInWords(scope, contracts)}
          {stood !== null && (
            <>
              ; <b>{plural(sumOf(stood), 'call')}</b> in the last 24 hours
            </>
          )}
          . From now on they are refused with 423, replays too. Runs under way are aborted within a
          second and never recorded.
          {state === 'HALTED' && ' It is HALTED already: this adds nothing, and the reason stays.'}
        </span>
      ) : (
        <span>
          {capital(reachInWords(scope, contracts))}: judged from then on, and refused only by what
          else does not hold. What was refused before is not sent again by the ledger; callers do
          that.
          {beside.length > 0 && (
            <>
              {' '}
              <b>{beside.join(', ')}</b> stays HALTED and refuses on.
            </>
          )}
          {state === 'DRY_RUN_ONLY' && ' It is DRY_RUN_ONLY already: this adds nothing.'}
        </span>
      )}
    </div>
  )
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
