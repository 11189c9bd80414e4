import { place, setQuery } from '../router.ts'

/** Leads to the newest page of a list, and to the one after what is shown: `page` of the address. */
export function Pages({ next }: Readonly<{ next: string | null }>) {
  const isFirst = place.value.query.get('page') === null
  return (
    <>
      <button
        type="button"
        class="button small quiet"
        disabled={isFirst}
        onClick={() => setQuery({ page: null })}
      >
        Newest
      </button>
      <button
        type="button"
        class="button small quiet"
        disabled={next === null}
        onClick={() => setQuery({ page: next })}
      >
        Older
      </button>
    </>
  )
}
