import { useState } from 'preact/hooks'
import { head, type WhoMustAct } from '../../api.ts'
import { knownCode } from '../../call-sums.ts'
import { isIndeterminate } from '../../parts/codes.ts'
import { ShortId } from '../../parts/copy.tsx'
import { ExportButton } from '../../parts/export.tsx'
import { GateBar } from '../../parts/gate-bar.tsx'
import { marksOfRefusal } from '../../parts/gates.ts'
import { Icon } from '../../parts/icon.tsx'
import { Pages } from '../../parts/pages.tsx'
import { CodePill } from '../../parts/pill.tsx'
import { Empty, Loaded } from '../../parts/states.tsx'
import { useResource } from '../../resource.ts'
import { go, place, setQuery } from '../../router.ts'
import { useKeys } from '../../shell/keys.tsx'
import { useStatuses } from '../../statuses.ts'
import { clock, num, whoActs } from '../../words.ts'
import { dispatchesOfPick, filterOfPick, isNarrowed, NOTHING_PICKED, type Pick } from './pick.ts'

type RefusalRow = Readonly<{
  refusalId: string
  dispatchId: string
  contract: Readonly<{ id: string; version: number }>
  mode: string
  code: string
  rule: number
  stage: string
  gate: string | null
  whoMustAct: WhoMustAct
  position: number
  recordedAt: string
}>
type Page = Readonly<{ refusals: readonly RefusalRow[]; nextPageToken: string | null }>

const PAGE_SIZE = 50
const EVERY_MS = 5_000

function addressOf(filter: string): string {
  const query = new URLSearchParams({ pageSize: String(PAGE_SIZE) })
  if (filter !== '') query.set('filter', filter)
  return `/v1/refusals?${query}`
}

type Shown = Readonly<{ pick: Pick; codes: readonly string[] }>

/** The refusals that stand in the log, narrowed to what is picked. */
export function RefusedEvents({ pick, codes }: Shown) {
  const address = addressOf(filterOfPick(pick))
  const token = place.value.query.get('page')
  const page = useResource<Page>(
    token === null ? address : `${address}&pageToken=${encodeURIComponent(token)}`,
    EVERY_MS,
  )
  const dispatches = new URLSearchParams({ filter: dispatchesOfPick(pick, codes) })
  return (
    <section class="panel" aria-labelledby="refused-title">
      <div class="toolbar">
        <h2 id="refused-title">Refused events</h2>
        <span class="inline">
          {isNarrowed(pick) ? (
            <Chips pick={pick} />
          ) : (
            <span class="faint">pick a cell, a contract or a code to narrow</span>
          )}
        </span>
        <a class="button small push" href={`/dispatches?${dispatches}`}>
          Open as dispatches
        </a>
      </div>
      <Loaded of={page}>
        {({ refusals, nextPageToken }) => (
          <>
            {refusals.length === 0 ? <NoRows pick={pick} /> : <Rows rows={refusals} />}
            <Foot
              shown={refusals.length}
              position={page.answer?.position ?? 0}
              next={nextPageToken}
              address={address}
            />
          </>
        )}
      </Loaded>
    </section>
  )
}

const CHIPS = [
  ['code', 'code ='],
  ['rule', 'rule ='],
  ['contract', 'contract.id ='],
  ['hour', 'recorded in the hour from'],
] as const

function Chips({ pick }: Readonly<{ pick: Pick }>) {
  return (
    <>
      {CHIPS.map(([name, says]) => {
        const value = pick[name]
        if (value === null) return null
        return (
          <span class="chip" key={name}>
            <span>{says}</span>
            <code>{name === 'hour' ? value.slice(0, 16) : value}</code>
            <button
              type="button"
              aria-label={`Remove ${says} ${value}`}
              onClick={() => setQuery({ [name]: null, page: null })}
            >
              <Icon name="cross" />
            </button>
          </span>
        )
      })}
    </>
  )
}

