import type { AskedCommand } from '../../../../domain/dispatch/command.ts'
import { Icon, type IconName } from '../../parts/icon.tsx'
import { Pill } from '../../parts/pill.tsx'
import { Reached } from '../../parts/reached.tsx'
import { Empty } from '../../parts/states.tsx'
import { me } from '../../session.ts'
import { type Click, eventsOf, outcomeOf, type Reply, statusOf } from '../../try/send.ts'
import { num, span } from '../../words.ts'
import { RecordedAnswer } from './recorded-answer.tsx'
import { RefusedAnswer } from './refused-answer.tsx'

type Answered = Readonly<{
  /** The last first. */
  clicks: readonly Click[]
  /** Whether the last one was about another command than the form holds. */
  isOld: boolean
  isSending: boolean
  sendAgain(command: AskedCommand): Promise<void>
}>

/** What came back, and what was asked before it. */
export function AnswerPanel({ clicks, isOld, isSending, sendAgain }: Answered) {
  const [click] = clicks
  return (
    <section class="panel" aria-labelledby="try-answer" aria-busy={isSending}>
      <div class="panel-head">
        <h2 id="try-answer">Answer</h2>
        <p role="status">{isSending ? 'sent, no answer yet' : took(click)}</p>
      </div>
      <div class="panel-body answer">
        {click === undefined ? (
          <Empty icon="play" title="Nothing sent yet">
            <p>Choose how far to go. Press it twice to see a replay: same id, 0 events.</p>
          </Empty>
        ) : (
          <>
            <Lead click={click} />
            {isOld && (
              <p class="faint">
                The form holds another command by now. This is the answer to what was sent.
              </p>
            )}
            <Details click={click} sendAgain={sendAgain} />
          </>
        )}
      </div>
      <div class="panel-foot">
        {click === undefined ? <span>Sent as key {me.value?.name}</span> : <History of={clicks} />}
        {click !== undefined && <ToDispatch reply={click.reply} />}
      </div>
    </section>
  )
}

/** Below a hundred milliseconds a tenth of one tells a replay from a dispatch. */
const FINE_MS = 100

function took(click: Click | undefined): string {
  if (click === undefined) return ''
  const { tookMs } = click
  return tookMs < FINE_MS ? `${tookMs.toFixed(1)} ms` : span(tookMs)
}

const LEADS = {
  created: 'A new dispatch.',
  advanced: 'The same dispatch went further.',
  replayed: 'Known already, answered from the log.',
  unknown: 'Send the same command again to find out.',
} as const

function leadOf(reply: Reply): string {
  if (reply.kind === 'refused') return `${reply.problem.title}.`
  return LEADS[reply.kind === 'recorded' ? reply.body.outcome : 'unknown']
}

function Lead({ click: { command, reply } }: Readonly<{ click: Click }>) {
  const outcome = outcomeOf(reply)
  return (
    <div class="stack" aria-live="polite">
      <div class="answer-lead">
        <span class="status">{statusOf(reply)}</span>
        <div>
          {outcome === 'unknown' ? (
            <Pill kind="indeterminate" text="outcome unknown" />
          ) : (
            <Pill kind={outcome} />
          )}{' '}
          <code>{command.mode}</code>
          <p>{leadOf(reply)}</p>
        </div>
      </div>
      <Written reply={reply} />
    </div>
  )
}

function Written({ reply }: Readonly<{ reply: Reply }>) {
  const events = eventsOf(reply)
  if (events === null || reply.kind === 'unknown') return null
  const { position } = reply.kind === 'recorded' ? reply.body : reply
  const reached = reply.kind === 'recorded' ? reply.body.reached : reply.problem.reached
  return (
    <div class="inline spread">
      <span class="rows-written">
        <b>{events}</b> {events === 1 ? 'event' : 'events'} written
      </span>
      {position !== null && (
        <span class="muted">
          position <b class="num">{num(position)}</b>
        </span>
      )}
      {reached !== undefined && <Reached reached={reached} />}
    </div>
  )
}

function Details({ click, sendAgain }: Readonly<{ click: Click } & Pick<Answered, 'sendAgain'>>) {
  const { reply, command } = click
  switch (reply.kind) {
    case 'recorded':
      return <RecordedAnswer body={reply.body} />
    case 'refused':
      return <RefusedAnswer problem={reply.problem} />
    case 'unknown':
      return (
        <div class="callout unsure" role="alert">
          <Icon name="question" />
          <span class="stack tight">
            <span>
              {reply.why}. Whether the command was recorded is not known. Sending it again is safe:
              nothing is recorded twice.
            </span>
            {reply.code !== null && <code>{reply.code}</code>}
            <span>
              <button type="button" class="button small" onClick={() => void sendAgain(command)}>
                Send the same command again
              </button>
            </span>
          </span>
        </div>
      )
  }
}

const MARKS: Readonly<Record<ReturnType<typeof outcomeOf>, IconName>> = {
  created: 'plus',
  advanced: 'right',
  replayed: 'undo',
  refused: 'cross',
  unknown: 'question',
}
const HISTORY_SHOWN = 5

/** What was pressed on this page, the last first. */
function History({ of }: Readonly<{ of: readonly Click[] }>) {
  return (
    <ol class="inline" aria-label="What was sent from this page, the last first">
      {of.slice(0, HISTORY_SHOWN).map(({ number, command, reply }) => (
        <li key={number} class="plain faint" title={outcomeOf(reply)}>
          <Icon name={MARKS[outcomeOf(reply)]} />
          {command.mode} {statusOf(reply)}
        </li>
      ))}
    </ol>
  )
}

function ToDispatch({ reply }: Readonly<{ reply: Reply }>) {
  const id =
    reply.kind === 'recorded'
      ? reply.body.dispatchId
      : reply.kind === 'refused' && reply.problem.recorded === 'event'
        ? reply.problem.dispatchId
        : undefined
  return id === undefined ? null : <a href={`/dispatches/${id}`}>Open the dispatch</a>
}
