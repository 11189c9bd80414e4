import codes from '@eventstore/db-client/generated/code_pb.js'
import shared, { type UUID } from '@eventstore/db-client/generated/shared_pb.js'
import statuses, { type Status } from '@eventstore/db-client/generated/status_pb.js'
import streams, {
  type AppendResp,
  type BatchAppendReq,
  type BatchAppendResp,
  type ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import { Any, type CodeName, type Failure, failure } from './grpc.ts'
import type { Expected, Stored, Verdict } from './log.ts'

const { ReadResp: Read, AppendResp: Append, BatchAppendResp: Batch } = streams

/** What a write is told when it was not judged, or as something else than what was found. */
export type Answer =
  | Verdict
  | Readonly<{ is: 'too-large' }>
  | Readonly<{ is: 'timed-out' }>
  | Readonly<{ is: 'malformed' }>
  | Readonly<{ is: 'not-ready'; text: string }>

/** Of the data of one call, all together; their metadata do not count. */
export const APPEND_BYTES_MAX = 1_048_576
/** .NET counts time in 100 ns. */
const TICKS_PER_MS = 10_000n

const decimal = (it: number | bigint): string => it.toString(10)

function identifier(stream: string): InstanceType<typeof shared.StreamIdentifier> {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream))
}

export const nameOf = (it: InstanceType<typeof shared.StreamIdentifier> | undefined): string =>
  Buffer.from(it?.getStreamName_asU8() ?? []).toString()

/** What stands for no position. */
const NOWHERE = 2n ** 64n - 1n

export function eventAnswer(event: Stored, tellsPosition = true): ReadResp {
  const { id, stream, revision, position, type, contentType, data, metadata, createdMs } = event
  const place = decimal(tellsPosition ? position : NOWHERE)
  const record = new Read.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(id))
    .setStreamIdentifier(identifier(stream))
    .setStreamRevision(decimal(revision))
    .setCommitPosition(place)
    .setPreparePosition(place)
    .setData(data)
    .setCustomMetadata(metadata)
  record
    .getMetadataMap()
    .set('type', type)
    .set('content-type', contentType)
    .set('created', decimal(BigInt(createdMs) * TICKS_PER_MS))
  const found = new Read.ReadEvent().setEvent(record)
  if (tellsPosition) found.setCommitPosition(place)
  else found.setNoPosition(new shared.Empty())
  return new Read().setEvent(found)
}

export function missingAnswer(stream: string): ReadResp {
  const missing = new Read.StreamNotFound().setStreamIdentifier(identifier(stream))
  return new Read().setStreamNotFound(missing)
}

export const confirmation = (id: string): ReadResp =>
  new Read().setConfirmation(new Read.SubscriptionConfirmation().setSubscriptionId(id))

export const caughtUp = (): ReadResp => new Read().setCaughtUp(new Read.CaughtUp())

export const checkpoint = (position: number): ReadResp =>
  new Read().setCheckpoint(
    new Read.Checkpoint()
      .setCommitPosition(decimal(position))
      .setPreparePosition(decimal(position)),
  )

