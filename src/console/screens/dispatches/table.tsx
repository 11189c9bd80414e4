import { ShortId } from '../../parts/copy.tsx'
import { GateBar } from '../../parts/gate-bar.tsx'
import { Icon } from '../../parts/icon.tsx'
import { CodePill, Pill } from '../../parts/pill.tsx'
import { Reached } from '../../parts/reached.tsx'
import { clock, num } from '../../words.ts'
import { type DispatchRow, marksOfLast } from './row.ts'

/** One phrase for where a dispatch stands: a refusal, a verdict, or how far it went. */
export function StandsAs({ row }: Readonly<{ row: DispatchRow }>) {
  const { lastEvent, lastRefusal, verdict } = row
  if (lastEvent === 'Refused' && lastRefusal !== null) return <CodePill code={lastRefusal} />
  if (verdict !== null) return <Pill kind={verdict} />
  if (lastEvent === null) return <Pill kind="void" />
  return (
    <span class="plain t-quiet">
      <Icon name="dash" />
      not dry-run yet
    </span>
  )
}

type Parts = Readonly<{
  rows: readonly DispatchRow[]
  selected: number
  select: (at: number) => void
  /** Rows of a later position came while somebody watched. */
  newAfter: number
}>

export function DispatchTable({ rows, selected, select, newAfter }: Parts) {
  return (
    <div class="table-wrap rows">
      <table aria-label="Dispatches. j and k move, Enter opens.">
        <thead>
          <tr>
            <th scope="col">Last event</th>
            <th scope="col">Dispatch</th>
            <th scope="col">Contract</th>
            <th scope="col">Reached</th>
            <th scope="col">Gates, last event</th>
            <th scope="col">Stands as</th>
            <th scope="col" class="right hide-narrow hide-peek">
              Position
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr
              key={row.dispatchId}
              aria-selected={at === selected}
              class={row.position > newAfter ? 'new' : ''}
              onClick={() => select(at)}
            >
              <td>
                <time dateTime={row.changedAt} title={row.changedAt}>
                  {clock(row.changedAt)}
                </time>
              </td>
              <td>
                <a href={`/dispatches/${row.dispatchId}`}>
                  <ShortId id={row.dispatchId} />
                </a>
              </td>
              <td>
                {row.contract.id}
                <span class="faint">@{row.contract.version}</span>
              </td>
              <td>
                <Reached reached={row.reached} />
              </td>
              <td>
                <GateBar marks={marksOfLast(row)} />
              </td>
              <td>
                <StandsAs row={row} />
              </td>
              <td class="right num muted hide-narrow hide-peek">{num(row.position)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
