import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCOPES, type Scope } from '../../src/access/scopes.ts'
import type { HttpPorts } from '../../src/http/ports.ts'
import { createServer } from '../../src/http/server.ts'
import { watch } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'

const NOBODY = '00000000-0000-8000-8000-000000000000'
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const get = (path: string): Promise<Reply> => ledger.ask('GET', path)

/** What a key must hold for each. */
const ROUTES: readonly (readonly [string, string, Scope | 'any' | null])[] = [
  ['POST', '/v1/dispatches', 'dispatch:append'],
  ['POST', '/v1/dispatches/batch', 'dispatch:append'],
  ['POST', '/v1/explain', 'dispatch:append'],
  ['GET', '/v1/dispatches', 'dispatch:read'],
  ['GET', '/v1/dispatches/{id}', 'dispatch:read'],
  ['GET', '/v1/dispatches/{id}/events', 'dispatch:read'],
  ['GET', '/v1/dispatches/{id}/explain', 'dispatch:read'],
  ['GET', '/v1/refusals', 'dispatch:read'],
  ['GET', '/v1/outputs', 'dispatch:read'],
  ['GET', '/v1/projections', 'projections:read'],
  ['GET', '/v1/projections/{name}', 'projections:read'],
  ['GET', '/v1/events', 'events:read'],
  ['GET', '/v1/analytics', 'analytics:read'],
  ['GET', '/v1/analytics/{view}', 'analytics:read'],
  ['GET', '/v1/switch', 'switch:read'],
  ['PUT', '/v1/switch/{scope}', 'switch:write'],
  ['POST', '/v1/self-test', 'switch:write'],
  ['POST', '/v1/catalogue', 'catalogue:write'],
  ['GET', '/v1/catalogue', 'catalogue:read'],
  ['GET', '/v1/catalogue/{kind}/{id}/{version}', 'catalogue:read'],
  ['POST', '/v1/catalogue/{kind}/{id}/{version}/retire', 'catalogue:write'],
  ['GET', '/v1/me', 'any'],
  ['POST', '/v1/keys', 'keys:admin'],
  ['GET', '/v1/keys', 'keys:admin'],
  ['POST', '/v1/keys/{id}/revoke', 'keys:admin'],
  ['GET', '/livez', null],
  ['GET', '/readyz', null],
  ['GET', '/problems/{code}', null],
]
/** An address of each, whose answer tells that the caller was let in, whatever it finds there. */
const addressOf = (path: string): string =>
  path
    .replace('/dispatches/{id}', `/dispatches/${NOBODY}`)
    .replace('{name}', 'nothing')
    .replace('{view}', 'nothing')
    .replace('/keys/{id}', '/keys/aaaaaaaaaaaa')
    .replace('{scope}', 'nothing')
    .replace('{kind}/{id}/{version}', 'fixture/nothing/1')
    .replace('{code}', 'not-found')

describe('scopes', () => {
  it.each(SCOPES)('a key with %s alone reaches its routes and no other', async (scope) => {
    const key = await ledger.newKey({ scopes: [scope] })
    const { events } = await watch(ledger, async () => {
      for (const [method, path, needed] of ROUTES) {
        const body = method === 'GET' ? undefined : {}
        const reply = await ledger.ask(method, addressOf(path), body, { key })
        const shut = reply.status === 403 && reply.body.code === 'forbidden'
        const wanted = needed === null || needed === 'any' || needed === scope
        expect({ method, path, shut }).toEqual({ method, path, shut: !wanted })
        expect(reply.status).not.toBe(401)
      }
    })
    expect(events).toEqual([])
  })

  it('nobody without a key reaches more than what is open to all', async () => {
    for (const [method, path, needed] of ROUTES) {
      const body = method === 'GET' ? undefined : {}
      const { status } = await ledger.ask(method, addressOf(path), body, { key: '' })
      expect({ path, shut: status === 401 }).toEqual({ path, shut: needed !== null })
    }
    expect((await ledger.ask('GET', '/openapi.json', undefined, { key: '' })).status).toBe(200)
  })

  it('a route that declares none keeps the server from starting', async () => {
    const ports = {
      version: '0.0.0',
      negativeControls: [],
      consoleFiles: [],
    } as unknown as HttpPorts
    const silent = pino({ level: 'silent' })
    for (const [config, starts] of [
      [{ scope: null }, true],
      [{ scope: 'switch:read' as const }, true],
      [{}, false],
      [undefined, false],
    ] as const) {
      const plant = (app: TestLedger['app']): void => {
        app.register(async (scoped) => {
          scoped.get('/planted', config === undefined ? {} : { config }, async () => 'reached')
        })
      }
      const starting = createServer(ports, silent, plant).then((app) => app.close())
      if (starts) await starting
      else await expect(starting).rejects.toThrow('/planted declares no scope')
    }
  })
})

describe('GET /openapi.json', () => {
  let document: Reply['body']
  beforeAll(async () => {
    document = (await get('/openapi.json')).body
  })

  it('is an OpenAPI 3.1 document that names the product and its keys', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.info).toMatchObject({ title: 'Dispatch Ledger', version: '0.0.0-test' })
    expect(document.components.securitySchemes).toEqual({ key: { type: 'http', scheme: 'bearer' } })
  })

  it('has exactly these routes, each with the scope it asks for', () => {
    const found = Object.entries<Reply['body']>(document.paths).flatMap(([path, methods]) =>
      Object.entries<Reply['body']>(methods).map(([method, route]) => {
        const [asked] = route.security
        const scope = asked === undefined ? null : (asked.key[0] ?? 'any')
        return `${method.toUpperCase()} ${path} ${scope}`
      }),
    )
    const wanted = ROUTES.map(([method, path, scope]) => `${method} ${path} ${scope}`)
    expect(found.toSorted()).toEqual(wanted.toSorted())
  })

  it('describes every route: summary, parameters of its path, a good answer and problems', () => {
    for (const [path, methods] of Object.entries<Reply['body']>(document.paths)) {
      for (const [method, route] of Object.entries<Reply['body']>(methods)) {
        expect({ path, method, summary: route.summary }).toMatchObject({
          summary: expect.stringMatching(/\w/),
        })
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((it) => it[1])
        const declared = (route.parameters ?? []).filter((it: Reply['body']) => it.in === 'path')
        expect(declared.map((it: Reply['body']) => it.name)).toEqual(inPath)
        if (!path.startsWith('/v1/')) continue
        expect(Object.keys(route.responses)).toEqual(expect.arrayContaining(['4XX', '5XX']))
        expect(Object.keys(route.responses)[0]).toMatch(/^20[01]$/)
        expect(route.responses['4XX'].content).toHaveProperty(['application/problem+json'])
        if (method !== 'get' && !/\/(retire|revoke|self-test)$/.test(path)) {
          expect(route.requestBody.content).toHaveProperty(['application/json'])
        }
      }
    }
  })

  it('refers to nothing that is not in it', () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)
    for (const [, reference = ''] of references) {
      const path = reference.replace(/^#\//, '').split('/')
      const found = path.reduce<Reply['body']>((at, step) => at?.[step], document)
      expect({ reference, found: found !== undefined }).toEqual({ reference, found: true })
    }
  })

  it('gives each operation an id of its own', () => {
    const ids = Object.values<Reply['body']>(document.paths).flatMap((methods) =>
      Object.values<Reply['body']>(methods).map((it) => it.operationId),
    )
    expect(ids.every((it) => typeof it === 'string')).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
