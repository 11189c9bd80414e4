import { randomUUID } from 'node:crypto'
import type { IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streams, { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import {
  caughtUp,
  checkpoint,
  confirmation,
  eventAnswer,
  missingAnswer,
  nameOf,
  streamDeleted,
} from './answers.ts'
import { notReady, type Serving } from './faults.ts'
import { type Failure, failure } from './grpc.ts'
import type { Range, Stored } from './log.ts'

type ReadCall = Parameters<IStreamsServer['read']>[0]

export type Subscriptions = Readonly<{
  /** Ends all of them as a real server does when one is too slow. */
  cut(): void
  /** Goes on with what there is: after a silence. */
  wake(): void
  serve(call: ReadCall, options: ReadReq.Options): void
}>

const TOO_SLOW =
  'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.'

export function read(serving: Serving, subscriptions: Subscriptions, call: ReadCall): void {
  const { faults, counts } = serving
  call.on('error', () => undefined)
  if (faults.silent) return
  if (faults.notReady) return end(call, notReady())
  const options = call.request.getOptions() as ReadReq.Options
  if (options.hasSubscription()) {
    counts.subscriptions += 1
    return subscriptions.serve(call, options)
  }
  counts.reads += 1
  const found = options.hasStream() ? readStream(serving, options) : readAll(serving, options)
  if (found instanceof Error) return end(call, found)
  void writeAll(call, found).then(() => call.end())
}

const end = (call: ReadCall, error: Failure): void => void call.emit('error', error)

type Found = Iterable<ReadResp> | Failure

function readStream({ log }: Serving, options: ReadReq.Options): Found {
  const from = options.getStream() as ReadReq.Options.StreamOptions
  const stream = nameOf(from.getStreamIdentifier())
  const found = log.readStream(stream, rangeOf(options, from, from.getRevision()))
  if (found === 'missing') return [missingAnswer(stream)]
  if (found === 'deleted') return streamDeleted(stream)
  return found === 'error'
    ? failure('UNKNOWN', 'Unexpected ReadStreamResult: Error')
    : answers(found)
}

function readAll({ log }: Serving, options: ReadReq.Options): Found {
  const from = options.getAll() as ReadReq.Options.AllOptions
  const found = log.readAll(rangeOf(options, from, positionOf(from)))
  return found === 'error' ? failure('UNKNOWN', 'Unexpected ReadAllResult: Error') : answers(found)
}

/** One by one: a page that nobody reads to its end is not made. */
function* answers(events: readonly Stored[]): Generator<ReadResp> {
  for (const event of events) yield eventAnswer(event)
}

/** What was read before is not read again by a subscription; a read reads it. */
const positionOf = (from: ReadReq.Options.AllOptions): string =>
  from.getPosition()?.getCommitPosition() ?? '0'

function rangeOf(
  options: ReadReq.Options,
  from: Readonly<{ hasStart(): boolean; hasEnd(): boolean }>,
  number: string,
): Range {
  const named = from.hasEnd() ? 'end' : 'start'
  return {
    from: from.hasStart() || from.hasEnd() ? named : Number(number),
    backwards: options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS,
    count: Number(options.getCount()),
  }
}

async function writeAll(call: ReadCall, messages: Iterable<ReadResp>): Promise<void> {
  for (const message of messages) {
    if (call.cancelled) return
    if (!call.write(message)) await drained(call)
  }
}

const drained = (call: ReadCall): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done).off('cancelled', done).off('close', done)
      resolve()
    }
    call.on('drain', done).on('cancelled', done).on('close', done)
  })

type Filter = Readonly<{ matches(event: Stored): boolean; checkpointEvery: number }>

const EVERYTHING: Filter = { matches: () => true, checkpointEvery: Infinity }
/** How many records a server looks at before it says how far it is, if it is not told. */
const SEARCH_WINDOW = 32

function filterOf(options: ReadReq.Options): Filter {
  const filter = options.getFilter()
  if (filter === undefined) return EVERYTHING
  const byStream = filter.getStreamIdentifier()
  const expression = byStream ?? filter.getEventType()
  const prefixes = expression?.getPrefixList() ?? []
  const regex = new RegExp(expression?.getRegex() ?? '')
  const window = filter.hasMax() ? filter.getMax() : SEARCH_WINDOW
  return {
    checkpointEvery: window * filter.getCheckpointintervalmultiplier(),
    matches({ stream, type }) {
      const text = byStream === undefined ? type : stream
      return prefixes.length > 0 ? prefixes.some((it) => text.startsWith(it)) : regex.test(text)
    },
  }
}

/** Those who read the log as it grows. */
export function createSubscriptions({ log, faults }: Serving): Subscriptions {
  const open = new Map<ReadCall, () => void>()

  /** How many events a subscription has behind it when it begins; null where it cannot begin. */
  const begin = (options: ReadReq.Options): number | null => {
    const from = options.getAll()
    if (from === undefined || from.hasEnd()) return log.count()
    return from.hasStart() ? 0 : log.countUntil(Number(positionOf(from)))
  }
  const follow = (call: ReadCall, filter: Filter, begun: number): (() => Promise<void>) => {
    let seen = begun
    let hasCaughtUp = false
    const news = function* (): Generator<ReadResp> {
      for (const event of log.from(seen)) {
        if (faults.silent) return
        seen += 1
        if (filter.matches(event)) yield eventAnswer(event)
        if ((seen - begun) % filter.checkpointEvery === 0) yield checkpoint(event.position)
      }
      if (hasCaughtUp || faults.silent) return
      hasCaughtUp = true
      yield caughtUp()
    }
    return () => writeAll(call, news())
  }

  return {
    cut() {
      for (const call of open.keys()) end(call, failure('ABORTED', TOO_SLOW))
      open.clear()
    },
    wake() {
      for (const wake of open.values()) wake()
    },
    serve(call, options) {
      const begun = begin(options)
      if (begun === null) return end(call, failure('UNKNOWN', 'Exception was thrown by handler.'))
      call.write(confirmation(randomUUID()))
      const write = follow(call, filterOf(options), begun)
      const wake = oneAfterAnother(write)
      const stopListening = log.onGrown(wake)
      const stop = (): void => {
        stopListening()
        open.delete(call)
      }
      call.on('cancelled', stop).on('close', stop)
      open.set(call, wake)
      wake()
    },
  }
}

/** Runs `work` again for whatever came while it ran, and never beside itself. */
function oneAfterAnother(work: () => Promise<void>): () => void {
  let wanted = false
  let isRunning = false
  const run = async (): Promise<void> => {
    isRunning = true
    while (wanted) {
      wanted = false
      await work()
    }
    isRunning = false
  }
  return () => {
    wanted = true
    if (!isRunning) setImmediate(() => (isRunning ? undefined : void run()))
  }
}
