import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { RegisteredManifest } from '../../../domain/control/state.ts'
import { findManifest } from '../../../domain/control/state.ts'
import type { ManifestKind } from '../../../domain/events.ts'
import { LIMITS } from '../../../domain/limits.ts'
import type { ReceivedManifest } from '../../control/manifest.ts'
import { LedgerError } from '../../errors.ts'
import type { HttpPorts } from '../ports.ts'
import * as schemas from '../schemas.ts'
import { waitForPosition } from '../wait-for-position.ts'

const CREATED = 201
const KINDS: Readonly<Record<z.output<typeof schemas.lowerKind>, ManifestKind>> = {
  contract: 'Contract',
  fixture: 'Fixture',
  target: 'Target',
}

export const catalogueRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, ports) => {
  app.post(
    '/v1/catalogue',
    {
      config: { scope: 'catalogue:write' },
      bodyLimit: LIMITS.catalogueBodyBytes,
      schema: {
        operationId: 'applyCatalogue',
        summary: 'Register manifests: all of them, or none',
        body: schemas.catalogue,
        response: schemas.answers({ 200: schemas.manifestResults, 201: schemas.manifestResults }),
      },
    },
    async (request, reply) => {
      const { validateOnly = false } = request.body
      const manifests = request.body.manifests as unknown as ReceivedManifest[]
      const applied = await ports.applyCatalogue({ ...request.call, manifests, validateOnly })
      Object.assign(request.facts, { manifests: manifests.length, appended: applied.appended })
      reply.header('ledger-position', applied.position)
      if (applied.appended > 0) reply.code(CREATED)
      return { results: applied.results }
    },
  )

  app.get(
    '/v1/catalogue',
    {
      config: { scope: 'catalogue:read' },
      schema: {
        operationId: 'listCatalogue',
        summary: 'Every registered version',
        querystring: schemas.read.extend({ kind: schemas.lowerKind.optional() }),
        response: schemas.answers({ 200: schemas.manifestList }),
      },
    },
    async (request, reply) => {
      const head = await waitForPosition(request.query.minPosition ?? 0, ports.store.head)
      const { control } = await ports.ledger.current()
      reply.header('ledger-position', head.position)
      const kind = request.query.kind && KINDS[request.query.kind]
      const all = [...control.manifests.values()].flat()
      const manifests = all.filter((it) => kind === undefined || it.kind === kind).map(summary)
      return { manifests }
    },
  )

  app.get(
    '/v1/catalogue/:kind/:id/:version',
    {
      config: { scope: 'catalogue:read' },
      schema: {
        operationId: 'getManifest',
        summary: 'One version, with its body',
        params: schemas.manifestAddress,
        querystring: schemas.read,
        response: schemas.answers({ 200: schemas.registeredManifest }),
      },
    },
    async (request, reply) => {
      const head = await waitForPosition(request.query.minPosition ?? 0, ports.store.head)
      const { id, version } = request.params
      const kind = KINDS[request.params.kind]
      const { control } = await ports.ledger.current()
      const found = findManifest(control, { kind, id, version })
      if (found === undefined) {
        throw new LedgerError('not-found', `${kind} ${id}@${version} is not registered`)
      }
      reply.header('ledger-position', head.position)
      return { ...summary(found), body: found.body }
    },
  )

  app.post(
    '/v1/catalogue/:kind/:id/:version/retire',
    {
      config: { scope: 'catalogue:write' },
      schema: {
        operationId: 'retireManifest',
        summary: 'Retire one version for ever',
        params: schemas.manifestAddress,
        response: schemas.answers({ 200: schemas.retired }),
      },
    },
    async (request, reply) => {
      const { id, version } = request.params
      const manifest = { kind: KINDS[request.params.kind], id, version }
      const { appended, position } = await ports.retireManifest({ ...request.call, manifest })
      reply.header('ledger-position', position)
      return { ...manifest, retired: true, eventsAppended: appended }
    },
  )
}

function summary({
  kind,
  id,
  version,
  sha256,
  revision,
  retiredRevision,
  body,
}: RegisteredManifest) {
  const executor = 'executor' in body ? { executor: body.executor } : {}
  const targets = 'targets' in body ? { targets: body.targets } : {}
  const retired = retiredRevision !== null
  return { kind, id, version, sha256, ...executor, ...targets, revision, retired }
}
