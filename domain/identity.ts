import { canonicalJson } from './canonical-json.ts'
import { type DispatchCommand, digestedValue } from './dispatch/command.ts'

/** The text whose sha256 is the digest of a command: RFC 8785, a pure function of the request. */
export const identityText = (command: DispatchCommand): string =>
  canonicalJson(digestedValue(command))

/** The text whose sha256 names one append's event. Equal ids mean: this very append. */
export const eventIdText = (event: {
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly callId: string
}): string => canonicalJson([event.stream, event.revision, event.type, event.callId])

export const CONTROL_STREAM = 'control'
const DISPATCH_PREFIX = 'dispatch-'

export const dispatchStream = (dispatchId: string): string => DISPATCH_PREFIX + dispatchId

/** The dispatch id of a stream, or null for a stream that is no dispatch. */
export const dispatchIdOf = (stream: string): string | null =>
  stream.startsWith(DISPATCH_PREFIX) ? stream.slice(DISPATCH_PREFIX.length) : null