export const streamDeleted = (stream: string): Failure =>
  failure('FAILED_PRECONDITION', `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  })

/** What a call is told of whatever the server did not foresee. */
export const exceptionThrown = (): Failure => failure('UNKNOWN', 'Exception was thrown by handler.')

/** The answer to an append of the batch path. */
export function batchAnswer(
  id: UUID | undefined,
  options: BatchAppendReq.Options,
  answer: Answer,
): BatchAppendResp {
  const response = new Batch()
    .setCorrelationId(id)
    .setStreamIdentifier(options.getStreamIdentifier())
  if (answer.is !== 'written' && answer.is !== 'known') {
    return response.setError(batchError(options, answer))
  }
  const success = new Batch.Success().setCurrentRevision(decimal(answer.revision))
  const { position } = answer
  if (position === undefined) success.setNoPosition(new shared.Empty())
  else success.setPosition(allPosition(position))
  return response.setSuccess(success)
}

const allPosition = (position: number) =>
  new shared.AllStreamPosition()
    .setCommitPosition(decimal(position))
    .setPreparePosition(decimal(position))

type Refusal = Exclude<Answer, { is: 'written' | 'known' }>

function batchError(options: BatchAppendReq.Options, answer: Refusal): Status {
  switch (answer.is) {
    case 'wrong':
      return status('FAILED_PRECONDITION', 'WrongExpectedVersion', wrongVersion(options, answer))
    case 'deleted': {
      const deleted = new shared.StreamDeleted()
      deleted.setStreamIdentifier(options.getStreamIdentifier())
      return status('FAILED_PRECONDITION', 'StreamDeleted', deleted)
    }
    case 'too-large': {
      const tooLarge = new shared.MaximumAppendSizeExceeded().setMaxappendsize(APPEND_BYTES_MAX)
      return status('INVALID_ARGUMENT', 'MaximumAppendSizeExceeded', tooLarge)
    }
    case 'timed-out':
      return status('DEADLINE_EXCEEDED', 'Timeout', new shared.Timeout())
    case 'malformed':
      return status('INVALID_ARGUMENT', 'BadRequest', new shared.BadRequest())
    case 'not-ready':
      return status('UNAVAILABLE', answer.text, new shared.Empty(), 'Empty')
  }
}

type Message = Readonly<{ serializeBinary(): Uint8Array }>

function status(code: CodeName, text: string, detail: Message, type = text): Status {
  const details = new Any()
  details.pack(detail.serializeBinary(), `event_store.client.${type}`)
  return new statuses.Status().setCode(codes.Code[code]).setMessage(text).setDetails(details)
}

function wrongVersion(
  options: BatchAppendReq.Options,
  { actual }: Extract<Verdict, { is: 'wrong' }>,
): Message {
  const wrong = new shared.WrongExpectedVersion()
  if (actual === -1) wrong.setCurrentNoStream(new shared.Empty())
  else wrong.setCurrentStreamRevision(decimal(actual))
  if (options.hasStreamPosition()) wrong.setExpectedStreamPosition(options.getStreamPosition())
  if (options.hasNoStream()) wrong.setExpectedNoStream(new shared.Empty())
  if (options.hasStreamExists()) wrong.setExpectedStreamExists(new shared.Empty())
  if (options.hasAny()) wrong.setExpectedAny(new shared.Empty())
  return wrong
}

/** The answer to an append of its own call. */
export function callAnswer(
  stream: string,
  expected: Expected,
  answer: Answer,
): AppendResp | Failure {
  switch (answer.is) {
    case 'written':
    case 'known': {
      const success = new Append.Success().setCurrentRevision(decimal(answer.revision))
      const { position } = answer
      if (position === undefined) success.setNoPosition(new shared.Empty())
      else {
        const place = new Append.Position()
          .setCommitPosition(decimal(position))
          .setPreparePosition(decimal(position))
        success.setPosition(place)
      }
      return new Append().setSuccess(success)
    }
    case 'wrong':
      return new Append().setWrongExpectedVersion(wrongVersionOfCall(expected, answer.actual))
    case 'deleted':
      return streamDeleted(stream)
    case 'too-large':
      return failure('INVALID_ARGUMENT', `Maximum Append Size of ${APPEND_BYTES_MAX} Exceeded.`, {
        exception: 'maximum-append-size-exceeded',
        'maximum-append-size': decimal(APPEND_BYTES_MAX),
      })
    case 'timed-out':
      return failure('ABORTED', 'Operation timed out: Commit phase timeout.')
    case 'malformed':
      return exceptionThrown()
    case 'not-ready':
      return failure('UNAVAILABLE', answer.text)
  }
}

function wrongVersionOfCall(expected: Expected, actual: number): AppendResp.WrongExpectedVersion {
  const wrong = new Append.WrongExpectedVersion()
  if (actual === -1) wrong.setCurrentNoStream(new shared.Empty())
  else wrong.setCurrentRevision(decimal(actual))
  if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty())
  else if (expected === 'stream_exists') wrong.setExpectedStreamExists(new shared.Empty())
  else if (expected === 'any') wrong.setExpectedAny(new shared.Empty())
  else wrong.setExpectedRevision(decimal(expected))
  return wrong
}
