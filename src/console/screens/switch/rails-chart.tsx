import { HALTED_HATCH, HaltedHatch } from '../../parts/halted-hatch.tsx'
import { useWidth } from '../../parts/use-width.ts'
import { endOf, type Halt, type Setting, startOf } from '../../switch/intervals.ts'
import { num, span } from '../../words.ts'
import { dayName, daysOf, type Mark, marksOf, weekOf } from './rails.ts'

const ROW = 28
const TOP = 18
const FOOT = 22
const CHARACTER = 6.4
const LEFT_MAX = 0.4

type Drawn = Readonly<{
  /** The first setting of every scope: a rail begins there. */
  firsts: readonly Setting[]
  halts: readonly Halt[]
  /** Calls that a halt refused, or null where they cannot be told. */
  callsOf: (halt: Halt) => number | null
  nowMs: number
}>

/** A rail a scope over the last seven days, hatched while it was halted. */
export function Rails({ firsts, halts, callsOf, nowMs }: Drawn) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const { fromMs, toMs } = weekOf(nowMs)
  const longest = Math.max(...firsts.map((it) => it.data.scope.length))
  const left = Math.min(longest * CHARACTER + 12, width * LEFT_MAX)
  const x = (ms: number): number => left + ((ms - fromMs) / (toMs - fromMs)) * (width - left)
  const height = TOP + firsts.length * ROW + FOOT
  return (
    <div ref={ref}>
      <svg
        class="chart"
        viewBox={`0 0 ${width} ${height}`}
        height={height}
        role="img"
        aria-label="Halts per scope over seven days. The table below has the same times."
      >
        <HaltedHatch />
        <Days fromMs={fromMs} x={x} height={height} />
        {firsts.map((first, at) => {
          const { scope } = first.data
          const y = TOP + at * ROW
          const begin = x(Math.max(Date.parse(first.recordedAt), fromMs))
          const mine = halts.filter((it) => it.scope === scope)
          return (
            <g key={scope}>
              <ScopeName scope={scope} y={y + 15} left={left} />
              <rect
                class="rail-open"
                x={begin}
                y={y + 3}
                width={Math.max(0, x(nowMs) - begin)}
                height="16"
                rx="3"
              />
              {marksOf(mine, { fromMs, nowMs, x }).map((mark) => (
                <HaltMark
                  key={mark.halt.from.position}
                  mark={mark}
                  y={y + 1}
                  calls={callsOf(mark.halt)}
                  nowMs={nowMs}
                />
              ))}
            </g>
          )
        })}
        <line class="now" x1={x(nowMs)} x2={x(nowMs)} y1="14" y2={height - FOOT} />
        <text class="strong" x={x(nowMs)} y="9" text-anchor="middle">
          now
        </text>
      </svg>
    </div>
  )
}

type Axis = Readonly<{ fromMs: number; x: (ms: number) => number; height: number }>
const HALF_DAY_MS = 43_200_000
const NAME_WIDTH = 62

function Days({ fromMs, x, height }: Axis) {
  const days = daysOf(fromMs)
  const isWide = x(fromMs + 2 * HALF_DAY_MS) - x(fromMs) > NAME_WIDTH
  return (
    <>
      {days.map((day) => (
        <g key={day}>
          <line class="grid" x1={x(day)} x2={x(day)} y1="16" y2={height - FOOT} />
          <text x={x(day + HALF_DAY_MS)} y={height - 4} text-anchor="middle">
            {isWide ? dayName(day) : dayName(day).slice(0, 3)}
          </text>
        </g>
      ))}
    </>
  )
}

function ScopeName({ scope, y, left }: Readonly<{ scope: string; y: number; left: number }>) {
  const fits = Math.floor((left - 12) / CHARACTER)
  return (
    <text x="0" y={y} class="f-mono">
      {scope.length > fits ? `${scope.slice(0, fits - 1)}…` : scope}
      <title>{scope}</title>
    </text>
  )
}

type Marked = Readonly<{ mark: Mark; y: number; calls: number | null; nowMs: number }>

function HaltMark({ mark: { halt, x, width, isLabelled }, y, calls, nowMs }: Marked) {
  const { scope, from } = halt
  const long = span(endOf(halt, nowMs) - startOf(halt))
  const refused = calls === null ? '' : `, ${num(calls)} calls refused`
  return (
    <g>
      <title>{`${scope} HALTED for ${long}${refused}. ${from.data.reason}`}</title>
      <rect
        class="rail-halted"
        fill={HALTED_HATCH}
        x={x}
        y={y}
        width={width}
        height="20"
        rx="2.5"
      />
      {isLabelled && calls !== null && (
        <text x={x - 5} y={y + 14} text-anchor="end" class="f-halted strong-weight">
          {num(calls)}
        </text>
      )}
    </g>
  )
}
