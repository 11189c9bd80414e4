import { useEffect, useState } from 'preact/hooks'
import { head } from '../api.ts'
import { useTail } from '../live.ts'
import { ExportButton } from '../parts/export.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Pages } from '../parts/pages.tsx'
import { Empty, Loaded } from '../parts/states.tsx'
import { type Resource, useResource } from '../resource.ts'
import { go, place, setQuery } from '../router.ts'
import { may } from '../session.ts'
import { useKeys } from '../shell/keys.tsx'
import { num } from '../words.ts'
import { Filters } from './dispatches/filters.tsx'
import { Preview } from './dispatches/preview.tsx'
import type { DispatchRow } from './dispatches/row.ts'
import { DispatchTable } from './dispatches/table.tsx'

type Page = Readonly<{ dispatches: readonly DispatchRow[]; nextPageToken: string | null }>

const PAGE_SIZE = 50
const EVERY_MS = 5_000

const VIEWS: readonly (readonly [string, string])[] = [
  ['All', ''],
  ['Refused', 'lastRefusal:*'],
  ['Would fail', 'verdict = "would_fail"'],
  ['Stopped after Planned', 'reached = "Planned"'],
  ['Real run asked', 'lastRefusal = "production-execution-not-authorized"'],
]

export function DispatchesScreen() {
  const { query } = place.value
  const filter = query.get('filter') ?? ''
  const token = query.get('page')
  const isTailing = query.get('tail') === 'on' && may('events:read')
  const address = addressOf(filter)
  const page = useResource<Page>(
    token === null ? address : `${address}&pageToken=${token}`,
    EVERY_MS,
  )
  const tail = useTail(isTailing, (position) => page.reload(position))
  const setFilter = (next: string): void =>
    setQuery({ filter: next === '' ? null : next, page: null })
  return (
    <>
      <PageHead
        title="Dispatches"
        says={
          filter === ''
            ? 'Where each one stands, newest event first'
            : 'Where each one stands, last opened first'
        }
      >
        <TailToggle isOn={isTailing} state={tail} />
        <a class="button" href="/try">
          Try a dispatch
        </a>
      </PageHead>
      <div class="tabs" role="group" aria-label="Views">
        {VIEWS.map(([name, of]) => (
          <button
            type="button"
            key={name}
            aria-pressed={of === filter}
            onClick={() => setFilter(of)}
          >
            {name}
          </button>
        ))}
      </div>
      <Rows page={page} filter={filter} setFilter={setFilter} isTailing={isTailing} />
    </>
  )
}

function addressOf(filter: string): string {
  const query = new URLSearchParams({ pageSize: String(PAGE_SIZE) })
  // What is found by a field is quickly put in the order it was opened in, and in no other.
  if (filter === '') query.set('orderBy', 'changedAt desc')
  else query.set('filter', filter)
  return `/v1/dispatches?${query}`
}

function TailToggle({ isOn, state }: Readonly<{ isOn: boolean; state: string }>) {
  if (!may('events:read')) {
    return <span class="faint">Live tail needs the scope events:read</span>
  }
  return (
    <button
      type="button"
      class="toggle"
      role="switch"
      aria-checked={isOn}
      onClick={() => setQuery({ tail: isOn ? null : 'on' }, { replace: true })}
    >
      <i />
      Live tail{isOn && state === 'connecting' ? ', connecting' : ''}
    </button>
  )
}

type Parts = Readonly<{
  page: Resource<Page>
  filter: string
  setFilter: (filter: string) => void
  isTailing: boolean
}>

function Rows({ page, filter, setFilter, isTailing }: Parts) {
  const rows = page.answer?.body.dispatches ?? []
  const [hasPreview, setPreview] = useState(true)
  const newAfter = useStart(isTailing)
  const { selected, select } = useSelection(rows)
  const row = rows[selected]
  useKeys((key) => {
    if (key === 'j') select(selected + 1)
    else if (key === 'k') select(selected - 1)
    else if (key === 'Enter' && row !== undefined) go(`/dispatches/${row.dispatchId}`)
    else if (key === ' ') setPreview(!hasPreview)
    else if (key === 'l') setQuery({ tail: isTailing ? null : 'on' }, { replace: true })
    else return false
    return true
  })
  return (
    <div class={hasPreview ? 'with-peek' : 'with-peek no-peek'}>
      <section class="panel" aria-label="Dispatches">
        <div class="toolbar">
          <Filters filter={filter} set={setFilter} />
          <button
            type="button"
            class="button small quiet hide-narrow"
            aria-pressed={hasPreview}
            onClick={() => setPreview(!hasPreview)}
          >
            Preview
          </button>
        </div>
        <Loaded of={page}>
          {({ nextPageToken }) => (
            <>
              {rows.length === 0 ? (
                <NoRows filter={filter} clear={() => setFilter('')} />
              ) : (
                <DispatchTable
                  rows={rows}
                  selected={selected}
                  select={select}
                  newAfter={newAfter}
                />
              )}
              <Foot page={page} next={nextPageToken} filter={filter} />
            </>
          )}
        </Loaded>
      </section>
      {hasPreview && <Preview row={row} key={row?.dispatchId} />}
    </div>
  )
}

/** The selection stays on its dispatch while rows arrive above it. */
function useSelection(rows: readonly DispatchRow[]) {
  const [selectedId, setSelected] = useState<string | null>(null)
  useEffect(() => {
    document.querySelector('tr[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [selectedId])
  return {
    selected: Math.max(
      0,
      rows.findIndex((it) => it.dispatchId === selectedId),
    ),
    select: (at: number): void => {
      const row = rows[Math.max(0, Math.min(rows.length - 1, at))]
      if (row !== undefined) setSelected(row.dispatchId)
    },
  }
}

/** The position from which on rows are new to whoever watches: where the watching began. */
function useStart(isTailing: boolean): number {
  const [start, setStart] = useState(Number.POSITIVE_INFINITY)
  useEffect(() => setStart(isTailing ? head.peek() : Number.POSITIVE_INFINITY), [isTailing])
  return start
}

type FootParts = Pick<Parts, 'page' | 'filter'> & { readonly next: string | null }

function Foot({ page, next, filter }: FootParts) {
  const shown = page.answer?.body.dispatches.length ?? 0
  return (
    <div class="panel-foot">
      <span>
        {num(shown)} shown · complete up to position{' '}
        <b class="num">{num(page.answer?.position ?? 0)}</b>
      </span>
      <span class="inline">
        <Pages next={next} />
        <ExportButton address={addressOf(filter)} rows="dispatches" />
      </span>
    </div>
  )
}

function NoRows({ filter, clear }: Readonly<{ filter: string; clear: () => void }>) {
  if (filter === '') {
    return (
      <Empty title="Nothing was dispatched yet">
        <p>A dispatch is recorded the first time somebody asks for it.</p>
        <a class="button" href="/try">
          Try a dispatch
        </a>
      </Empty>
    )
  }
  return (
    <Empty icon="filter" title="Nothing matches">
      <p>
        No dispatch has <code>{filter}</code>.
      </p>
      <button type="button" class="button" onClick={clear}>
        Show all
      </button>
    </Empty>
  )
}
