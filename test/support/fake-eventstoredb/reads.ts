import { randomUUID } from 'node:crypto'
import type { IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streams, { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import {
  caughtUp,
  checkpoint,
  confirmation,
  eventAnswer,
  exceptionThrown,
  missingAnswer,
  nameOf,
  streamDeleted,
} from './answers.ts'
import { isAnswered, isTakenUp, notReady, type Serving } from './faults.ts'
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

export async function read(
  serving: Serving,
  subscriptions: Subscriptions,
  call: ReadCall,
): Promise<void> {
  const { faults, counts } = serving
  call.on('error', () => undefined)
  if (!(await isTakenUp(serving)) || call.cancelled) return
  if (faults.notReady) return end(call, notReady())
  const options = call.request.getOptions() as ReadReq.Options
  if (isImpossible(options)) return end(call, exceptionThrown())
  if (options.hasSubscription()) {
    counts.subscriptions += 1
    return subscriptions.serve(call, options)
  }
  counts.reads += 1
  const found = options.hasStream() ? readStream(serving, options) : readAll(serving, options)
  // Of the log a real server reads no events for ever.
  if (found === null || !(await isAnswered(serving))) return
  if (found instanceof Error) return end(call, found)
  await writeAll(call, found)
  call.end()
}

/** A place whose commit comes before it, or a filter that is no expression. */
function isImpossible(options: ReadReq.Options): boolean {
  const place = options.getAll()?.getPosition()
  const { commitPosition = '0', preparePosition = '0' } = place?.toObject() ?? {}
  if (BigInt(preparePosition) > BigInt(commitPosition)) return true
  try {
    return !new RegExp(expressionOf(options)?.getRegex() ?? '')
  } catch {
    return true
  }
}

function expressionOf(options: ReadReq.Options) {
  const filter = options.getFilter()
  return filter?.getStreamIdentifier() ?? filter?.getEventType()
}

const end = (call: ReadCall, error: Failure): void => void call.emit('error', error)

type Found = Iterable<ReadResp> | Failure

function readStream({ log, tellsPositions }: Serving, options: ReadReq.Options): Found {
  const from = options.getStream() as ReadReq.Options.StreamOptions
  const stream = nameOf(from.getStreamIdentifier())
  const found = log.readStream(stream, rangeOf(options, from, from.getRevision()))
  if (found === 'missing') return [missingAnswer(stream)]
  if (found === 'deleted') return streamDeleted(stream)
  return found === 'error'
    ? failure('UNKNOWN', 'Unexpected ReadStreamResult: Error')
    : answers(found, tellsPositions())
}

function readAll({ log }: Serving, options: ReadReq.Options): Found | null {
  if (options.getCount() === '0') return null
  const from = options.getAll() as ReadReq.Options.AllOptions
  const found = log.readAll(rangeOf(options, from, positionOf(from)))
  return found === 'error' ? failure('UNKNOWN', 'Unexpected ReadAllResult: Error') : answers(found)
}

/** One by one: a page that nobody reads to its end is not made. */
function* answers(events: readonly Stored[], tellsPositions?: boolean): Generator<ReadResp> {
  for (const event of events) yield eventAnswer(event, tellsPositions)
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

const without = (matches: Filter['matches']): Filter => ({ matches, checkpointEvery: Infinity })

/** What a subscription to one stream gives, be it there yet or not. */
function eventsBehind(of: ReadReq.Options.StreamOptions): Filter {
  const name = nameOf(of.getStreamIdentifier())
  const seen = of.hasRevision() ? BigInt(of.getRevision()) : -1n
  return without(({ stream, revision }) => stream === name && revision > seen)
}

/** How many records a server looks at before it says how far it is, if it is not told. */
const SEARCH_WINDOW = 32

function filterOf(options: ReadReq.Options): Filter {
  const [filter, ofStream] = [options.getFilter(), options.getStream()]
  if (ofStream !== undefined) return eventsBehind(ofStream)
  if (filter === undefined) return without(() => true)
  const byStream = filter.getStreamIdentifier()
  const expression = expressionOf(options)
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
    if ((from ?? options.getStream())?.hasEnd() === true) return log.count()
    return from?.hasPosition() === true ? log.countUntil(Number(positionOf(from))) : 0
  }
  const follow = (call: ReadCall, filter: Filter, begun: number): (() => Promise<void>) => {
    const ofStream = call.request.getOptions()?.getStream()
    let seen = begun
    // Of a stream that is not there yet it is never said.
    let hasCaughtUp = ofStream !== undefined && !log.has(nameOf(ofStream.getStreamIdentifier()))
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
      if (begun === null) return end(call, exceptionThrown())
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
