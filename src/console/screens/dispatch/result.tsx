import { CopyButton, Digest } from '../../parts/copy.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Json } from '../../parts/json.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Empty } from '../../parts/states.tsx'
import { clock } from '../../words.ts'
import { answerOf, type Dispatch, type Step, type StreamEvent } from './model.ts'

type Whole = Readonly<{
  dispatch: Dispatch
  events: readonly StreamEvent[]
  steps: readonly Step[]
}>

/** What the dry run gave, and what shows that it changed nothing. */
export function Result({ events, steps }: Omit<Whole, 'dispatch'>) {
  const recorded = events.findLast((it) => it.type === 'DryRunRecorded' && it.void !== true)
  if (recorded === undefined) {
    return (
      <Panel title="Result">
        <Empty icon="dash" title="No dry run is recorded">
          <p>What is not recorded did not happen. The events say how far it got, and why.</p>
        </Empty>
      </Panel>
    )
  }
  const { verdict, output, outputDigest, outputNamespace } = recorded.data
  const isGood = verdict === 'would_succeed'
  const evidence = steps.find((it) => it.id === recorded.id)?.evidence ?? []
  return (
    <Panel title="Result">
      <div class={isGood ? 'verdict good' : 'verdict would-fail'}>
        <Icon name={isGood ? 'check' : 'dash'} />
        <div>
          <b>{isGood ? 'Would succeed' : 'Would fail'}</b>
          <p>Recorded {clock(recorded.recordedAt)} UTC. Every later call is answered from here.</p>
        </div>
      </div>
      <div>
        <h3>Output</h3>
        <Json value={output} />
      </div>
      <dl class="kv">
        <dt>Digest</dt>
        <dd>
          <Digest value={String(outputDigest)} what="the digest of the output" />
        </dd>
        <dt>Listed in</dt>
        <dd>
          <code>{String(outputNamespace)}</code>
        </dd>
      </dl>
      <div>
        <h3>Evidence that nothing changed</h3>
        <ul class="facts">
          {evidence.map((it) => (
            <li key={it.name} class={it.holds ? '' : 'bad'}>
              <Icon name={it.holds ? 'check' : 'cross'} />
              <span>{it.says}</span>
              <small>
                <code>{it.name}</code>
              </small>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  )
}

export function Command({ dispatch, events }: Omit<Whole, 'steps'>) {
  const { command, digest, pins } = dispatch
  const actor = events[0]?.metadata.actor
  return (
    <Panel title="Command" note={<CopyButton text={JSON.stringify(command)} what="the command" />}>
      <Json value={command} wrap />
      <dl class="kv">
        <dt>Digest</dt>
        <dd>
          <Digest value={digest} />
        </dd>
        {Object.entries(pins ?? {}).map(([name, pin]) => (
          <Pin key={name} name={name} sha256={pin.sha256} />
        ))}
        {actor !== undefined && (
          <>
            <dt>Asked by</dt>
            <dd>{actor}</dd>
          </>
        )}
      </dl>
    </Panel>
  )
}

function Pin({ name, sha256 }: Readonly<{ name: string; sha256: string }>) {
  return (
    <>
      <dt>{`${name[0]?.toUpperCase()}${name.slice(1)}`}</dt>
      <dd>
        <Digest value={sha256} what={`the digest of the ${name}`} />
      </dd>
    </>
  )
}

export function SendAgain({ dispatch }: Pick<Whole, 'dispatch'>) {
  const { contract, target, outputNamespace, occurrence, params } = dispatch.command
  const asked = new URLSearchParams({
    contract: `${contract.id}@${contract.version}`,
    target,
    namespace: outputNamespace,
    occurrence,
    params: JSON.stringify(params),
  })
  return (
    <Panel title="Send it again">
      <p class="muted">
        The same command has the same id. While nothing changes, each mode answers:
      </p>
      <dl class="kv">
        {['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'REAL_RUN'].map((mode) => (
          <Mode key={mode} mode={mode} answer={answerOf(mode, dispatch.reached)} />
        ))}
      </dl>
      <a class="button" href={`/try?${asked}`}>
        Open in Try
      </a>
    </Panel>
  )
}

function Mode({ mode, answer }: Readonly<{ mode: string; answer: string }>) {
  const isReal = mode === 'REAL_RUN'
  return (
    <>
      <dt>
        <code>{mode}</code>
      </dt>
      <dd>
        <span class={isReal ? 'plain t-fail' : 'plain'}>
          <Icon name={isReal ? 'lock' : answer.startsWith('200') ? 'undo' : 'right'} />
          {answer}
        </span>
      </dd>
    </>
  )
}
