import { EventEmitter, once } from 'node:events'
import type { Recorded } from '../../domain/events.ts'
import type { EventStore } from '../ports.ts'
import { createSharedRead } from './shared-read.ts'

/** How many of the last events are kept for those who follow closely. */
const KEPT = 5_000

/** The end of the log: everything after position `after` is in `events`, as far as it was read. */
type Window = {
  after: number
  readonly events: Recorded[]
  /** Tells those who wait that events came, or that no more will. */
  readonly news: EventEmitter
  failure: unknown
}

/**
 * The tail of a store, read and parsed once however many follow it. Whoever is near the end is
 * served from a window of the last events, one at a time, so a slow follower holds nothing back
 * and holds no memory: it falls out of the window and reads the log until it is in again, together
 * with others who do.
 *
 * The store is followed while anybody follows here. When that fails, everybody is told, and the
 * next one to come begins anew.
 */
export function createSharedTail(
  store: Pick<EventStore, 'read' | 'tail' | 'head'>,
  kept: number = KEPT,
): EventStore['tail'] {
  const read = createSharedRead(store)
  let shared: Shared | null = null
  const drop = (it: Shared): void => {
    it.stop.abort()
    if (shared === it) shared = null
  }
  const join = (): Shared => {
    shared ??= share(store, kept, drop)
    shared.followers += 1
    return shared
  }

  return async function* tail({ after, signal }) {
    const joined = join()
    try {
      yield* follow(read, await joined.window, { after, signal })
    } finally {
      joined.followers -= 1
      if (joined.followers === 0) drop(joined)
    }
  }
}

type Shared = {
  readonly window: Promise<Window>
  readonly stop: AbortController
  followers: number
}

function share(
  store: Pick<EventStore, 'tail' | 'head'>,
  kept: number,
  drop: (it: Shared) => void,
): Shared {
  const stop = new AbortController()
  const open = async (): Promise<Window> => {
    const { position } = await store.head()
    const news = new EventEmitter().setMaxListeners(0)
    const window: Window = { after: position, events: [], news, failure: null }
    void fill(window, kept, store.tail({ after: position, signal: stop.signal })).then(() =>
      drop(shared),
    )
    return window
  }
  const shared: Shared = { window: open(), stop, followers: 0 }
  shared.window.catch(() => drop(shared))
  return shared
}

/** Fills a window until the tail ends or fails. */
async function fill(window: Window, kept: number, tail: AsyncIterable<Recorded>): Promise<void> {
  try {
    for await (const event of tail) {
      window.events.push(event)
      if (window.events.length > kept)
        window.after = window.events.shift()?.position ?? window.after
      window.news.emit('news')
    }
  } catch (error) {
    window.failure = error
    window.news.emit('news')
  }
}

async function* follow(
  read: ReturnType<typeof createSharedRead>,
  window: Window,
  { after, signal }: { after: number; signal: AbortSignal },
): AsyncGenerator<Recorded> {
  let position = after
  while (!signal.aborted) {
    const start = window.after
    if (position < start) {
      yield* unlessAborted(read({ after: position, until: start }), signal)
      position = start
      continue
    }
    const event = window.events[firstAfter(window.events, position)]
    if (event !== undefined) {
      position = event.position
      yield event
    } else if (window.failure === null) {
      await once(window.news, 'news', { signal }).catch(() => undefined)
    } else {
      throw window.failure
    }
  }
}

async function* unlessAborted(
  events: AsyncIterable<Recorded>,
  signal: AbortSignal,
): AsyncGenerator<Recorded> {
  for await (const event of events) {
    if (signal.aborted) return
    yield event
  }
}

/** The index of the first event after a position, by halves: events are in position order. */
function firstAfter(events: readonly Recorded[], position: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((events[middle]?.position ?? Infinity) > position) high = middle
    else low = middle + 1
  }
  return low
}
