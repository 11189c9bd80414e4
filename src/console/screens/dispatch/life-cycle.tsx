import { isIndeterminate } from '../../parts/codes.ts'
import { clock, num } from '../../words.ts'
import { type StairPoint, type StreamEvent, staircase } from './model.ts'

const WIDTH = 1_100
const HEIGHT = 206
const LEFT = 128
const FLOOR = 134
const STEP = 34
const REFUSED = 162
const LEVELS = ['nothing', 'Planned', 'PreflightPassed', 'DryRunRecorded'] as const
/** More would not be told apart; all of them stand below in words. */
const SHOWN_MAX = 14

const heightOf = (level: number): number => FLOOR - level * STEP

/** How far the dispatch got, event by event. Steps are equal; how long they took is written. */
export function LifeCycle({ events }: Readonly<{ events: readonly StreamEvent[] }>) {
  const points = staircase(events).slice(-SHOWN_MAX)
  const step = (WIDTH - LEFT - 20) / Math.max(1, points.length)
  const xOf = (at: number): number => LEFT + step * (at + 0.5)
  const first = startOf(points, events)
  const rise = points.map((it, at) => `H${xOf(at)}V${heightOf(it.level)}`).join('')
  return (
    <div class="table-wrap">
      <svg
        class="chart stairs"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={inWords(points)}
      >
        {LEVELS.map((name, level) => (
          <g key={name}>
            <line class="grid" x1={LEFT} x2={WIDTH} y1={heightOf(level)} y2={heightOf(level)} />
            <text class={level === 0 ? '' : 'strong'} x="0" y={heightOf(level) + 4}>
              {name}
            </text>
          </g>
        ))}
        <text x="0" y={REFUSED + 4} class="f-fail">
          Refused
        </text>
        <path class="stair" d={`M${LEFT} ${heightOf(first)}${rise}H${WIDTH - 4}`} />
        {points.map((point, at) => (
          <Point key={point.event.id} point={point} x={xOf(at)} />
        ))}
      </svg>
    </div>
  )
}

/** The level before the first event that is drawn. */
function startOf(points: readonly StairPoint[], events: readonly StreamEvent[]): number {
  const before = staircase(events).at(-points.length - 1)
  return before?.level ?? 0
}

function Point({ point, x }: Readonly<{ point: StairPoint; x: number }>) {
  const { event, level, refused, gap } = point
  const y = heightOf(level)
  return (
    <g>
      <title>
        {`${event.type}${event.data.code === undefined ? '' : ` ${event.data.code}`}, ${event.data.mode}, position ${num(event.position)}`}
      </title>
      {refused ? (
        <>
          <line class="grid dotted" x1={x} x2={x} y1={y + 5} y2={REFUSED - 8} />
          <Refusal x={x} code={event.data.code ?? ''} />
        </>
      ) : (
        <>
          <circle class={event.void === true ? 'c-void' : 'c-created'} cx={x} cy={y} r="8" />
          <path class="on-solid" d={`M${x - 3.5} ${y}l2.5 2.6 4.5-5`} />
        </>
      )}
      <text class="strong" x={x} y="188" text-anchor="middle">
        {clock(event.recordedAt)}
      </text>
      <text x={x} y="202" text-anchor="middle">
        {gap}
      </text>
    </g>
  )
}

function Refusal({ x, code }: Readonly<{ x: number; code: string }>) {
  const corner = { x: x - 8, y: REFUSED - 8, width: 16, height: 16, rx: 3 }
  if (isIndeterminate(code)) {
    return (
      <>
        <rect class="box-indeterminate" {...corner} />
        <text class="f-indeterminate strong-weight" x={x} y={REFUSED + 4} text-anchor="middle">
          ?
        </text>
      </>
    )
  }
  return (
    <>
      <rect class="c-refused" {...corner} />
      <path class="on-solid" d={`M${x - 3} ${REFUSED - 3}l6 6M${x + 3} ${REFUSED - 3}l-6 6`} />
    </>
  )
}

const inWords = (points: readonly StairPoint[]): string =>
  points
    .map(({ event }) => `${event.data.code ?? event.type} at ${clock(event.recordedAt)}`)
    .join(', ')
