import type { Answer } from './transport.ts'

/** Problem details (RFC 9457) as a value. Match on `code`. */
export type Refused = Readonly<{
  outcome: 'refused'
  code: string
  title: string
  detail: string
  status: number
  rule: number | null
  whoMustAct: 'caller' | 'operator' | 'catalogue-owner' | 'nobody'
  retryable: boolean
  recorded: 'event' | 'none' | 'unknown'
  dispatchId?: string
}> &
  Readonly<Record<string, unknown>>

/** A read that was answered with a problem: `problem.code` says which. */
export class LedgerProblem extends Error {
  readonly problem: Refused

  constructor(problem: Refused) {
    super(`${problem.code}: ${problem.title}`)
    this.name = 'LedgerProblem'
    this.problem = problem
  }
}

export const problemOf = ({ body }: Answer): LedgerProblem =>
  new LedgerProblem({ outcome: 'refused', ...(body as object) } as Refused)
