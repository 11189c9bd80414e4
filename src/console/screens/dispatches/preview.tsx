import { ERRORS } from '../../../errors.ts'
import { Digest, ShortId } from '../../parts/copy.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Json } from '../../parts/json.tsx'
import { Empty, Loaded } from '../../parts/states.tsx'
import { useResource } from '../../resource.ts'
import { dayAndClock, num, whoActsSentence } from '../../words.ts'
import type { Dispatch, StreamEvent } from '../dispatch/model.ts'
import type { DispatchRow } from './row.ts'
import { StandsAs } from './table.tsx'

/** The selected dispatch beside the list. */
export function Preview({ row }: Readonly<{ row: DispatchRow | undefined }>) {
  return (
    <aside class="peek panel" aria-label="Preview">
      {row === undefined ? <Empty title="Nothing selected" /> : <Selected row={row} />}
    </aside>
  )
}

function Selected({ row }: Readonly<{ row: DispatchRow }>) {
  const address = `/v1/dispatches/${row.dispatchId}`
  const dispatch = useResource<Dispatch>(address)
  const events = useResource<{ events: readonly StreamEvent[] }>(`${address}/events`)
  return (
    <>
      <div class="panel-head">
        <h2>
          <ShortId id={row.dispatchId} />
        </h2>
        <a class="button small" href={`/dispatches/${row.dispatchId}`}>
          Open
        </a>
      </div>
      <div class="panel-body">
        <div>
          <StandsAs row={row} />
          <p class="muted">{saidOf(row)}</p>
        </div>
        <dl class="kv">
          <dt>Target</dt>
          <dd>{row.target}</dd>
          <dt>Namespace</dt>
          <dd>
            <code>{row.outputNamespace}</code>
          </dd>
          <dt>Opened</dt>
          <dd>
            <time dateTime={row.openedAt}>{dayAndClock(row.openedAt)}</time>
          </dd>
          <dt>Refusals</dt>
          <dd>{num(row.refusals)}</dd>
          <dt>Digest</dt>
          <dd>
            <Digest value={row.digest} />
          </dd>
        </dl>
        <div>
          <h3>Params</h3>
          <Loaded of={dispatch}>{({ command }) => <Json value={command.params} wrap />}</Loaded>
        </div>
        <div>
          <h3>Events</h3>
          <Loaded of={events}>{(read) => <EventList events={read.events} />}</Loaded>
        </div>
      </div>
    </>
  )
}

function EventList({ events }: Readonly<{ events: readonly StreamEvent[] }>) {
  return (
    <ol class="stack tight">
      {events.map((it) => (
        <li class="inline spread nowrap" key={it.id}>
          <span class={it.type === 'Refused' ? 'plain t-fail' : 'plain'}>
            <Icon name={it.type === 'Refused' ? 'cross' : 'check'} />
            {it.data.code ?? it.type}
          </span>
          <span class="faint num">{num(it.position)}</span>
        </li>
      ))}
    </ol>
  )
}

function saidOf({ lastEvent, lastRefusal, verdict }: DispatchRow): string {
  if (lastEvent === 'Refused' && lastRefusal !== null) {
    const known = ERRORS[lastRefusal as keyof typeof ERRORS]
    return `${known.title}. ${whoActsSentence(known.whoMustAct, known.retryable)}`
  }
  if (verdict === 'would_fail') {
    return 'The target itself gave a definite no. This is a result, recorded for ever.'
  }
  if (verdict !== null) return 'The dry run was really invoked and left no trace.'
  return lastEvent === null
    ? 'Its events are void: the switch overtook them, and they count for nothing.'
    : 'Planned and pinned. No dry run is recorded yet.'
}
