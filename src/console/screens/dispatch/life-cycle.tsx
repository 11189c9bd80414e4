import { isIndeterminate } from '../../parts/codes.ts'
import { HALTED_HATCH, HaltedHatch } from '../../parts/halted-hatch.tsx'
import type { Halt } from '../../switch/intervals.ts'
import { clock, num } from '../../words.ts'
import { type HaltedSteps, haltedSteps, haltInWords } from './halted.ts'
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
const HALT_MIN = 8
const CHARACTER = 6.2
/** Words of halts that lie over each other stand in lines of their own. */
const LANES = 2

const heightOf = (level: number): number => FLOOR - level * STEP

type Drawn = Readonly<{ events: readonly StreamEvent[]; halts: readonly Halt[] }>

/** How far the dispatch got, event by event. Steps are equal; how long they took is written. */
export function LifeCycle({ events, halts }: Drawn) {
  const points = staircase(events).slice(-SHOWN_MAX)
  const step = (WIDTH - LEFT - 20) / Math.max(1, points.length)
  const xOf = (at: number): number => LEFT + step * (at + 0.5)
  const first = startOf(points, events)
  const halted = haltedSteps(
    points.map((it) => it.event.position),
    halts,
  )
  const rise = points.map((it, at) => `H${xOf(at)}V${heightOf(it.level)}`).join('')
  return (
    <div class="table-wrap">
      <svg
        class="chart stairs"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={inWords(points, halted)}
      >
        <HaltedHatch />
        {halted.map((it, at) => (
          <HaltMark key={it.halt.from.position} steps={it} step={step} lane={at % LANES} />
        ))}
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

type Marked = Readonly<{ steps: HaltedSteps; step: number; lane: number }>

/** A halt in which nothing was sent is as wide as can be seen; its words stand beside it. */
function HaltMark({ steps: { halt, from, to }, step, lane }: Marked) {
  const words = haltInWords(halt)
  const end = halt.to === null ? WIDTH - 4 : LEFT + step * to + (from === to ? HALT_MIN / 2 : 0)
  const begin = Math.min(LEFT + step * from, end - HALT_MIN)
  const isAtEnd = begin + words.length * CHARACTER > WIDTH
  return (
    <g>
      <title>{`${words}. ${halt.from.data.reason}`}</title>
      <rect
        class="halted-steps"
        fill={HALTED_HATCH}
        x={begin}
        y="2"
        width={end - begin}
        height={REFUSED + 10}
      />
      <text
        class="f-halted strong-weight"
        x={isAtEnd ? end - 4 : begin + 4}
        y={13 + lane * 11}
        text-anchor={isAtEnd ? 'end' : 'start'}
      >
        {words}
      </text>
    </g>
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

const inWords = (points: readonly StairPoint[], halted: readonly HaltedSteps[]): string =>
  [
    ...points.map(({ event }) => `${event.data.code ?? event.type} at ${clock(event.recordedAt)}`),
    ...halted.map(({ halt }) => haltInWords(halt)),
  ].join(', ')
