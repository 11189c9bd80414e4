import { byHour, sumOf } from '../../call-sums.ts'
import type { Calls } from '../../calls.ts'
import { StackedHours } from '../../parts/stacked-hours.tsx'
import { num } from '../../words.ts'
import { type CallSeries, figuresOf, SERIES, unansweredOf } from './model.ts'

type Parts = Readonly<{ calls: Calls; hours: readonly string[] }>

/** Calls by what they were answered: the figures, the columns, and the same as a table. */
export function CallsFigures({ calls, hours }: Parts) {
  const { rows } = calls
  const unanswered = sumOf(unansweredOf(rows))
  return (
    <>
      <dl class="legend">
        {SERIES.map((it) => (
          <div key={it.key}>
            <dt>
              <Swatch series={it} />
              {it.label}
            </dt>
            <dd>
              {num(sumOf(rows.filter(it.has)))}
              <small>{it.note}</small>
            </dd>
          </div>
        ))}
      </dl>
      <StackedHours hours={hours} series={SERIES} figures={figuresOf(rows, hours)} />
      {unanswered > 0 && (
        <p class="faint">
          {num(unanswered)} calls more got neither an event nor a refusal: nothing could be judged
          or recorded.
        </p>
      )}
    </>
  )
}

function Swatch({ series }: Readonly<{ series: CallSeries }>) {
  const id = `swatch-${series.key}`
  const kind = series.ink.replace('-solid', '')
  return (
    <svg viewBox="0 0 11 11" aria-hidden="true">
      {series.hatched && (
        <pattern
          id={id}
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <path class={`hatch-${kind}`} d="M0 0V5" stroke-width="4" />
        </pattern>
      )}
      {series.hatched ? (
        <rect width="11" height="11" rx="2" fill={`url(#${id})`} />
      ) : (
        <rect width="11" height="11" rx="2" class={`c-${kind}`} />
      )}
    </svg>
  )
}

export function CallsTable({ calls, hours }: Parts) {
  const columns = SERIES.map(({ has }) => byHour(calls.rows.filter(has), hours))
  return (
    <details class="as-table">
      <summary>Show as table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Hour</th>
            {SERIES.map((it) => (
              <th scope="col" class="right" key={it.key}>
                {it.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {hours.map((hour, at) => (
            <tr key={hour}>
              <td>{hour.slice(0, 16).replace('T', ' ')}</td>
              {columns.map((column, index) => (
                <td class="right num" key={SERIES[index]?.key}>
                  {num(column[at] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
