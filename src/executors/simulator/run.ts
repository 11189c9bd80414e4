import type { Plan } from '../../ports.ts'
import type { Failure, Isolation, Result } from './protocol.ts'

export type Finished = Readonly<{ result: Result; isolation: Isolation }>

/** A run that somebody waits for, until `wanted` is false: from then on `answer` does nothing. */
export type Run = {
  readonly plan: Pick<Plan, 'params' | 'fixture' | 'limits'>
  readonly expression: string
  readonly answer: (answer: Finished | Failure) => void
  wanted: boolean
  /** It was given back by a process, so its next one gets nothing beside it. */
  alone: boolean
}

/** A run with its input as JSON text, which lives no longer than it takes to send it. */
export type Submission = Readonly<{ run: Run; input: string }>