function NoRows({ pick }: Readonly<{ pick: Pick }>) {
  if (place.value.query.get('page') !== null) return <Empty title="Nothing older" />
  if (!isNarrowed(pick)) {
    return (
      <Empty icon="refuse" title="Nothing was ever refused">
        <p>A refusal is recorded the first time a dispatch is refused for a reason.</p>
      </Empty>
    )
  }
  return (
    <Empty icon="filter" title="Nothing matches">
      <p>
        No refusal in the log has <code>{filterOfPick(pick)}</code>. Equal refusals of one dispatch
        add one event, the first time.
      </p>
      <button type="button" class="button" onClick={() => setQuery(NOTHING_PICKED)}>
        Show all
      </button>
    </Empty>
  )
}

function Rows({ rows }: Readonly<{ rows: readonly RefusalRow[] }>) {
  const statuses = useStatuses([...new Set(rows.map((it) => it.code))].toSorted())
  const [picked, setPicked] = useState<string | null>(null)
  const at = rows.findIndex((it) => it.refusalId === picked)
  useKeys((key) => {
    if (key === 'j') setPicked(rows[Math.min(rows.length - 1, at + 1)]?.refusalId ?? null)
    else if (key === 'k') setPicked(rows[Math.max(0, at - 1)]?.refusalId ?? null)
    else if (key === 'Enter' && at >= 0) go(`/dispatches/${rows[at]?.dispatchId}`)
    else return false
    return true
  })
  return (
    <div class="table-wrap rows">
      <table aria-label="Refused events. j and k move, Enter opens.">
        <thead>
          <tr>
            <th scope="col">Recorded</th>
            <th scope="col">Dispatch</th>
            <th scope="col">Contract</th>
            <th scope="col" class="hide-narrow">
              Asked for
            </th>
            <th scope="col">Gates</th>
            <th scope="col">Code</th>
            <th scope="col" class="hide-narrow">
              Status
            </th>
            <th scope="col">Who must act</th>
            <th scope="col" class="hide-narrow">
              Retry
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row
              key={row.refusalId}
              row={row}
              status={statuses[row.code]}
              isSelected={row.refusalId === picked}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

type RowParts = Readonly<{ row: RefusalRow; status: number | undefined; isSelected: boolean }>

function Row({ row, status, isSelected }: RowParts) {
  const { contract, code, stage, gate, recordedAt } = row
  return (
    <tr aria-selected={isSelected}>
      <td>
        <time dateTime={recordedAt} title={recordedAt}>
          <span class="faint">{recordedAt.slice(5, 10)}</span> {clock(recordedAt)}
        </time>
      </td>
      <td>
        <a href={`/dispatches/${row.dispatchId}`}>
          <ShortId id={row.dispatchId} />
        </a>
      </td>
      <td>
        {contract.id}
        <span class="faint">@{contract.version}</span>
      </td>
      <td class="hide-narrow">
        <code>{row.mode}</code>
      </td>
      <td>
        <GateBar marks={marksOfRefusal(stage, gate, isIndeterminate(code))} />
      </td>
      <td>
        <CodePill code={code} />
      </td>
      <td class="num hide-narrow">{status ?? '–'}</td>
      <td>{whoActs(row.whoMustAct)}</td>
      <td class="hide-narrow">
        {knownCode(code)?.retryable === true ? 'yes' : <span class="faint">no</span>}
      </td>
    </tr>
  )
}

type FootParts = Readonly<{
  shown: number
  position: number
  next: string | null
  address: string
}>

function Foot({ shown, position, next, address }: FootParts) {
  return (
    <div class="panel-foot">
      <span>
        {num(shown)} shown · complete up to position <b class="num">{num(position)}</b>
        {position < head.value && <> of {num(head.value)}</>}
      </span>
      <span class="inline">
        <Pages next={next} />
        <ExportButton address={address} rows="refusals" />
      </span>
    </div>
  )
}
