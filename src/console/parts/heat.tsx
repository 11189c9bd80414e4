import type { ComponentChildren } from 'preact'
import { num } from '../words.ts'
import { levelOf, shortNum } from './heat-level.ts'

export type HeatColumn = Readonly<{ key: string; label: string; says: string }>
export type HeatRow = Readonly<{
  key: string
  label: ComponentChildren
  says: string
  /** One for each column. */
  figures: readonly number[]
}>

type Parts = Readonly<{
  caption: string
  columns: readonly HeatColumn[]
  rows: readonly HeatRow[]
  isPicked: (row: string, column: string) => boolean
  pick: (row: string, column: string) => void
}>

/** A table whose cells are darker the larger their figure is. The figures are printed. */
export function Heat({ caption, columns, rows, isPicked, pick }: Parts) {
  const max = Math.max(...rows.flatMap(({ figures }) => figures))
  return (
    <div class="table-wrap">
      <table class="heat">
        <caption class="sr">{caption}</caption>
        <thead>
          <tr>
            <th scope="row">
              <span class="sr">Rule</span>
            </th>
            {columns.map(({ key, label, says }) => (
              <th key={key} scope="col">
                <span aria-hidden="true">{label}</span>
                <span class="sr">{says}</span>
              </th>
            ))}
            <th class="sum" scope="col">
              Sum
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key: row, label, says, figures }) => (
            <tr key={row}>
              <th scope="row" title={says}>
                {label}
              </th>
              {columns.map((column, at) => (
                <td key={column.key}>
                  <Cell
                    figure={figures[at] ?? 0}
                    max={max}
                    says={`${says}, ${column.says}`}
                    isPicked={isPicked(row, column.key)}
                    pick={() => pick(row, column.key)}
                  />
                </td>
              ))}
              <td class="sum num">{num(figures.reduce((sum, it) => sum + it, 0))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

type CellParts = Readonly<{
  figure: number
  max: number
  says: string
  isPicked: boolean
  pick: () => void
}>

function Cell({ figure, max, says, isPicked, pick }: CellParts) {
  const level = levelOf(figure, max)
  // A cell that became empty can still be let go of.
  if (figure === 0 && !isPicked) {
    return <button type="button" class="h0" disabled aria-label={`${says}: none`} />
  }
  return (
    <button
      type="button"
      class={`h${level}`}
      aria-pressed={isPicked}
      aria-label={`${says}: ${num(figure)}`}
      title={`${says}: ${num(figure)}`}
      onClick={pick}
    >
      {shortNum(figure)}
    </button>
  )
}
