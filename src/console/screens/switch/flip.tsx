import { ApiProblem, ask, Unreachable } from '../../api.ts'
import { Icon } from '../../parts/icon.tsx'
import { inWords } from '../../parts/states.tsx'
import { refreshStatus, type SwitchPosition, switchReport } from '../../status.ts'
import type { Verb } from '../../switch/scopes.ts'
import { num, span } from '../../words.ts'

type Asked = Readonly<{ verb: Verb; scope: string; reason: string }>

type Answer =
  | Readonly<{ asked: Asked; error: Error }>
  | Readonly<{
      asked: Asked
      error: null
      position: SwitchPosition
      tookMs: number
      /** False where the scope had the state already, and nothing was added. */
      isNew: boolean
    }>

/** What came of the last asking: nothing was asked, no answer yet, or an answer. */
export type Flip = null | 'asking' | Answer

/** Sets the switch as curl would, and looks at it again whatever came. */
export async function flip(asked: Asked): Promise<Answer> {
  const { verb, scope, reason } = asked
  const before = switchReport.peek()?.scopes[scope]?.revision ?? -1
  const begun = performance.now()
  try {
    const { body: position } = await ask<SwitchPosition>(
      'PUT',
      `/v1/switch/${encodeURIComponent(scope)}`,
      { body: { state: verb === 'halt' ? 'HALTED' : 'DRY_RUN_ONLY', reason } },
    )
    const tookMs = performance.now() - begun
    const isNew = position.reason === reason && position.revision > before
    return { asked, error: null, position, tookMs, isNew }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { asked, error }
  } finally {
    void refreshStatus()
  }
}

const isUnknown = (error: Error): boolean =>
  error instanceof Unreachable ||
  (error instanceof ApiProblem && error.problem.recorded === 'unknown')

/** What was answered, for whoever sees the page and whoever hears it. */
export function FlipAnswer({ of }: Readonly<{ of: Flip }>) {
  return (
    <div role="status" aria-live="polite">
      {of === 'asking' && (
        <p class="muted">Asked; it is answered once it is in force everywhere.</p>
      )}
      {of !== null && of !== 'asking' && <Answered of={of} />}
    </div>
  )
}

function Answered({ of }: Readonly<{ of: Answer }>) {
  const { asked, error } = of
  if (error !== null) {
    return (
      <p class={isUnknown(error) ? 'callout unsure' : 'callout bad'}>
        <Icon name="warn" />
        <span>
          {isUnknown(error)
            ? `Whether ${asked.scope} was set is not known. Ask again: setting a state twice adds nothing.`
            : inWords(error)}
          {error instanceof ApiProblem && (
            <>
              {' '}
              <code>{error.problem.code}</code>
            </>
          )}
        </span>
      </p>
    )
  }
  const { position, tookMs, isNew } = of
  const where = `position ${num(position.position)}, control revision ${num(position.revision)}`
  return (
    <p class="callout good">
      <Icon name="check" />
      <span>
        <b>
          {asked.scope} {position.state}
        </b>{' '}
        {isNew
          ? `in force everywhere at ${where}, answered after ${span(tookMs)}.`
          : `already, since ${where}. Nothing was added; the reason in force is: ${position.reason}`}
      </span>
    </p>
  )
}
