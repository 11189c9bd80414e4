import { ExecutorFailure } from '../../ports.ts'

/** The time of one run. It is over when the limit says so, or when its caller gives up. */
export type Time = Readonly<{
  /** Why it is over, or null while it is not. */
  over(): ExecutorFailure | null
  /** What is to be stopped then; of several the last. Called at once where it is over already. */
  whenOver(stop: (why: ExecutorFailure) => void): void
  /** The run has ended by itself. */
  end(): void
}>

const ABORTED = (): ExecutorFailure => new ExecutorFailure('timeout', 'aborted')

/** By a timer and not AbortSignal.timeout: on Node 20 one that `AbortSignal.any` holds may never fire. */
export function startTime(timeMs: number, signal: AbortSignal): Time {
  let why: ExecutorFailure | null = null
  let stop: (why: ExecutorFailure) => void = () => undefined
  const finish = (failure: ExecutorFailure): void => {
    if (why !== null) return
    why = failure
    stop(why)
  }
  const giveUp = (): void => finish(ABORTED())
  const timer = setTimeout(() => finish(new ExecutorFailure('timeout', 'time')), timeMs)
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  return {
    over: () => why,
    whenOver(next) {
      stop = next
      if (why !== null) stop(why)
    },
    end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    },
  }
}
