import type { Recorded } from '../../domain/events.ts'
import type { EventStore } from '../ports.ts'
import { cloudEventOf } from './cloud-event.ts'

/** Lines leave the export in pieces of about this size. */
const PIECE_CHARACTERS = 32 * 1024

type Wanted = Readonly<{ after: number; type: string | undefined; signal: AbortSignal }>

const isWanted = (event: Recorded, type: string | undefined): boolean =>
  type === undefined || event.type === type

/**
 * A whole range as CloudEvents, one a line. It fails when it is stopped half way: an export that
 * ends is complete.
 */
export async function* exportLines(
  store: Pick<EventStore, 'read'>,
  { after, until, type, signal }: Wanted & { readonly until: number },
): AsyncGenerator<string> {
  let piece = ''
  for await (const event of store.read({ after, until })) {
    signal.throwIfAborted()
    if (isWanted(event, type)) piece += `${JSON.stringify(cloudEventOf(event))}\n`
    if (piece.length < PIECE_CHARACTERS) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

/** How soon a client comes back after a connection that broke. */
const RETRY = 'retry: 1000\n\n'

/**
 * The live tail as server-sent events: `id` is the position, `data` the event. A client that hears
 * nothing for `heartbeatMs` gets a comment, with the position that was looked at so far: what it
 * does not want is not looked at again after a reconnect.
 */
export async function* liveText(
  store: Pick<EventStore, 'tail'>,
  { after, type, signal, heartbeatMs }: Wanted & { readonly heartbeatMs: number },
): AsyncGenerator<string> {
  const events = store.tail({ after, signal })[Symbol.asyncIterator]()
  let next: Promise<IteratorResult<Recorded>> | undefined
  let position = after
  let saidMs = performance.now()
  yield RETRY
  try {
    for (;;) {
      next ??= events.next()
      const found = await inTime(next, heartbeatMs)
      if (found?.done === true) return
      if (found !== undefined) {
        next = undefined
        position = found.value.position
      }
      const event = found !== undefined && isWanted(found.value, type) ? found.value : undefined
      if (event === undefined && performance.now() - saidMs < heartbeatMs) continue
      yield event === undefined ? heartbeat(position) : message(event)
      saidMs = performance.now()
    }
  } finally {
    await events.return?.()
  }
}

const message = (event: Recorded): string =>
  `id: ${event.position}\ndata: ${JSON.stringify(event)}\n\n`

const heartbeat = (position: number): string => `: heartbeat\nid: ${position}\n\n`

/** What a promise gives, or undefined when it takes longer. */
async function inTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
