import { useEffect, useRef, useState } from 'preact/hooks'
import { go, place } from '../router.ts'
import { type Draft, emptyDraft, readDraft, writeDraft } from './draft.ts'
import { useSettled } from './use-settled.ts'

export type DraftState = Readonly<{
  draft: Draft
  /** What of the address is no draft, for a person; null where all of it is. */
  wrong: string | null
  /** Whether a link to this page holds all of the draft. */
  isLinkWhole: boolean
  change(changes: Partial<Draft>): void
  /** Another contract: a step that one can go back from. */
  pick(contract: string): void
}>

/** The draft of the address. Typing changes it at once, and the address when the typing rests. */
export function useDraft(): DraftState {
  const query = place.value.query.toString()
  const [state, set] = useState(() => readDraft(place.peek().query))
  const seen = useRef(query)
  // Somebody went to another address: this page has to follow, whatever was typed.
  const isElsewhere = seen.current !== query
  const { draft, wrong } = isElsewhere ? readDraft(place.peek().query) : state
  useEffect(() => {
    if (!isElsewhere) return
    seen.current = query
    set({ draft, wrong })
  })
  const settled = useSettled(draft)
  useEffect(() => {
    const { path, query: now } = place.peek()
    if (settled !== draft || wrong !== null || path !== '/try') return
    const written = writeDraft(settled).query
    if (written === now.toString()) return
    seen.current = written
    go(written === '' ? '/try' : `/try?${written}`, { replace: true })
  }, [settled])
  return {
    draft,
    wrong,
    isLinkWhole: writeDraft(draft).isWhole,
    change: (changes) => set({ draft: { ...draft, ...changes }, wrong: null }),
    pick: (contract) => go(`/try?${writeDraft(emptyDraft(contract)).query}`),
  }
}
