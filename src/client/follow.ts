import { LedgerProblem, problemOf } from './problem.ts'
import { isWorthRepeating, pauseBefore, type Transport, unreachable } from './transport.ts'

export type FollowRange = Readonly<{ after: number; type?: string; signal?: AbortSignal }>

/** The server says something every 15 s: a connection that is silent for longer is dead. */
const SILENT_MS = 45_000

type Place = { position: number; heard: boolean; failures: number; reason: unknown }

/**
 * The data of every event after a position, live, until `signal` aborts. A connection that breaks
 * is opened again from the last position; where none was ever heard, it gives up as a request does.
 */
export async function* follow(transport: Transport, range: FollowRange): AsyncGenerator {
  const place: Place = { position: range.after, heard: false, failures: 0, reason: null }
  const ended = (): boolean => range.signal?.aborted ?? false
  while (!ended()) {
    yield* followOnce(transport, range, place)
    if (ended()) return
    if (!place.heard && place.failures >= transport.triesMax) {
      throw unreachable(transport.url, place.reason)
    }
    await pauseBefore(place.failures, 0)
  }
}

async function* followOnce(transport: Transport, range: FollowRange, place: Place): AsyncGenerator {
  const stop = new AbortController()
  const end = (): void => stop.abort()
  range.signal?.addEventListener('abort', end)
  try {
    const body = await open(transport, { ...range, after: place.position }, stop.signal)
    for await (const { id, data } of messagesOf(heard(body, end))) {
      Object.assign(place, { heard: true, failures: 0 })
      if (id !== null) place.position = Number(id)
      if (data !== null) yield JSON.parse(data)
    }
    place.reason = new Error('the stream ended')
  } catch (error) {
    if (error instanceof LedgerProblem) throw error
    place.reason = error
  } finally {
    range.signal?.removeEventListener('abort', end)
    stop.abort()
  }
  place.failures += 1
}

async function open(
  transport: Transport,
  { after, type }: FollowRange,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const query = new URLSearchParams({
    after: String(after),
    ...(type === undefined ? {} : { type }),
  })
  const path = `/v1/events?${query.toString()}`
  const response = await transport.open(path, { accept: 'text/event-stream' }, signal)
  if (response.ok && response.body !== null) return response.body
  const answer = { status: response.status, body: await response.json(), position: null }
  throw isWorthRepeating(answer) ? new Error(`${answer.status}`) : problemOf(answer)
}

/** Passes bytes on; a connection that says nothing in time is given up. */
async function* heard(
  body: ReadableStream<Uint8Array>,
  onSilent: () => void,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  for (;;) {
    const timer = setTimeout(onSilent, SILENT_MS)
    const { done, value } = await reader.read().finally(() => clearTimeout(timer))
    if (done) return
    yield value
  }
}

/** What a live tail says: an event, or the place it has looked up to. */
type Message = Readonly<{ id: string | null; data: string | null }>

/** The messages of server-sent events, as they come. What is cut off at the end is none. */
async function* messagesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of bytes) {
    const parts = (text + decoder.decode(piece, { stream: true })).split('\n\n')
    text = parts.pop() ?? ''
    yield* parts.map(messageOf)
  }
}

function messageOf(part: string): Message {
  const fields = new Map(part.split('\n').map(fieldOf))
  return { id: fields.get('id') ?? null, data: fields.get('data') ?? null }
}

function fieldOf(line: string): [string, string] {
  const at = line.indexOf(': ')
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 2)]
}
