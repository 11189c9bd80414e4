import { type Mark, marksInWords, STAGES } from './gates.ts'

const STEP = 8
const GAP = 4

/** Where the marks of the next stage begin, a gap further on. */
const STARTS: readonly number[] = STAGES.flatMap(({ gates }) => gates.length).reduce<number[]>(
  (starts, count) => [...starts, (starts.at(-1) ?? 0) + count],
  [],
)

const isSet = (at: number): number => STARTS.filter((start) => start <= at).length

/** Twelve marks for a row. Height and form differ by outcome, so it reads without colour. */
export function GateBar({ marks }: Readonly<{ marks: readonly Mark[] }>) {
  const label = marksInWords(marks)
  return (
    <svg class="gatebar" viewBox="0 0 104 18" role="img" aria-label={label}>
      <title>{label}</title>
      {marks.map((mark, at) => (
        <MarkShape key={at} mark={mark} x={at * STEP + isSet(at) * GAP} />
      ))}
    </svg>
  )
}

function MarkShape({ mark, x }: Readonly<{ mark: Mark; x: number }>) {
  switch (mark) {
    case 'pass':
      return <rect class="pass" x={x + 1} y="4" width="5" height="10" rx="1" />
    case 'fail':
      return <rect class="fail" x={x} y="0" width="7" height="18" rx="1.5" />
    case 'indeterminate':
      return <rect class="indeterminate" x={x + 0.8} y="1" width="5.4" height="16" rx="1.5" />
    case 'not_evaluated':
      return <rect class="not_evaluated" x={x + 1} y="8" width="5" height="2" rx="1" />
    case 'absent':
      return <circle class="absent" cx={x + 3.5} cy="9" r="1.2" />
  }
}
