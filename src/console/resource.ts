import { useEffect, useRef, useState } from 'preact/hooks'
import { type Answer, get } from './api.ts'

/** A skeleton is shown after this, and never over what was there. */
const SLOW_MS = 300

/** What a screen shows of one address: the last answer stays while a new one is on its way. */
export type Resource<T> = Readonly<{
  answer: Answer<T> | null
  /** Why the last try gave none. */
  error: Error | null
  /** Nothing came yet, for long enough to say so. */
  slow: boolean
  /** Asks again; from `position` on where one is told, so that what is known to be there is shown. */
  reload(position?: number): void
}>

type State<T> = Pick<Resource<T>, 'answer' | 'error' | 'slow'> & { readonly of: string | null }

/** Reads an address, again with every other one and every `everyMs`. Null reads nothing. */
export function useResource<T>(url: string | null, everyMs?: number): Resource<T> {
  const [state, set] = useState<State<T>>({ of: url, answer: null, error: null, slow: false })
  const [turn, setTurn] = useState({ count: 0, position: 0 })
  const last = useRef(state)
  const put = (next: State<T>): void => {
    last.current = next
    set(next)
  }
  useEffect(() => {
    if (url === null) return undefined
    const stop = new AbortController()
    const shown = last.current
    // What another address gave is no answer to this one.
    if (shown.of !== url) put({ of: url, answer: null, error: null, slow: false })
    const slow = setTimeout(() => put({ ...last.current, slow: true }), SLOW_MS)
    get<T>(asked(url, turn.position), stop.signal)
      .then((answer) => put({ of: url, answer, error: null, slow: false }))
      .catch((error: Error) => {
        if (!stop.signal.aborted) put({ ...last.current, error, slow: false })
      })
      .finally(() => clearTimeout(slow))
    return () => {
      clearTimeout(slow)
      stop.abort()
    }
  }, [url, turn.count])
  const reload = (position = 0): void => setTurn(({ count }) => ({ count: count + 1, position }))
  useEffect(() => {
    if (everyMs === undefined) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  const { answer, error, slow } = state.of === url ? state : NOTHING
  return { answer, error, slow, reload }
}

const asked = (url: string, position: number): string =>
  position === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}minPosition=${position}`

const NOTHING = { answer: null, error: null, slow: false } as const
