import { REPLAY_GATES } from '../../../../domain/gates/index.ts'
import { Icon } from '../../parts/icon.tsx'
import { jsonText } from '../../parts/json.tsx'
import type { RecordedBody } from '../../try/send.ts'
import { num } from '../../words.ts'
import { GateList } from './gate-list.tsx'

/** A call that was not refused: the verdict and the output where there is one, and its gates. */
export function RecordedAnswer({ body }: Readonly<{ body: RecordedBody }>) {
  const { outcome, event } = body
  const { verdict, output, snapshot } = event.data
  const isReplay = outcome === 'replayed'
  const gates = isReplay
    ? snapshot.gates.filter(({ gate }) => REPLAY_GATES.some((it) => it === gate))
    : snapshot.gates
  return (
    <>
      {verdict !== undefined && <Verdict verdict={verdict} />}
      {output !== undefined && (
        <div>
          <h3>Output</h3>
          <pre class="block wrap" tabIndex={0} role="group" aria-label="Output">
            {jsonText(output)}
          </pre>
        </div>
      )}
      <div>
        <h3>Gates of this call</h3>
        <GateList gates={gates} />
        {isReplay && (
          <p class="faint">
            A replay is judged by these three. The others were judged when position{' '}
            {num(event.position)} was recorded; a retired contract does not take that back.
          </p>
        )}
      </div>
    </>
  )
}

function Verdict({ verdict }: Readonly<{ verdict: 'would_succeed' | 'would_fail' }>) {
  const isGood = verdict === 'would_succeed'
  return (
    <div class={isGood ? 'callout good' : 'callout would-fail'}>
      <Icon name={isGood ? 'check' : 'dash'} />
      <span>
        <b>{verdict}</b> with evidence that nothing changed
      </span>
    </div>
  )
}
