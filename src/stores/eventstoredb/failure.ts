import { LedgerError, type RecordedAs } from '../../errors.ts'

/** What the package calls an error. Its classes are not asked for, so that nothing loads it. */
const typeOf = (error: unknown): string | undefined => (error as { type?: string } | null)?.type

/** The deadline of an append is a time of day: this process writes it, the server reads it. */
const TOO_LATE =
  'it was too late for the server. It is busy, or the clock here is 10 s or more behind its clock'
const LATE = ['deadline-exceeded', 'timeout']

const DEFINITE: Readonly<Record<string, string>> = {
  'maximum-append-size-exceeded': 'EventStoreDB takes no append of this size',
  'access-denied': 'EventStoreDB denies this login what it was asked for',
  'stream-deleted': 'The stream was deleted for ever',
}

export const isMissingStream = (error: unknown): boolean => typeOf(error) === 'stream-not-found'

/** The stream is elsewhere than expected. Null where it is something else; -1 for no stream. */
export function conflictOf(error: unknown): number | null {
  if (typeOf(error) !== 'wrong-expected-version') return null
  const { actualVersion } = error as { actualVersion: bigint | 'no_stream' }
  return actualVersion === 'no_stream' ? -1 : Number(actualVersion)
}

/** Live subscriptions are cut under bursts, as normal operation. */
export const isTooSlow = (error: unknown): boolean =>
  error instanceof Error && /Consumer too slow/.test(error.message)

/** A position where no record begins, as readers and as subscriptions are told of it. */
export const isNoBoundary = (error: unknown): boolean =>
  typeOf(error) === 'unknown' &&
  /Unexpected ReadAllResult|Exception was thrown by handler/.test((error as Error).message)

/**
 * What everything else is to us: the store could not be asked. An append that was not refused for a
 * reason of its own may have gone in, whatever the error says.
 */
export function failureOf(error: unknown, recorded: RecordedAs): LedgerError {
  if (error instanceof LedgerError) return error
  const definite = DEFINITE[typeOf(error) ?? '']
  const said = error instanceof Error ? error.message || error.name : String(error)
  const reason = LATE.includes(typeOf(error) ?? '') ? TOO_LATE : said
  return definite === undefined
    ? new LedgerError('store-unavailable', `EventStoreDB did not answer: ${reason}`, {
        cause: error,
        recorded,
      })
    : new LedgerError('store-unavailable', definite, { cause: error, recorded: 'none' })
}
