import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DispatchAnswer } from '../dispatch/answer.ts'
import { type ErrorCode, LedgerError } from '../errors.ts'
import type { Caller } from '../ports.ts'
import { presentRecorded } from './present.ts'
import { type Problem, problemOfRefusal } from './problem.ts'

/** An answer before it is sent. `code` is null for what is no problem. */
export type Reply = Readonly<{
  status: number
  code: ErrorCode | null
  headers: Readonly<Record<string, string>>
  body: Readonly<Record<string, unknown>>
}>

const CREATED = 201
const OK = 200

/** What a dispatch is answered, alone or as one of a batch. */
export function replyOf(answer: DispatchAnswer): Reply {
  if (answer.outcome === 'refused') return problemOfRefusal(answer)
  const status = answer.outcome === 'created' ? CREATED : OK
  const headers = { 'ledger-position': String(answer.position) }
  return { status, code: null, headers, body: presentRecorded(answer) }
}

export function send(request: FastifyRequest, reply: FastifyReply, answer: Reply | Problem) {
  const { status, code, headers, body } = answer
  // For the log line of the request.
  if (code !== null) request.facts['code'] = code
  reply.code(status).headers(headers)
  reply.type(code === null ? 'application/json' : 'application/problem+json')
  return reply.send(JSON.stringify(body))
}

/** The caller of a route that needs a scope. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new LedgerError('unauthenticated', 'No key was checked')
  return request.caller
}
