import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, failure } from './grpc.ts'
import type { ServerLog } from './log.ts'

/** What is wrong with the server at the moment. */
export type Faults = {
  silent: boolean
  losesAnswers: boolean
  /** How much later than they could be answers come. */
  lateMs: number
  notReady: boolean
  racing: Readonly<{ windowMs: number; answerMs: number }> | null
}

export const soundness = (): Faults => ({
  silent: false,
  losesAnswers: false,
  lateMs: 0,
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
  /** Whether reads of a stream tell where its events stand in the log: not before 22.6. */
  tellsPositions: () => boolean
  /** What came in silence waits here for its end, which says whether it is taken up then. */
  held: ((isTakenUp: boolean) => void)[]
  /** Ends the connection of a peer, as `getPeer` names it. */
  cut(peer: string): void
}>

/** False where nothing is ever said. */
export async function isTakenUp({ faults, held }: Serving): Promise<boolean> {
  if (!faults.silent) return true
  return new Promise((resolve) => held.push(resolve))
}

/** The way of an answer. False where it is not said. */
export async function isAnswered({ faults }: Serving): Promise<boolean> {
  if (faults.lateMs > 0) await sleep(faults.lateMs)
  return !faults.silent
}

export const NOT_READY = 'Server Is Not Ready'
export const notReady = (): Failure => failure('UNAVAILABLE', NOT_READY)
