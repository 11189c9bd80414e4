import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { ROLES } from '../../access/scopes.ts'
import { LedgerError } from '../../errors.ts'
import * as keySchemas from '../key-schemas.ts'
import type { HttpPorts } from '../ports.ts'
import { callerOf } from '../reply.ts'
import * as schemas from '../schemas.ts'

const DEFAULT_PAGE = 100
const CREATED = 201

export const keyRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, { keys }) => {
  app.get(
    '/v1/me',
    {
      config: { scope: 'any' },
      schema: {
        operationId: 'getMe',
        summary: 'The key that asks: what it may do, and until when',
        response: schemas.answers({ 200: keySchemas.accessKey }),
      },
    },
    async (request) => required(await keys.find(callerOf(request).keyId)),
  )

  const admin = { config: { scope: 'keys:admin' } } as const

  app.post(
    '/v1/keys',
    {
      ...admin,
      schema: {
        operationId: 'createKey',
        summary: 'Make a key; its text is shown this once',
        body: keySchemas.newKey,
        response: schemas.answers({ 201: keySchemas.madeKey }),
      },
    },
    async (request, reply) => {
      const { name, role, scopes, namespacePrefixes = [], expiresAt } = request.body
      const made = await keys.create(
        {
          name,
          scopes: scopes ?? ROLES[role ?? ''] ?? [],
          namespacePrefixes,
          expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
        },
        request.call.actor,
      )
      request.facts['madeKeyId'] = made.id
      reply.code(CREATED).header('cache-control', 'no-store')
      return made
    },
  )

  app.get(
    '/v1/keys',
    {
      ...admin,
      schema: {
        operationId: 'listKeys',
        summary: 'Every key, the last made first; never a secret or its hash',
        querystring: keySchemas.keysQuery,
        response: schemas.answers({ 200: keySchemas.keyPage }),
      },
    },
    async (request) => {
      const { pageSize = DEFAULT_PAGE, pageToken = null } = request.query
      const page = await keys.list({ size: pageSize + 1, after: pageToken })
      const shown = page.slice(0, pageSize)
      return {
        keys: shown,
        nextPageToken: page.length > pageSize ? (shown.at(-1)?.id ?? null) : null,
      }
    },
  )

  app.post(
    '/v1/keys/:id/revoke',
    {
      ...admin,
      schema: {
        operationId: 'revokeKey',
        summary: 'Revoke a key for ever, one’s own and the last one too',
        params: keySchemas.keyAddress,
        response: schemas.answers({ 200: keySchemas.accessKey }),
      },
    },
    async (request) => {
      const { id } = request.params
      request.facts['revokedKeyId'] = id
      return required(await keys.revoke(id, request.call.actor))
    },
  )
}

function required<T>(found: T | null): T {
  if (found === null) throw new LedgerError('not-found', 'There is no key with this id')
  return found
}
