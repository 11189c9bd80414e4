import { signal } from '@preact/signals'

/** Problem details as the server sends them. */
export type Problem = Readonly<{
  title: string
  status: number
  detail: string
  code: string
  rule: number | null
  stage: string | null
  retryable: boolean
  whoMustAct: WhoMustAct
  recorded: 'event' | 'none' | 'unknown'
  gates?: readonly Gate[]
  dispatchId?: string
  reached?: Reached
  eventsAppended?: number
}>
export type WhoMustAct = 'caller' | 'operator' | 'catalogue-owner' | 'nobody'
export type Reached = 'Planned' | 'PreflightPassed' | 'DryRunRecorded' | null
export type GateOutcome = 'pass' | 'fail' | 'indeterminate' | 'not_evaluated'
export type Gate = Readonly<{
  gate: string
  rule: number
  outcome: GateOutcome
  seen: unknown
  required: string
  revision: number | null
  says?: string
}>

/** An answer with the position of the log that it is complete up to, where it has one. */
export type Answer<T> = Readonly<{ status: number; body: T; position: number | null }>

export class ApiProblem extends Error {
  readonly problem: Problem
  /** Where the stream of a refused dispatch ends. */
  readonly position: number | null

  constructor(problem: Problem, position: number | null = null) {
    super(`${problem.title}. ${problem.detail}`)
    this.problem = problem
    this.position = position
  }
}

/** No answer came, so nothing is known: neither that it was done nor that it was not. */
export class Unreachable extends Error {}

/** True from the first answer that says that the session is over. */
export const signedOut = signal(false)

/** Asks as curl would. Throws `ApiProblem` for a problem and `Unreachable` for no answer. */
export async function ask<T>(
  method: string,
  url: string,
  options: Readonly<{
    body?: unknown
    headers?: Record<string, string>
    signal?: AbortSignal
  }> = {},
): Promise<Answer<T>> {
  const { body, signal: stop } = options
  const content = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(url, {
    method,
    headers: { ...content, ...options.headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(stop === undefined ? {} : { signal: stop }),
  }).catch((error: unknown) => {
    throw stop?.aborted ? error : new Unreachable('The server does not answer', { cause: error })
  })
  const text = await response.text()
  const parsed: unknown = text === '' ? null : JSON.parse(text)
  const position = positionOf(response)
  if (position !== null) seePosition(position)
  if (!response.ok) {
    const problem = parsed as Problem
    if (problem.code === 'unauthenticated') signedOut.value = true
    throw new ApiProblem(problem, position)
  }
  return { status: response.status, body: parsed as T, position }
}

function positionOf({ headers }: Response): number | null {
  const position = headers.get('ledger-position')
  return position === null ? null : Number(position)
}

export const get = <T>(url: string, stop?: AbortSignal): Promise<Answer<T>> =>
  ask<T>('GET', url, stop === undefined ? {} : { signal: stop })

/** The furthest position of the log that an answer told. */
export const head = signal(0)

function seePosition(position: number): void {
  if (position > head.peek()) head.value = position
}
