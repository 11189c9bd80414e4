import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { get } from '../api.ts'
import { me } from '../session.ts'
import { switchReport } from '../status.ts'
import type { Setting } from './intervals.ts'

/** Every setting of the switch in the order of the log, as far as it was read. */
export type History = Readonly<{
  settings: readonly Setting[]
  /** The position up to which the log was read. */
  upTo: number
  /** Whether that is the end of it. */
  isRead: boolean
  error: Error | null
}>
type Page = Readonly<{ events: readonly Setting[]; next: number | null }>

const PAGE_SIZE = 1_000
const NOTHING: History = { settings: [], upTo: 0, isRead: false, error: null }

/** Events never change, so what one key has read of a long log is not read again. */
const history = signal<History & { readonly by: string }>({ by: '', ...NOTHING })

/** Reads the log for settings, and on from there whenever the switch was set. */
export function useHistory(): History & { readonly retry: () => void } {
  const [turn, setTurn] = useState(0)
  const by = me.value?.id ?? ''
  const revision = switchReport.value?.controlRevision
  useEffect(() => {
    const stop = new AbortController()
    if (history.peek().by !== by) history.value = { by, ...NOTHING }
    readOn(stop.signal).catch((error: Error) => {
      if (!stop.signal.aborted) history.value = { ...history.peek(), error }
    })
    return () => stop.abort()
  }, [by, revision, turn])
  const { settings, upTo, isRead, error } = history.value
  return { settings, upTo, isRead, error, retry: () => setTurn((it) => it + 1) }
}

/** A page of a rare type looks at so many events and says where to go on: this goes to the end. */
async function readOn(stop: AbortSignal): Promise<void> {
  for (;;) {
    const before = history.peek()
    const query = `type=SwitchSet&limit=${PAGE_SIZE}&after=${before.upTo}`
    const { body, position } = await get<Page>(`/v1/events?${query}`, stop)
    if (stop.aborted) return
    history.value = {
      by: before.by,
      settings: [...before.settings, ...body.events],
      upTo: body.next ?? position ?? before.upTo,
      isRead: body.next === null,
      error: null,
    }
    if (body.next === null) return
  }
}
