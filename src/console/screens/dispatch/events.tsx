import { useState } from 'preact/hooks'
import { ERRORS } from '../../../errors.ts'
import { GateStrip } from '../../parts/gate-strip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { CodePill, Pill, type PillKind } from '../../parts/pill.tsx'
import { clockMs, num, whoActsSentence } from '../../words.ts'
import { type Step, type StreamEvent, said } from './model.ts'

const WHICH = ['all', 'advancing', 'refused'] as const
type Which = (typeof WHICH)[number]

const isShown = (event: StreamEvent, which: Which): boolean =>
  which === 'all' || (event.type === 'Refused') === (which === 'refused')

type Parts = Readonly<{
  events: readonly StreamEvent[]
  steps: readonly Step[]
  raw: (title: string, value: unknown) => void
}>

/** Every event, the last first, with the gates that justified it. */
export function Events({ events, steps, raw }: Parts) {
  const [which, setWhich] = useState<Which>('all')
  const last = events.at(-1)
  return (
    <section class="panel" aria-labelledby="h-events">
      <div class="toolbar">
        <h2 id="h-events">Events</h2>
        <div class="segmented push" role="group" aria-label="Which events">
          {WHICH.map((it) => (
            <button type="button" key={it} aria-pressed={it === which} onClick={() => setWhich(it)}>
              {it[0]?.toUpperCase()}
              {it.slice(1)} {events.filter((event) => isShown(event, it)).length}
            </button>
          ))}
        </div>
      </div>
      {events
        .filter((event) => isShown(event, which))
        .toReversed()
        .map((event) => (
          <EventArticle
            key={event.id}
            event={event}
            step={steps.find((it) => it.id === event.id)}
            isLast={event === last}
            raw={raw}
          />
        ))}
    </section>
  )
}

type One = Pick<Parts, 'raw'> &
  Readonly<{ event: StreamEvent; step: Step | undefined; isLast: boolean }>

function EventArticle({ event, step, isLast, raw }: One) {
  const { type, revision, position, recordedAt, data } = event
  const code = data.code
  const known = code === undefined ? undefined : ERRORS[code as keyof typeof ERRORS]
  const opened = openedGate(step, isLast)
  return (
    <article
      class={`event e-${event.void === true ? 'void' : type}`}
      aria-label={`Event ${revision}, ${type}`}
    >
      <div class="event-head">
        <span class="rev" title={`stream revision ${revision}`}>
          {revision}
        </span>
        <span class="type">{type}</span>
        <Outcome event={event} />
        <span class="faint">
          <time dateTime={recordedAt}>{clockMs(recordedAt)}</time>
        </span>
        <span class="faint">
          position <span class="num">{num(position)}</span>
        </span>
        <span class="push inline">
          <button
            type="button"
            class="icon-button tiny"
            aria-label={`Raw JSON of event ${revision}`}
            title="Raw JSON"
            onClick={() => raw(`Event ${revision}, ${type}`, event)}
          >
            <Icon name="doc" />
          </button>
        </span>
      </div>
      <p class="said">
        {said(event, known?.title)}{' '}
        {known !== undefined && whoActsSentence(known.whoMustAct, known.retryable)}
      </p>
      {step !== undefined && <GateStrip gates={step.gates} open={opened} />}
    </article>
  )
}

/** The gate that stopped the call; where none did, the last one of the last event. */
function openedGate(step: Step | undefined, isLast: boolean): string | null {
  const stopped = step?.gates.find((it) => it.outcome === 'fail' || it.outcome === 'indeterminate')
  return stopped?.gate ?? (isLast ? (step?.gates.at(-1)?.gate ?? null) : null)
}

function Outcome({ event }: Readonly<{ event: StreamEvent }>) {
  if (event.void === true) return <Pill kind="void" />
  const { code, verdict } = event.data
  if (code !== undefined) return <CodePill code={code} />
  return typeof verdict === 'string' ? <Pill kind={verdict as PillKind} /> : null
}
