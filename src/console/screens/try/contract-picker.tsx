import { Fragment } from 'preact'
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
  const count = groups.reduce((sum, group) => sum + group.shelves.length, 0)
  return (
    <>
      <div class="panel-head">
        <h2 id="try-contract">Contract</h2>
        <p role="status">
          {count} of {shelves.length}
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
        <div class="contract-list">
          {groups.map(({ title, shelves: of }) => (
            <Fragment key={title}>
              <h3>{title}</h3>
              {of.map((shelf) => (
                <ShelfButton key={shelf.id} shelf={shelf} chosen={chosen} pick={pick} />
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

function ShelfButton({
  shelf,
  chosen,
  pick,
}: Readonly<{ shelf: Shelf; chosen: Listed | null; pick: Picking['pick'] }>) {
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
