import type { ResolvedEvent } from '@eventstore/db-client'
import type { Recorded } from '../../../domain/events.ts'
import type { EventStore, Head } from '../../ports.ts'
import type { ControlTail } from './control.ts'
import { failureOf, isNoBoundary, isTooSlow } from './failure.ts'
import { placeAt, positionOf, readAll, type Source } from './read.ts'
import { recordedOf } from './stored-event.ts'
import { createTip, type Tip } from './tip.ts'

/** Records that the server looks at before it says how far it is, at least. */
const SEARCH_WINDOW = 4_096
/** Nobody listens for how far it is: as rarely as can be. */
const CHECKPOINT_EVERY = 1_000

type Log = Source & Readonly<{ control: ControlTail }>

/** The log in position order. A position is the place of a record in the server's log, in bytes. */
export function createLog(
  source: Source,
  control: ControlTail,
): Pick<EventStore, 'read' | 'tail' | 'head'> {
  const log = { ...source, control }
  const lastOwn = createTip(log)
  return {
    read: (range) => read(log, lastOwn, range),
    tail: (from) => tail(log, from),
    async head(): Promise<Head> {
      const tip = await asked(lastOwn())
      return { ...tip, control: await control.read() }
    },
  }
}

const isOwn = ({ streams }: Source, { event }: ResolvedEvent): boolean =>
  event !== undefined && streams.isOurs(event.streamId)

/**
 * The tail, as far as the log goes now. The server filters a subscription and no read, and it says
 * nowhere reliably that a subscription has caught up: so the end is looked up first.
 */
async function* read(
  log: Log,
  lastOwn: () => Promise<Tip>,
  { after, until = Infinity, limit = Infinity }: Parameters<EventStore['read']>[0],
): AsyncGenerator<Recorded> {
  if (until === after + 1) return yield* only(log, until)
  const end = Math.min(until, (await asked(lastOwn())).position)
  if (end <= after || limit === 0) return
  const stop = new AbortController()
  let left = limit
  try {
    for await (const event of tail(log, { after, signal: stop.signal })) {
      if (event.position > end) return
      yield event
      left -= 1
      if (event.position === end || left === 0) return
    }
  } finally {
    stop.abort()
  }
}

/** The event at a position. What comes before it need not be a place in the log. */
async function* only(log: Log, position: number): AsyncGenerator<Recorded> {
  const page = await readAll(log, { from: position, direction: 'forwards', size: 1 }).catch(
    (error: unknown) => {
      if (isNoBoundary(error)) return []
      throw failureOf(error, 'none')
    },
  )
  for (const it of page) {
    if (positionOf(it) === position && isOwn(log, it)) yield recordedOf(it, log.prefix)
  }
}

async function asked<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    throw failureOf(error, 'none')
  }
}

/** A place in the log at or before a position: that of a control event, or the start. */
async function placeBefore({ control }: Log, position: number): Promise<number> {
  await control.read()
  return control.lastBefore(position)
}

/**
 * A subscription, begun again from the last event that was given out whenever the server cuts it. What
 * the package says of checkpoints and of having caught up is ahead of what was given out.
 */
async function* tail(
  log: Log,
  { after, signal }: Parameters<EventStore['tail']>[0],
): AsyncGenerator<Recorded> {
  const at = { from: after, seen: after }
  while (!signal.aborted) {
    try {
      yield* untilCut(log, at, signal)
    } catch (error) {
      if (signal.aborted) return
      if (isNoBoundary(error) && at.from > 0) at.from = await placeBefore(log, at.from - 1)
      else if (!isTooSlow(error)) throw failureOf(error, 'none')
    }
  }
}

async function* untilCut(
  log: Log,
  at: { from: number; seen: number },
  signal: AbortSignal,
): AsyncGenerator<Recorded> {
  for await (const it of subscription(log, at.from, signal)) {
    const position = positionOf(it)
    if (signal.aborted) return
    if (position <= at.seen) continue
    at.from = position
    at.seen = position
    yield recordedOf(it, log.prefix)
  }
}

async function* subscription(
  { reader, streams }: Log,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<ResolvedEvent> {
  const client = await reader.get()
  const fromPosition = placeAt(from)
  const filter = {
    filterOn: 'streamName',
    regex: streams.pattern,
    checkpointInterval: CHECKPOINT_EVERY,
    maxSearchWindow: SEARCH_WINDOW,
  } as const
  const events = client.subscribeToAll({ fromPosition, filter })
  // A failed call tells it twice; the second time nobody would listen.
  events.on('error', () => undefined)
  const stop = (): unknown => events.destroy()
  signal.addEventListener('abort', stop)
  try {
    if (signal.aborted) return
    for await (const event of events) yield event
  } finally {
    signal.removeEventListener('abort', stop)
    events.destroy()
    void events.unsubscribe().catch(() => undefined)
  }
}
