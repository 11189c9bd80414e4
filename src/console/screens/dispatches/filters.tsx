import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { type Chip, chipsOf, filterOf, OPERATORS } from '../../filter-chips.ts'
import { Icon } from '../../parts/icon.tsx'

const FIELDS = [
  'contract.id',
  'contract.version',
  'target',
  'outputNamespace',
  'occurrence',
  'reached',
  'verdict',
  'lastRefusal',
  'openedAt',
  'changedAt',
] as const

type Parts = Readonly<{ filter: string; set: (filter: string) => void }>

/** The filter as chips, or as the text it is. Both are the same filter; the server reads the text. */
export function Filters({ filter, set }: Parts) {
  const chips = chipsOf(filter)
  const [wantsText, setWantsText] = useState(false)
  const asText = wantsText || chips === null
  return (
    <>
      <Icon name="filter" />
      {asText ? (
        <FilterText key={filter} filter={filter} set={set} />
      ) : (
        <Chips chips={chips} set={(next) => set(filterOf(next))} />
      )}
      <span class="push inline">
        <button
          type="button"
          class="button small quiet"
          aria-pressed={asText}
          title="The same filter as text, AIP-160"
          onClick={() => setWantsText(!wantsText)}
        >
          As text
        </button>
      </span>
    </>
  )
}

function FilterText({ filter, set }: Parts) {
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    set((event.currentTarget.elements.namedItem('filter') as HTMLInputElement).value.trim())
  }
  return (
    <form class="grow" onSubmit={submit}>
      <input
        class="input mono"
        name="filter"
        aria-label="Filter"
        defaultValue={filter}
        placeholder={'reached = "Planned" AND contract.id = "iu.cut"'}
        spellcheck={false}
        autocomplete="off"
      />
    </form>
  )
}

function Chips({
  chips,
  set,
}: Readonly<{ chips: readonly Chip[]; set: (next: readonly Chip[]) => void }>) {
  const [isAdding, setAdding] = useState(false)
  return (
    <>
      {chips.map(({ field, operator, value }, at) => (
        <span class="chip" key={`${field}${operator}${value}`}>
          <span>
            {field} {operator}
          </span>
          <code>{value}</code>
          <button
            type="button"
            aria-label={`Remove the filter ${field}`}
            onClick={() => set(chips.toSpliced(at, 1))}
          >
            <Icon name="cross" />
          </button>
        </span>
      ))}
      {isAdding ? (
        <NewChip
          add={(chip) => {
            setAdding(false)
            if (chip !== null) set([...chips, chip])
          }}
        />
      ) : (
        <button type="button" class="chip add" onClick={() => setAdding(true)}>
          <Icon name="plus" />
          Filter
        </button>
      )}
    </>
  )
}

function NewChip({ add }: Readonly<{ add: (chip: Chip | null) => void }>) {
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const { elements } = event.currentTarget
    const valueOf = (name: string): string =>
      (elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value
    const value = valueOf('value').trim()
    add(value === '' ? null : { field: valueOf('field'), operator: valueOf('operator'), value })
  }
  return (
    <form
      class="inline new-chip"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Escape') add(null)
      }}
    >
      <select name="field" aria-label="Field" autofocus>
        {FIELDS.map((it) => (
          <option key={it}>{it}</option>
        ))}
      </select>
      <select name="operator" aria-label="Comparison">
        {OPERATORS.map((it) => (
          <option key={it}>{it}</option>
        ))}
      </select>
      <input
        class="input mono"
        name="value"
        aria-label="Value"
        spellcheck={false}
        autocomplete="off"
      />
      <button class="button small">Add</button>
    </form>
  )
}
