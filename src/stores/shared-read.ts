import type { Recorded } from '../../domain/events.ts'
import type { EventStore } from '../ports.ts'

/** Events fetched at a time. */
const SIZE = 1_000
/** Chunks kept: readers that are closer together than this fetch nothing twice. */
const KEPT = 4

/** The events after a position; everything up to `reached` is among them. */
type Chunk = { readonly after: number; reached: number; readonly events: Promise<Recorded[]> }

/**
 * Reads a store for several who go through its log side by side, each at its own pace: what one
 * fetches, those behind it find here. The last chunks are kept, and nothing else.
 */
export function createSharedRead(
  store: Pick<EventStore, 'read'>,
  size: number = SIZE,
): (range: { after: number; until: number }) => AsyncGenerator<Recorded> {
  let chunks: readonly Chunk[] = []

  const fetch = (after: number, until: number): Chunk => {
    const chunk: Chunk = { after, reached: Infinity, events: events() }
    async function events(): Promise<Recorded[]> {
      const found: Recorded[] = []
      for await (const event of store.read({ after, until, limit: size })) found.push(event)
      // A full chunk says nothing of what comes behind it.
      chunk.reached = found.length < size ? until : (found.at(-1)?.position ?? until)
      return found
    }
    chunks = [...chunks, chunk].slice(-KEPT)
    chunk.events.catch(() => {
      chunks = chunks.filter((it) => it !== chunk)
    })
    return chunk
  }

  return async function* read({ after, until }) {
    let position = after
    while (position < until) {
      const known = chunks.find((it) => it.after <= position && position < it.reached)
      const chunk = known ?? fetch(position, until)
      for (const event of await chunk.events) {
        if (event.position > until) return
        if (event.position > position) yield event
      }
      position = Math.max(position, chunk.reached)
    }
  }
}
