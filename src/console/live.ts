import { useEffect, useState } from 'preact/hooks'
import { head } from './api.ts'

const AGAIN_MS = 2_000
/** Events that come together are told together. */
const TOGETHER_MS = 250

export type Tail = 'off' | 'connecting' | 'following'

/**
 * Follows the log while `on`, and tells how far it came. The browser connects again by itself, after
 * the last event it saw; where it gives up, as when a server starts again, this does.
 */
export function useTail(on: boolean, arrived: (position: number) => void): Tail {
  const [state, set] = useState<Tail>('off')
  useEffect(() => {
    if (!on) return undefined
    let source: EventSource
    let seen = head.peek()
    let telling: ReturnType<typeof setTimeout> | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    const tell = (event: MessageEvent<string>): void => {
      seen = Math.max(seen, Number(event.lastEventId))
      head.value = Math.max(head.peek(), seen)
      telling ??= setTimeout(() => {
        telling = undefined
        arrived(seen)
      }, TOGETHER_MS)
    }
    const open = (): void => {
      set('connecting')
      source = new EventSource(`/v1/events?after=${seen}`)
      source.addEventListener('open', () => {
        set('following')
      })
      source.addEventListener('error', () => {
        set('connecting')
        if (source.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS)
      })
      source.addEventListener('message', tell)
    }
    open()
    return () => {
      clearTimeout(telling)
      clearTimeout(again)
      source.close()
      set('off')
    }
  }, [on])
  return state
}
