import { Fragment, type TargetedKeyboardEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Icon } from '../../parts/icon.tsx'
import {
  groupsOf,
  type Listed,
  referenceOf,
  type Shelf,
  usualVersion,
} from '../../try/catalogue.ts'

type Picking = Readonly<{
  shelves: readonly Shelf[]
  chosen: Listed | null
  pick(contract: string): void
}>

/** All contracts, by runner and executor. The others of one id are reached from the form. */
export function ContractPicker({ shelves, chosen, pick }: Picking) {
  const [find, setFind] = useState('')
  const groups = groupsOf(shelves, find)
  const found = groups.flatMap((group) => group.shelves.map(({ id }) => id))
  // One stop for the tab key, from which the arrows go on.
  const stop = found.find((id) => id === chosen?.id) ?? found[0]
  return (
    <>
      <div class="panel-head">
        <h2 id="try-contract">Contract</h2>
        <p role="status">
          {found.length} of {shelves.length}
        </p>
      </div>
      <div class="panel-body stack tight">
        <input
          class="input"
          type="search"
          placeholder="Filter by id or runner"
          aria-label="Filter contracts"
          value={find}
          onInput={(event) => setFind(event.currentTarget.value)}
        />
        <div
          class="contract-list"
          role="toolbar"
          aria-orientation="vertical"
          aria-label="Contracts"
          onKeyDown={moveFocus}
        >
          {groups.map(({ title, shelves: of }) => (
            <Fragment key={title}>
              <h3>{title}</h3>
              {of.map((shelf) => (
                <ShelfButton
                  key={shelf.id}
                  shelf={shelf}
                  chosen={chosen}
                  isStop={shelf.id === stop}
                  pick={pick}
                />
              ))}
            </Fragment>
          ))}
        </div>
        {groups.length === 0 && (
          <div class="empty">
            <Icon name="search" />
            <b>No contract matches</b>
            <p>
              {shelves.length} are there without the filter. Another one is registered with{' '}
              <code>dispatch-ledger catalogue apply DIR</code>.
            </p>
          </div>
        )}
      </div>
    </>
  )
}

/** How far a key moves among so many buttons. */
const MOVES: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => Math.min(at + 1, count - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, count) => count - 1,
}

function moveFocus(event: TargetedKeyboardEvent<HTMLDivElement>): void {
  const buttons = [...event.currentTarget.querySelectorAll('button')]
  const at = buttons.findIndex((it) => it === event.target)
  const to = MOVES[event.key]?.(at, buttons.length)
  if (to === undefined) return
  event.preventDefault()
  buttons[to]?.focus()
}

type Shelved = Pick<Picking, 'chosen' | 'pick'> & Readonly<{ shelf: Shelf; isStop: boolean }>

function ShelfButton({ shelf, chosen, isStop, pick }: Shelved) {
  const usual = usualVersion(shelf)
  const isChosen = chosen?.id === shelf.id
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (isChosen) button.current?.scrollIntoView({ block: 'nearest' })
  }, [isChosen])
  return (
    <button
      ref={button}
      type="button"
      aria-pressed={isChosen}
      tabIndex={isStop ? 0 : -1}
      onClick={() => {
        if (!isChosen) pick(referenceOf(usual))
      }}
    >
      <span>{shelf.id}</span>
      <small>
        {usual.retired ? 'retired ' : ''}@{(isChosen ? chosen : usual).version}
      </small>
    </button>
  )
}
