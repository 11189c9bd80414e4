import { type Failure, failure } from './grpc.ts'
import type { ServerLog } from './log.ts'

/** What is wrong with the server at the moment. */
export type Faults = {
  silent: boolean
  losesAnswers: boolean
  notReady: boolean
  racing: Readonly<{ windowMs: number; answerMs: number }> | null
}

export const soundness = (): Faults => ({
  silent: false,
  losesAnswers: false,
  notReady: false,
  racing: null,
})

/** What was taken up, whatever came of it: a request that meets silence is not. */
export type Counts = { appends: number; reads: number; subscriptions: number }

/** What every call is served with. */
export type Serving = Readonly<{
  log: ServerLog
  counts: Counts
  faults: Faults
  nowMs: () => number
  /** Ends the connection of a peer, as `getPeer` names it. */
  cut(peer: string): void
}>

export const NOT_READY = 'Server Is Not Ready'
export const notReady = (): Failure => failure('UNAVAILABLE', NOT_READY)
