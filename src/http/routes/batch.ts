import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { AskedCommand } from '../../../domain/dispatch/command.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { LedgerError } from '../../errors.ts'
import { identify } from '../../identity.ts'
import { itemInvalid, toLedgerError } from '../known-errors.ts'
import type { HttpPorts } from '../ports.ts'
import { problemOf } from '../problem.ts'
import { callerOf, type Reply, replyOf } from '../reply.ts'
import * as schemas from '../schemas.ts'
import { refuseUnlessReady, toCommand } from '../to-command.ts'

/** A command of a batch lies in an object and in an array, and may nest as deep as one alone. */
const DEPTH_OF_ITEM = 2

export const batchRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.post(
    '/v1/dispatches/batch',
    {
      config: { scope: 'dispatch:append', jsonDepth: LIMITS.jsonDepth + DEPTH_OF_ITEM },
      bodyLimit: LIMITS.batchBodyBytes,
      schema: {
        operationId: 'dispatchBatch',
        summary: 'Dispatch many commands: each is judged, recorded and answered by itself',
        description: 'Results are streamed in order; Ledger-Position comes as a trailer.',
        body: schemas.batch,
        response: schemas.answers({ 200: schemas.batchResults }),
      },
    },
    async (request, reply) => {
      refuseUnlessReady(ports)
      const { dispatches } = request.body
      request.facts['items'] = dispatches.length
      let position = 0
      const ask = async (command: AskedCommand): Promise<Reply> => {
        const answer = await answerOne(command, request, ports)
        position = Math.max(position, Number(answer.headers['ledger-position'] ?? 0))
        return answer
      }
      const commands = dispatches.map((item) => () => commandOf(item, request))
      reply.type('application/json')
      reply.trailer('ledger-position', async () => String(position))
      return reply.send(Readable.from(asText(answersInOrder(commands, ask))))
    },
  )
}

/** The command of an item, or the problem that it is none. */
function commandOf(item: unknown, request: FastifyRequest): AskedCommand | LedgerError {
  const parsed = schemas.command.safeParse(item)
  if (!parsed.success) return counted(itemInvalid(parsed.error), request)
  try {
    return toCommand(parsed.data)
  } catch (error) {
    return counted(toLedgerError(error, request.log), request)
  }
}

/** Problems of items that no gate judged, by code: for the log line and the metrics. */
function counted(problem: LedgerError, { facts }: FastifyRequest): LedgerError {
  const problems = (facts['problems'] ?? {}) as Readonly<Record<string, number>>
  facts['problems'] = { ...problems, [problem.code]: (problems[problem.code] ?? 0) + 1 }
  return problem
}

/** Never rejects: whatever goes wrong with one command is its own answer. */
async function answerOne(
  command: AskedCommand,
  request: FastifyRequest,
  ports: HttpPorts,
): Promise<Reply> {
  try {
    const call = { ...request.call, callId: randomUUID(), caller: callerOf(request), command }
    return replyOf(await ports.dispatch(call))
  } catch (error) {
    return problemOf(counted(toLedgerError(error, request.log), request))
  }
}

/**
 * Asks for a bounded number at a time and gives the answers in order. Commands of one dispatch wait
 * for each other, so that the first of two equal ones is the one that creates it.
 */
async function* answersInOrder(
  commands: readonly (() => AskedCommand | LedgerError)[],
  ask: (command: AskedCommand) => Promise<Reply>,
): AsyncGenerator<Reply> {
  const lastOf = new Map<string, Promise<unknown>>()
  const start = (read: () => AskedCommand | LedgerError): Promise<Reply> => {
    const command = read()
    if (command instanceof LedgerError) return Promise.resolve(problemOf(command))
    const { dispatchId } = identify(command)
    const before = lastOf.get(dispatchId) ?? Promise.resolve()
    const answer = before.then(() => ask(command))
    lastOf.set(dispatchId, answer)
    return answer
  }
  const underWay = commands.slice(0, LIMITS.batchAtOnce).map(start)
  for (const read of commands.slice(LIMITS.batchAtOnce)) {
    yield (await underWay.shift()) as Reply
    underWay.push(start(read))
  }
  for (const answer of underWay) yield await answer
}

async function* asText(answers: AsyncIterable<Reply>): AsyncGenerator<string> {
  let before = '{"results":['
  for await (const { status, body } of answers) {
    yield `${before}{"status":${status},"body":${JSON.stringify(body)}}`
    before = ','
  }
  yield ']}'
}
