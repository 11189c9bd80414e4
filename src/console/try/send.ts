import type { AskedCommand } from '../../../domain/dispatch/command.ts'
import { ApiProblem, ask, type Gate, type Problem, type Reached, Unreachable } from '../api.ts'
import { bodyOf } from './commands.ts'

export type RecordedBody = Readonly<{
  dispatchId: string
  outcome: 'created' | 'advanced' | 'replayed'
  reached: Reached
  eventsAppended: number
  position: number
  event: Readonly<{
    type: string
    position: number
    data: Readonly<{
      verdict?: 'would_succeed' | 'would_fail'
      output?: unknown
      snapshot: Readonly<{ gates: readonly Pick<Gate, 'gate' | 'outcome'>[] }>
    }>
  }>
}>

/** `unknown`: whether the command was recorded is not known. */
export type Reply =
  | Readonly<{ kind: 'recorded'; status: number; body: RecordedBody }>
  | Readonly<{ kind: 'refused'; problem: Problem; position: number | null }>
  | Readonly<{ kind: 'unknown'; why: string; status: number | null; code: string | null }>

/** One press of a button: what was sent, what came back, and after how long. */
export type Click = Readonly<{
  number: number
  command: AskedCommand
  reply: Reply
  tookMs: number
}>

const NOT_OURS = 'What answered is not the ledger'

/** Sends a command as any client would. Never rejects: no answer is a reply, too. */
export async function send(command: AskedCommand): Promise<Omit<Click, 'number'>> {
  const began = performance.now()
  const reply = await ask<RecordedBody>('POST', '/v1/dispatches', { body: bodyOf(command) })
    .then(({ status, body }): Reply => ({ kind: 'recorded', status, body }))
    .catch(replyOf)
  return { command, reply, tookMs: performance.now() - began }
}

/** What it means that a dispatch was not answered with what was recorded. */
export function replyOf(error: unknown): Reply {
  if (!(error instanceof ApiProblem)) {
    const why = error instanceof Unreachable ? error.message : NOT_OURS
    return { kind: 'unknown', why, status: null, code: null }
  }
  const { problem, position } = error
  // A gateway on the way may answer in the shape of somebody else: that says nothing of the log.
  const { recorded, status = null, code = null, title = NOT_OURS } = problem as Partial<Problem>
  if (recorded === 'event' || recorded === 'none') return { kind: 'refused', problem, position }
  return { kind: 'unknown', why: title, status, code }
}

export const outcomeOf = (reply: Reply): RecordedBody['outcome'] | 'refused' | 'unknown' =>
  reply.kind === 'recorded' ? reply.body.outcome : reply.kind

export const statusOf = (reply: Reply): string =>
  String((reply.kind === 'refused' ? reply.problem.status : reply.status) ?? '–')

export const eventsOf = (reply: Reply): number | null => {
  if (reply.kind === 'unknown') return null
  return (reply.kind === 'recorded' ? reply.body.eventsAppended : reply.problem.eventsAppended) ?? 0
}
