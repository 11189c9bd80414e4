import { useEffect, useRef, useState } from 'preact/hooks'
import { type Answer, ApiProblem, get } from './api.ts'

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
export const useResource = <T>(url: string | null, everyMs?: number): Resource<T> =>
  useLoaded(url, (stop, position) => get<T>(asked(url ?? '', position), stop), everyMs)

/** The same of what takes more than one question: `name` tells one from another. */
export function useLoaded<T>(
  name: string | null,
  load: (stop: AbortSignal, position: number) => Promise<Answer<T>>,
  everyMs?: number,
): Resource<T> {
  const [state, set] = useState<State<T>>({ of: name, answer: null, error: null, slow: false })
  const [turn, setTurn] = useState({ count: 0, position: 0 })
  const last = useRef(state)
  const put = (next: State<T>): void => {
    last.current = next
    set(next)
  }
  useEffect(() => {
    if (name === null) return undefined
    const stop = new AbortController()
    const shown = last.current
    // What another one gave is no answer to this one.
    if (shown.of !== name) put({ of: name, answer: null, error: null, slow: false })
    const slow = setTimeout(() => put({ ...last.current, slow: true }), SLOW_MS)
    load(stop.signal, turn.position)
      .then((answer) => put({ of: name, answer, error: null, slow: false }))
      .catch((error: Error) => {
        if (!stop.signal.aborted) put({ ...last.current, error, slow: false })
      })
      .finally(() => clearTimeout(slow))
    return () => {
      clearTimeout(slow)
      stop.abort()
    }
  }, [name, turn.count])
  const reload = (position = 0): void => setTurn(({ count }) => ({ count: count + 1, position }))
  useEffect(() => {
    if (everyMs === undefined) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible' && mayChange(last.current.error)) reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  const { answer, error, slow } = state.of === name ? state : NOTHING
  return { answer, error, slow, reload }
}

/** What is refused for good is not asked for again and again. */
const mayChange = (error: Error | null): boolean =>
  !(error instanceof ApiProblem) || error.problem.retryable

const asked = (url: string, position: number): string =>
  position === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}minPosition=${position}`

const NOTHING = { answer: null, error: null, slow: false } as const
