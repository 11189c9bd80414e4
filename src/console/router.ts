import { computed, signal } from '@preact/signals'

/** Where the page is: the address is the state of every screen. */
export type Place = Readonly<{ path: string; query: URLSearchParams }>

const here = (): Place => ({
  path: location.pathname,
  query: new URLSearchParams(location.search),
})

export const place = signal<Place>(here())
export const path = computed(() => place.value.path)

/** Goes to an address of the console. `replace` leaves no step to go back to. */
export function go(url: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', url)
  const before = place.peek().path
  place.value = here()
  if (before === place.peek().path) return
  scrollTo(0, 0)
  // Whoever listens to the page hears of the new screen, and tabs on from its beginning.
  requestAnimationFrame(() => document.querySelector<HTMLElement>('#main')?.focus())
}

/** The address of the same screen with other parameters; null takes one away. */
export function addressWith(changes: Readonly<Record<string, string | null>>): string {
  const { path: same, query } = place.value
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name)
    else next.set(name, value)
  }
  const text = next.toString()
  return text === '' ? same : `${same}?${text}`
}

export const setQuery = (
  changes: Readonly<Record<string, string | null>>,
  options?: { replace?: boolean },
): void => go(addressWith(changes), options)

/** Links within the console are followed here; whatever the browser does with a modified click stays its own. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    place.value = here()
  })
  addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || !isPlain(event) || !isOurs(link)) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}

const isPlain = ({ button, metaKey, ctrlKey, shiftKey, altKey, defaultPrevented }: MouseEvent) =>
  button === 0 && ![metaKey, ctrlKey, shiftKey, altKey, defaultPrevented].includes(true)

const isOurs = ({ origin, target, pathname }: HTMLAnchorElement): boolean =>
  origin === location.origin && target === '' && SCREENS.test(pathname)

const SCREENS = /^\/(?:$|dispatches(?:\/|$)|refusals$|try$|switch$)/
