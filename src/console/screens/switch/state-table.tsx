import { type CallsRow, sumOf } from '../../call-sums.ts'
import { Icon } from '../../parts/icon.tsx'
import { Empty, Failed, Skeleton } from '../../parts/states.tsx'
import { may } from '../../session.ts'
import { type SwitchPosition, silence, switchReport } from '../../status.ts'
import { type ContractKind, covers, phraseOf, type Verb } from '../../switch/scopes.ts'
import { actorName, num, shortTime, span } from '../../words.ts'

type Shown = Readonly<{
  contracts: readonly ContractKind[]
  /** Of the last 24 hours, or null where they cannot be told. */
  calls: readonly CallsRow[] | null
  fill: (verb: Verb, scope: string) => void
}>

const GUARANTEES = {
  atomic: 'no append overtakes a halt',
  fenced: 'what a halt overtakes is void',
} as const

/** The switch in every scope that was set. */
export function StatePanel(shown: Shown) {
  const report = switchReport.value
  return (
    <section class="panel" aria-labelledby="state-title">
      <div class="panel-head">
        <h2 id="state-title">State per scope</h2>
        {report !== null && (
          <p>
            control revision <b class="num">{num(report.controlRevision)}</b>, guarantee{' '}
            <b>{report.guarantee}</b>: {GUARANTEES[report.guarantee]}
          </p>
        )}
      </div>
      <StateTable {...shown} />
      <div class="panel-foot">
        <span>
          Scopes that are not listed were never set and follow <b>global</b>.
        </span>
      </div>
    </section>
  )
}

function StateTable({ contracts, calls, fill }: Shown) {
  const report = switchReport.value
  if (report === null) {
    if (!may('switch:read')) {
      return (
        <Empty icon="lock" title="This key may not see the switch">
          <p>
            It lacks the scope <code>switch:read</code>.
          </p>
        </Empty>
      )
    }
    return silence.value === null ? <Skeleton /> : <Failed error={new Error(silence.value)} />
  }
  return (
    <div class="table-wrap">
      <table class="tall">
        <thead>
          <tr>
            <th scope="col">State and scope</th>
            <th scope="col">Why, by whom</th>
            <th scope="col">For</th>
            {calls !== null && (
              <th scope="col" class="right hide-narrow">
                Calls, 24 h
              </th>
            )}
            <th scope="col">
              <span class="sr">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(report.scopes).map(([scope, position]) => (
            <tr key={scope} class={position?.state === 'HALTED' ? 'row-halted' : ''}>
              <td>
                <State position={position} />
                <br />
                <code class="muted">{scope}</code>
              </td>
              <Why position={position} />
              {calls !== null && (
                <td class="right num hide-narrow">
                  {num(sumOf(calls.filter((it) => covers(scope, it.contract_id, contracts))))}
                </td>
              )}
              <td class="right">
                <Change scope={scope} state={position?.state ?? null} fill={fill} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function State({ position }: Readonly<{ position: SwitchPosition | null }>) {
  if (position === null) {
    return (
      <b class="plain t-indeterminate">
        <Icon name="question" />
        not set
      </b>
    )
  }
  const isHalted = position.state === 'HALTED'
  return (
    <b class={isHalted ? 'plain t-fail' : 'plain t-pass'}>
      <Icon name={isHalted ? 'halt' : 'open'} />
      {position.state}
    </b>
  )
}

function Why({ position }: Readonly<{ position: SwitchPosition | null }>) {
  if (position === null) {
    return (
      <>
        <td class="wrap">Unset means stop: every dispatch is refused until it is released.</td>
        <td class="faint">always</td>
      </>
    )
  }
  return (
    <>
      <td class="wrap anywhere">
        {position.reason}
        <br />
        <span class="faint">
          {actorName(position.actor)}, revision {num(position.revision)}
        </span>
      </td>
      <td>
        {span(Date.now() - Date.parse(position.recordedAt))}
        <br />
        <time class="faint" dateTime={position.recordedAt} title={position.recordedAt}>
          {shortTime(position.recordedAt)}
        </time>
      </td>
    </>
  )
}

type Changed = Readonly<{ scope: string; state: string | null; fill: Shown['fill'] }>

function Change({ scope, state, fill }: Changed) {
  const verb = state === 'DRY_RUN_ONLY' ? 'halt' : 'release'
  return (
    <button
      type="button"
      class="button small"
      aria-label={`${phraseOf(verb, scope)}: fill the form`}
      disabled={!may('switch:write')}
      onClick={() => fill(verb, scope)}
    >
      {verb === 'halt' ? 'Halt' : 'Release'}
    </button>
  )
}
