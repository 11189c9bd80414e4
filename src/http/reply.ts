import type { FastifyReply, FastifyRequest } from 'fastify'
import { LedgerError } from '../errors.ts'
import type { Caller } from '../ports.ts'
import type { Problem } from './problem.ts'

/** Sends problem details, and leaves the code for the log line of the request. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem) {
  request.facts['code'] = problem.code
  reply.code(problem.status)
  reply.headers({ ...problem.headers, 'content-type': 'application/problem+json' })
  return reply.send(JSON.stringify(problem.body))
}

/** The caller of a route that needs a scope. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new LedgerError('unauthenticated', 'No key was checked')
  return request.caller
}
