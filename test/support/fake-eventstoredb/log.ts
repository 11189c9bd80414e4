import { randomUUID } from 'node:crypto'

/** What a write is told to find. */
export type Expected = 'any' | 'no_stream' | 'stream_exists' | number

export type Proposed = Readonly<{
  id: string
  type: string
  contentType: string
  data: Uint8Array
  metadata: Uint8Array
}>

export type Stored = Proposed &
  Readonly<{ stream: string; revision: bigint; position: number; createdMs: number }>

/** `known` has no position where the event that was known is not readable any more. */
export type Verdict =
  | Readonly<{ is: 'written'; revision: number; position: number }>
  | Readonly<{ is: 'known'; revision: number; position?: number; writtenMs: number }>
  | Readonly<{ is: 'wrong'; actual: number }>
  | Readonly<{ is: 'deleted' }>

type Stream = {
  /** The event of revision r is `events[r]`. */
  events: Stored[]
  /** `$tb`: earlier events cannot be read from the stream. All of them: it was deleted, softly. */
  readableFrom: number
  /** `$maxCount`: more than so many of the last cannot be read from it. */
  maxCount: number
  deletedForever: boolean
  /** `performance.now()` of the write of each event. */
  writtenMs: number[]
}

/** What a record takes beside the texts that it holds, as measured. */
const RECORD_BYTES = 90
/** Where the first event of a new database stands; what comes before is no event. */
const FIRST_POSITION = 548
const TOMBSTONE_REVISION = 2n ** 63n - 1n

const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const isMetadata = (stream: string): boolean => stream.startsWith('$$')

const firstReadable = ({ events, readableFrom, maxCount }: Stream): number =>
  Math.max(readableFrom, events.length - maxCount)

/** An event as the server itself writes them, or somebody else. */
export const foreignEvent = (type: string, body: unknown): Proposed => ({
  id: randomUUID(),
  type,
  contentType: 'application/json',
  data: jsonBytes(body),
  metadata: new Uint8Array(),
})

export type ServerLog = ReturnType<typeof createServerLog>

