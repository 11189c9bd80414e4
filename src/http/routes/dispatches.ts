import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { isWithinAny } from '../../../domain/namespace.ts'
import type { DispatchAnswer } from '../../dispatch/answer.ts'
import { requireDispatch } from '../../dispatch/load-dispatch.ts'
import { LedgerError } from '../../errors.ts'
import type { HttpPorts } from '../ports.ts'
import { presentDispatch, presentExplanation, presentWhy } from '../present.ts'
import { callerOf, replyOf, send } from '../reply.ts'
import * as schemas from '../schemas.ts'
import { refuseUnlessReady, toCommand } from '../to-command.ts'
import { waitForPosition } from '../wait-for-position.ts'

export const dispatchRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.post(
    '/v1/dispatches',
    {
      config: { scope: 'dispatch:append' },
      schema: {
        operationId: 'dispatch',
        summary: 'Dispatch a command: judged, recorded, answered',
        body: schemas.command,
        response: schemas.answers({ 200: schemas.recorded, 201: schemas.recorded }),
      },
    },
    async (request, reply) => {
      refuseUnlessReady(ports)
      const caller = callerOf(request)
      const command = toCommand(request.body)
      // A turn is for the work of this server, not for the wait for somebody else.
      const reachesOut = () => request.endTurn?.()
      const answer = await ports.dispatch({ ...request.call, caller, command, reachesOut })
      return sendAnswer(request, reply, answer)
    },
  )

  app.post(
    '/v1/explain',
    {
      config: { scope: 'dispatch:append' },
      schema: {
        operationId: 'explain',
        summary: 'Judge a command now, record nothing and run nothing',
        body: schemas.command,
        response: schemas.answers({ 200: schemas.explanation }),
      },
    },
    async (request, reply) => {
      refuseUnlessReady(ports)
      const explained = await ports.explain(toCommand(request.body), callerOf(request))
      reply.header('ledger-position', explained.position)
      return presentExplanation(explained)
    },
  )

  const byId = { params: schemas.dispatchAddress, querystring: schemas.read }

  app.get(
    '/v1/dispatches/:id',
    {
      config: { scope: 'dispatch:read' },
      schema: {
        operationId: 'getDispatch',
        summary: 'One dispatch, where it stands',
        ...byId,
        response: schemas.answers({ 200: schemas.dispatch }),
      },
    },
    async (request, reply) => {
      const { state } = await load(ports, request)
      reply.header('ledger-position', state.position)
      return presentDispatch(request.params.id, state)
    },
  )

  app.get(
    '/v1/dispatches/:id/events',
    {
      config: { scope: 'dispatch:read' },
      schema: {
        operationId: 'listDispatchEvents',
        summary: 'The events of one dispatch',
        ...byId,
        response: schemas.answers({ 200: schemas.events }),
      },
    },
    async (request, reply) => {
      const { events, state } = await load(ports, request)
      reply.header('ledger-position', state.position)
      return { events }
    },
  )

  app.get(
    '/v1/dispatches/:id/explain',
    {
      config: { scope: 'dispatch:read' },
      schema: {
        operationId: 'explainDispatch',
        summary: 'Why one dispatch stands where it stands, gate by gate',
        ...byId,
        response: schemas.answers({ 200: schemas.dispatchExplanation }),
      },
    },
    async (request, reply) => {
      const { events, state } = await load(ports, request)
      reply.header('ledger-position', state.position)
      return presentWhy(request.params.id, state, events)
    },
  )
}

type ById = FastifyRequest &
  Readonly<{ params: { id: string }; query: { minPosition?: number | undefined } }>

/** A dispatch in a namespace that the key may not see is as good as none: its id is a digest. */
async function load(ports: HttpPorts, request: ById) {
  const { params, query } = request
  await waitForPosition(query.minPosition ?? 0, ports.store.head)
  const loaded = await requireDispatch(ports.ledger, params.id)
  const namespace = loaded.state.command?.outputNamespace ?? ''
  if (isWithinAny(namespace, callerOf(request).namespacePrefixes)) return loaded
  throw new LedgerError('not-found', `There is no dispatch ${params.id}`)
}

function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: DispatchAnswer) {
  const { dispatchId, outcome, eventsAppended, mode } = answer
  Object.assign(request.facts, { dispatchId, outcome, eventsAppended, mode })
  return send(request, reply, replyOf(answer))
}
