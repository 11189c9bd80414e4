import { ERRORS } from '../../../errors.ts'
import type { Problem } from '../../api.ts'
import { isIndeterminate } from '../../parts/codes.ts'
import { Icon } from '../../parts/icon.tsx'
import { CodePill } from '../../parts/pill.tsx'
import { RULE_NAMES, whoActs } from '../../words.ts'
import { GateList } from './gate-list.tsx'

/** A refusal: what was seen, then code, rule, who must act and what to do, in this order. */
export function RefusedAnswer({ problem }: Readonly<{ problem: Problem }>) {
  const { code, rule, whoMustAct, gates } = problem
  const remedy = remedyOf(code)
  // The detail ends with the remedy, which has a line of its own here.
  const seen = problem.detail.replace(remedy ?? '', '').trim()
  return (
    <>
      {seen !== '' && (
        <div class={isIndeterminate(code) ? 'callout unsure' : 'callout bad'}>
          <Icon name="warn" />
          <span class="seen">{seen}</span>
        </div>
      )}
      <dl class="kv">
        <dt>Code</dt>
        <dd>
          <CodePill code={code} />
        </dd>
        {rule !== null && (
          <>
            <dt>Rule</dt>
            <dd>
              {rule}, {RULE_NAMES[rule]}
            </dd>
          </>
        )}
        <dt>Who must act</dt>
        <dd>
          <b>{whoActs(whoMustAct)}</b>
          {whoMustAct === 'nobody' && `, ${nobodyActs(problem)}`}
        </dd>
        {remedy !== undefined && (
          <>
            <dt>What to do</dt>
            <dd>{remedy}</dd>
          </>
        )}
        <dt>Retry</dt>
        <dd>{retryInWords(problem)}</dd>
        <dt>Recorded</dt>
        <dd>{recordedInWords(problem)}</dd>
      </dl>
      {gates !== undefined && (
        <div>
          <h3>Gates of this refusal</h3>
          <GateList gates={gates} />
        </div>
      )}
    </>
  )
}

const remedyOf = (code: string): string | undefined =>
  (ERRORS as Readonly<Record<string, { remedy: string }>>)[code]?.remedy

function nobodyActs({ retryable, stage }: Problem): string {
  if (retryable) return 'send it again'
  return stage === null ? 'not with this key' : 'this can never pass'
}

function retryInWords({ retryable, whoMustAct }: Problem): string {
  if (!retryable) return 'No: the same request gets the same answer'
  return whoMustAct === 'nobody'
    ? 'Yes, the same command'
    : 'Yes, the same command, once they acted'
}

function recordedInWords({ recorded, eventsAppended = 0 }: Problem): string {
  if (recorded === 'none') return 'Not recorded'
  return eventsAppended > 0 ? 'As a Refused event' : 'The same refusal was there already'
}