/** The log of a server, in memory, with the rules by which a real one takes writes. */
export function createServerLog(nowMs: () => number) {
  const streams = new Map<string, Stream>()
  /** The readable records of the log in the order of their positions. */
  const all: Stored[] = []
  const recordStarts = new Set([0])
  const listeners = new Set<() => void>()
  let end = FIRST_POSITION

  const streamOf = (name: string): Stream => {
    const found = streams.get(name)
    if (found !== undefined) return found
    const maxCount = isMetadata(name) ? 1 : Infinity
    const made = { events: [], readableFrom: 0, maxCount, deletedForever: false, writtenMs: [] }
    streams.set(name, made)
    return made
  }
  const takePlace = (bytes: number): number => {
    const position = end
    recordStarts.add(position)
    end += RECORD_BYTES + bytes
    return position
  }
  const write = (stream: string, event: Proposed, revision: bigint): Stored => {
    const { type, data, metadata } = event
    const bytes = Buffer.byteLength(stream + type) + data.length + metadata.length
    const place = { stream, revision, position: takePlace(bytes), createdMs: nowMs() }
    const stored = { ...event, ...place }
    all.push(stored)
    return stored
  }
  const writeNext = (name: string, event: Proposed): Stored => {
    const { events, writtenMs } = streamOf(name)
    const stored = write(name, event, BigInt(events.length))
    events.push(stored)
    writtenMs.push(performance.now())
    if (isMetadata(name)) Object.assign(streamOf(name.slice(2)), readableIn(event))
    return stored
  }
  const writeReadableFrom = (name: string, $tb: number): Stored =>
    writeNext(`$$${name}`, foreignEvent('$metadata', { $tb }))
  const grown = <T>(result: T): T => {
    for (const listener of listeners) listener()
    return result
  }

  const writeAll = (name: string, events: readonly Proposed[]): Verdict => {
    const stream = streams.get(name)
    const length = stream?.events.length ?? 0
    if (events.length === 0) {
      // Nothing to read, and yet a record: with a position, and of a stream that need not exist.
      const position = takePlace(Buffer.byteLength(name))
      return { is: 'written', revision: Math.max(0, length - 1), position }
    }
    const wasDeleted = stream?.readableFrom === Infinity
    const last = events.map((event) => writeNext(name, event)).at(-1) as Stored
    if (wasDeleted) writeReadableFrom(name, length)
    return grown({ is: 'written', revision: Number(last.revision), position: last.position })
  }

  const isDeletedForever = (name: string): boolean => streams.get(name)?.deletedForever === true

  writeNext('$$$scavenges', foreignEvent('$metadata', { $maxAge: 2_592_000 }))

  return {
    append(name: string, expected: Expected, events: readonly Proposed[]): Verdict {
      const stream = streams.get(name)
      if (isDeletedForever(name)) return { is: 'deleted' }
      return judge(stream, expected, events) ?? writeAll(name, events)
    },

    delete(name: string, expected: Expected, forever: boolean): Verdict {
      const stream = streamOf(name)
      if (stream.deletedForever) return { is: 'deleted' }
      const actual = stream.events.length - 1
      const isWrong = typeof expected === 'number' ? expected !== actual : actual === -1 && !forever
      if (isWrong) return { is: 'wrong', actual }
      if (forever) stream.deletedForever = true
      const { position } = forever
        ? write(name, tombstone(), TOMBSTONE_REVISION)
        : writeReadableFrom(name, Number(TOMBSTONE_REVISION))
      return grown({ is: 'written', revision: actual, position })
    },

    readStream(name: string, range: Range): readonly Stored[] | 'missing' | 'deleted' | 'error' {
      const stream = streams.get(name)
      if (isDeletedForever(name)) return 'deleted'
      // Its metadata go with a stream, although they are still written.
      if (isMetadata(name) && isDeletedForever(name.slice(2))) return 'deleted'
      if (stream === undefined || stream.events.length === 0) return 'missing'
      if (stream.readableFrom === Infinity) return 'missing'
      const { from, backwards, count } = range
      if (count === 0 || (!backwards && from === 'end')) return 'error'
      const { events } = stream
      const first = firstReadable(stream)
      const start = numberOf(from, events.length - 1)
      const found = backwards
        ? events.slice(first, start + 1).toReversed()
        : events.slice(Math.max(start, first))
      return found.slice(0, count)
    },

    /** Forwards an event at `from` is part of what is found, backwards it is not. */
    readAll(range: Range): readonly Stored[] | 'error' {
      const { from, backwards, count } = range
      const position = numberOf(from, end)
      if (!backwards && position > (all.at(-1)?.position ?? 0)) return []
      if (!recordStarts.has(position) && position !== end) return 'error'
      const index = indexAt(all, position)
      return backwards
        ? all.slice(Math.max(0, index - count), index).toReversed()
        : all.slice(index, index + count)
    },

    /** The events behind a number of them, for those who read as the log grows. */
    from: (index: number): readonly Stored[] => all.slice(index),
    /** How many events stand at or before a position; null where no record begins. */
    countUntil(position: number): number | null {
      if (position > (all.at(-1)?.position ?? 0)) return all.length
      return recordStarts.has(position) ? indexAt(all, position + 1) : null
    },
    count: (): number => all.length,
    has: (name: string): boolean => (streams.get(name)?.events.length ?? 0) > 0,
    onGrown(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** What the metadata of a stream say of reading it; anything else is kept and means nothing here. */
function readableIn({ data }: Proposed): Pick<Stream, 'readableFrom' | 'maxCount'> {
  const { $tb = 0, $maxCount = Infinity } = JSON.parse(Buffer.from(data).toString()) as {
    $tb?: number
    $maxCount?: number
  }
  return { readableFrom: $tb > Number.MAX_SAFE_INTEGER ? Infinity : $tb, maxCount: $maxCount }
}

const tombstone = (): Proposed => ({
  ...foreignEvent('$streamDeleted', null),
  contentType: 'application/octet-stream',
  data: new Uint8Array(),
})

/** `from` is a revision or a position. */
export type Range = Readonly<{ from: number | 'start' | 'end'; backwards: boolean; count: number }>

const numberOf = (from: Range['from'], end: number): number =>
  typeof from === 'number' ? from : { start: 0, end }[from]

/** How many events stand before a position. */
function indexAt(all: readonly Stored[], position: number): number {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((all[middle] as Stored).position < position) low = middle + 1
    else high = middle
  }
  return low
}

/** Null for a write that goes in. A known one is found by its ids alone. */
function judge(
  stream: Stream | undefined,
  expected: Expected,
  events: readonly Proposed[],
): Verdict | null {
  const actual = (stream?.events.length ?? 0) - 1
  const wrong: Verdict = { is: 'wrong', actual }
  if (expected === 'stream_exists') {
    if (stream?.readableFrom === Infinity) return { is: 'deleted' }
    return actual === -1 ? wrong : judgeAnywhere(stream, events)
  }
  if (expected === 'any') return judgeAnywhere(stream, events)
  const revision = expected === 'no_stream' ? -1 : expected
  if (revision > actual) return wrong
  if (revision === actual || stream === undefined) return null
  return judgeBehind(stream, revision, events)
}

/** A write behind the end of its stream: one that was there before, or none that goes in. */
function judgeBehind(
  stream: Stream,
  revision: number,
  events: readonly Proposed[],
): Verdict | null {
  const isKnown = events.map(({ id }, index) => stream.events[revision + 1 + index]?.id === id)
  if (isKnown.length > 0 && !isKnown.includes(false)) {
    return known(stream, revision + events.length)
  }
  // A stream that was deleted counts as none, and goes on counting where it was.
  const isBegunAnew = stream.readableFrom === Infinity && revision === -1 && isKnown[0] === false
  return isBegunAnew ? null : { is: 'wrong', actual: stream.events.length - 1 }
}

/** Some of the ids known and some not is wrong, too. */
function judgeAnywhere(stream: Stream | undefined, events: readonly Proposed[]): Verdict | null {
  if (stream === undefined || events.length === 0) return null
  const places = events.map(({ id }) => stream.events.findLastIndex((it) => it.id === id))
  if (places[0] === -1) return null
  if (places.includes(-1)) return { is: 'wrong', actual: stream.events.length - 1 }
  return known(stream, places.at(-1) ?? -1)
}

function known(stream: Stream, revision: number): Verdict {
  const isReadable = revision >= firstReadable(stream)
  const position = isReadable ? stream.events[revision]?.position : undefined
  return {
    is: 'known',
    revision,
    ...(position !== undefined && { position }),
    writtenMs: stream.writtenMs[revision] ?? 0,
  }
}
