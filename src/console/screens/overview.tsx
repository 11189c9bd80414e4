import { hoursUntil, knownCode, refusedOf, sumsBy } from '../call-sums.ts'
import { type Calls, useCalls } from '../calls.ts'
import { BarRow } from '../parts/bar-row.tsx'
import { Counted } from '../parts/counted.tsx'
import { Icon } from '../parts/icon.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty } from '../parts/states.tsx'
import { scopesHalted, switchReport } from '../status.ts'
import { num, plural, whoActs, whoActsShort } from '../words.ts'
import { CallsFigures, CallsTable } from './overview/calls.tsx'
import { waitingOf } from './overview/model.ts'
import { Positions } from './overview/positions.tsx'
import { Scopes } from './overview/scopes.tsx'

const HOURS = 24
const REASONS_MAX = 8
const WAITING_MAX = 4

/** What is refused, why, and who must act, at a glance. */
export function OverviewScreen() {
  const calls = useCalls(HOURS)
  const hours = hoursUntil(Date.now(), HOURS)
  return (
    <>
      <PageHead title="Overview" says={lead()} />
      <Scopes />
      <div class="cols cols-2-1">
        <Panel
          title="Calls, last 24 hours"
          note={<p>Solid is recorded in the log. Hatched wrote nothing and is only counted.</p>}
          foot={
            <>
              {calls.answer !== null && <CallsTable calls={calls.answer.body} hours={hours} />}
              <a href="/dispatches">All dispatches</a>
            </>
          }
        >
          <Counted calls={calls}>{(it) => <CallsFigures calls={it} hours={hours} />}</Counted>
        </Panel>
        <Panel title="Why calls were refused" note={<a href="/refusals">All refusals</a>}>
          <Counted calls={calls}>{(it) => <Reasons calls={it} />}</Counted>
        </Panel>
      </div>
      <div class="cols cols-1-1">
        <Positions />
        <Panel title="Waiting for someone" note={<p>last 24 h</p>}>
          <Counted calls={calls}>{(it) => <WaitingFor calls={it} />}</Counted>
        </Panel>
      </div>
    </>
  )
}

function lead(): string {
  const halted = scopesHalted.value
  if (switchReport.value === null) return ''
  if (switchReport.value.scopes['global']?.state !== 'DRY_RUN_ONLY')
    return 'Every dispatch is refused.'
  if (halted.length === 0) return 'Dispatches are judged. Nothing is halted.'
  return `Dispatches are judged. ${plural(halted.length, 'scope is', 'scopes are')} halted.`
}

function Reasons({ calls }: Readonly<{ calls: Calls }>) {
  const sums = sumsBy(refusedOf(calls.rows, 'calls'), ({ code }) => code)
  const max = sums[0]?.calls ?? 0
  if (max === 0) return <Empty icon="check" title="Nothing was refused in the last 24 hours" />
  return (
    <div class="bars">
      {sums.slice(0, REASONS_MAX).map(({ key, calls: count }) => (
        <BarRow key={key} href={`/refusals?code=${key}`} share={count / max}>
          <span class="clip">
            <code>{key}</code>
          </span>
          <span class="count">
            {num(count)} <small>{whoShort(key)}</small>
          </span>
        </BarRow>
      ))}
    </div>
  )
}

function whoShort(code: string): string {
  const known = knownCode(code)
  return known === null ? '' : whoActsShort(known.whoMustAct, known.retryable)
}

function WaitingFor({ calls }: Readonly<{ calls: Calls }>) {
  const waiting = waitingOf(
    refusedOf(calls.rows, 'calls'),
    (code) => knownCode(code)?.whoMustAct ?? 'nobody',
  )
  if (waiting.length === 0) return <Empty icon="check" title="Nobody has to act" />
  return (
    <ul class="facts">
      {waiting.slice(0, WAITING_MAX).map(({ who, code, calls: count, contracts }) => (
        <li key={code} class={code === 'mutation-suspected' ? 'bad' : 'notice'}>
          <Icon name={code === 'mutation-suspected' ? 'warn' : 'clock'} />
          <span>
            <b>{whoActs(who)}</b> ·{' '}
            <a href={`/refusals?code=${code}`}>
              <code>{code}</code>
            </a>{' '}
            <span class="faint">× {num(count)}</span>
          </span>
          <small>{contracts}</small>
        </li>
      ))}
    </ul>
  )
}
