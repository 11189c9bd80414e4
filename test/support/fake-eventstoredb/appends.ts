import { setTimeout as sleep } from 'node:timers/promises'
import type { IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streams, {
  type AppendReq,
  type BatchAppendReq,
  type DeleteReq,
  type TombstoneReq,
} from '@eventstore/db-client/generated/streams_pb.js'
import {
  type Answer,
  APPEND_BYTES_MAX,
  batchAnswer,
  callAnswer,
  nameOf,
  streamDeleted,
} from './answers.ts'
import { isAnswered, isTakenUp, NOT_READY, notReady, type Serving } from './faults.ts'
import { type Failure, failure } from './grpc.ts'
import type { Expected, Proposed } from './log.ts'

type BatchCall = Parameters<IStreamsServer['batchAppend']>[0]
type AppendCall = Parameters<IStreamsServer['append']>[0]
type AppendDone = Parameters<IStreamsServer['append']>[1]

type Append = Readonly<{
  stream: string
  expected: Expected
  events: readonly Proposed[]
  deadlineMs: number
}>
type Caller = Readonly<{ cancelled: boolean; getPeer(): string }>

/** Null where nothing is ever said. */
async function serve(serving: Serving, append: Append, call: Caller): Promise<Answer | null> {
  const { faults, counts } = serving
  if (!(await isTakenUp(serving)) || call.cancelled) return null
  counts.appends += 1
  if (faults.notReady) return { is: 'not-ready', text: NOT_READY }
  // It is a time of day, of the clock of the client.
  if (append.deadlineMs <= serving.nowMs()) return { is: 'timed-out' }
  const answer = commit(serving, append)
  if (faults.losesAnswers) {
    serving.cut(call.getPeer())
    return null
  }
  if (!(await isAnswered(serving))) return null
  const { racing } = faults
  // The server drops such a write, and gives up waiting for what it dropped.
  if (racing === null || answer.is !== 'known') return answer
  if (performance.now() - answer.writtenMs >= racing.windowMs) return answer
  await sleep(racing.answerMs)
  return faults.silent ? null : { is: 'timed-out' }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function commit({ log }: Serving, { stream, expected, events }: Append): Answer {
  const isSound = events.every(
    ({ id, type }) => UUID.test(id) && /[1-9a-f]/.test(id) && type !== '',
  )
  if (stream === '' || !isSound) return { is: 'malformed' }
  const bytes = events.reduce((sum, { data }) => sum + data.length, 0)
  return bytes > APPEND_BYTES_MAX ? { is: 'too-large' } : log.append(stream, expected, events)
}

type ExpectedOptions = Readonly<{
  hasNoStream(): boolean
  hasAny(): boolean
  hasStreamExists(): boolean
}>

function expectedOf(options: ExpectedOptions, revision: string): Expected {
  if (options.hasNoStream()) return 'no_stream'
  if (options.hasStreamExists()) return 'stream_exists'
  return options.hasAny() ? 'any' : Number(revision)
}

type ProposedMessage = BatchAppendReq.ProposedMessage | AppendReq.ProposedMessage

function proposedOf(message: ProposedMessage): Proposed {
  const about = message.getMetadataMap()
  return {
    id: message.getId()?.getString().toLowerCase() ?? '',
    type: about.get('type') ?? '',
    contentType: about.get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  }
}

/** Many appends in one call. One may come in parts. */
export function batchAppend(serving: Serving, call: BatchCall): void {
  const arriving = new Map<string, Batched>()
  call.on('data', (request: BatchAppendReq) => {
    const id = request.getCorrelationId()
    const key = id?.getString() ?? ''
    const options = request.getOptions() ?? new streams.BatchAppendReq.Options()
    const batched = arriving.get(key) ?? { id, options, events: [] }
    arriving.set(key, batched)
    batched.events.push(...request.getProposedMessagesList().map(proposedOf))
    if (!request.getIsFinal()) return
    arriving.delete(key)
    void answerBatched(serving, call, batched)
  })
  call.on('end', () => call.end())
  call.on('error', () => undefined)
}

type Batched = Readonly<{
  id: ReturnType<BatchAppendReq['getCorrelationId']>
  options: BatchAppendReq.Options
  events: Proposed[]
}>

async function answerBatched(serving: Serving, call: BatchCall, batched: Batched): Promise<void> {
  const { id, options } = batched
  const answer = await serve(serving, appendOf(batched), call)
  if (answer !== null && !call.cancelled) call.write(batchAnswer(id, options, answer))
}

const appendOf = ({ options, events }: Batched): Append => ({
  stream: nameOf(options.getStreamIdentifier()),
  expected: expectedOf(options, options.getStreamPosition()),
  events,
  deadlineMs: options.getDeadline()?.toDate().getTime() ?? Infinity,
})

/** One append in its own call: the options, then the events one by one. */
export function appendAlone(serving: Serving, call: AppendCall, done: AppendDone): void {
  let options = new streams.AppendReq.Options()
  const events: Proposed[] = []
  call.on('data', (request: AppendReq) => {
    options = request.getOptions() ?? options
    const proposed = request.getProposedMessage()
    if (proposed !== undefined) events.push(proposedOf(proposed))
  })
  call.on('error', () => undefined)
  call.on('end', () => {
    const stream = nameOf(options.getStreamIdentifier())
    const expected = expectedOf(options, options.getRevision())
    void answerAlone(serving, call, done, { stream, expected, events, deadlineMs: Infinity })
  })
}

async function answerAlone(
  serving: Serving,
  call: AppendCall,
  done: AppendDone,
  append: Append,
): Promise<void> {
  const answer = await serve(serving, append, call)
  if (answer === null) return
  const said = callAnswer(append.stream, append.expected, answer)
  if (said instanceof Error) done(said as never)
  else done(null, said)
}

/** Where the record of a deletion stands, or why there is none. Null where nothing is ever said. */
export async function remove(
  serving: Serving,
  request: DeleteReq | TombstoneReq,
  forever: boolean,
): Promise<number | Failure | null> {
  const { faults, log } = serving
  if (!(await isTakenUp(serving))) return null
  if (faults.notReady) return notReady()
  const options = request.getOptions() ?? new streams.DeleteReq.Options()
  const stream = nameOf(options.getStreamIdentifier())
  const expected = expectedOf(options, options.getRevision())
  const verdict = log.delete(stream, expected, forever)
  if (verdict.is === 'deleted') return streamDeleted(stream)
  if (verdict.is !== 'wrong') return verdict.position ?? 0
  const { actual } = verdict
  const number = { any: -2, no_stream: -1, stream_exists: -4 }
  const wanted = typeof expected === 'number' ? expected : number[expected]
  return failure(
    'FAILED_PRECONDITION',
    `Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${wanted}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': String(wanted),
      'actual-version': String(actual),
    },
  )
}
