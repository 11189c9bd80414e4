import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/json.ts'
import {
  catalogueOf,
  expectProblem,
  positionOf,
  register,
  retire,
  typesOf,
  watch,
} from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleContract, sampleFixture, sampleTarget } from '../support/sample.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const get = (path: string): Promise<Reply> => ledger.ask('GET', path)

describe('POST /v1/catalogue', () => {
  const post = (manifests: readonly unknown[], more: object = {}) =>
    ledger.ask('POST', '/v1/catalogue', { manifests, ...more })
  const resultsOf = ({ body }: Reply): unknown[] =>
    body.results.map((it: Reply['body']) => [it.kind, it.id, it.version, it.outcome, it.code])

  it('registers what is new in one append, and finds the same again unchanged', async () => {
    const { manifests } = catalogueOf('fresh')
    const first = await watch(ledger, () => post(manifests))
    expect(first.reply.status).toBe(201)
    expect(resultsOf(first.reply)).toEqual([
      ['Target', 'fresh/one', 1, 'new', null],
      ['Fixture', 'fresh.words', 1, 'new', null],
      ['Contract', 'fresh.echo', 1, 'new', null],
    ])
    expect(typesOf(first.events)).toEqual(Array(3).fill('ManifestRegistered'))
    expect(new Set(first.events.map((it) => it.metadata.callId)).size).toBe(1)
    expect(first.events.map((it) => it.data.body)).toEqual(manifests)
    expect(positionOf(first.reply)).toBe(first.events[2].position)
    const again = await watch(ledger, () => post(manifests.toReversed()))
    expect(again.reply.status).toBe(200)
    expect(again.reply.body.results.map((it: Reply['body']) => it.outcome)).toEqual(
      Array(3).fill('unchanged'),
    )
    expect(again.events).toEqual([])
    const more = await watch(ledger, () => post([...manifests, catalogueOf('fresh').target(2)]))
    expect(more.reply.status).toBe(201)
    expect(typesOf(more.events)).toEqual(['ManifestRegistered'])
  })

  it('takes the same content for the same, in whatever order its members stand', async () => {
    const turned = Object.fromEntries(Object.entries(sampleContract).toReversed())
    const { status, body } = await post([turned])
    expect([status, body.results[0].outcome]).toEqual([200, 'unchanged'])
  })

  it('keeps the body as received: nothing is filled in', async () => {
    const bare = {
      kind: 'Contract',
      id: 'bare.contract',
      version: 1,
      executor: 'telepathy',
      targets: 'bare',
      fixture: 'sample.words@1',
      sideEffects: 'none',
      params: {},
      program: {},
    }
    expect((await post([bare])).status).toBe(201)
    expect((await get('/v1/catalogue/contract/bare.contract/1')).body.body).toEqual(bare)
  })

  it('does not register other content under a version that is taken', async () => {
    const { reply, events } = await watch(ledger, () =>
      post([
        { ...sampleFixture, data: {} },
        { ...sampleTarget(), id: 'sample/new' },
      ]),
    )
    expectProblem(reply, [409, 'manifest-conflict'])
    expect(resultsOf(reply)).toEqual([
      ['Fixture', 'sample.words', 1, 'conflict', 'manifest-conflict'],
      ['Target', 'sample/new', 1, 'new', null],
    ])
    expect(events).toEqual([])
    expectProblem(await get('/v1/catalogue/target/sample%2Fnew/1'), [404, 'not-found'])
  })

  it('finds two contents of one version in one request to be a conflict', async () => {
    const one = { ...sampleFixture, id: 'twin.words' }
    const same = await post([one, one], { validateOnly: true })
    expect(resultsOf(same).map((it) => (it as unknown[])[3])).toEqual(['new', 'unchanged'])
    const { reply, events } = await watch(ledger, () => post([one, { ...one, data: null }]))
    expectProblem(reply, [409, 'manifest-conflict'])
    expect(events).toEqual([])
  })

  const invalid: readonly (readonly [string, readonly JsonObject[], RegExp])[] = [
    ['an unknown member', [{ ...sampleTarget(3), port: 80 }], /port/],
    ['a fixture without data', [{ kind: 'Fixture', id: 'x', version: 1 }], /data/],
    ['side effects', [{ ...catalogueOf('i').contract, sideEffects: 'some' }], /sideEffects/],
    [
      'a limit over that of the product',
      [{ ...sampleContract, id: 'i.a', limits: { timeMs: 30_001 } }],
      /timeMs/,
    ],
    ['no program', [{ ...sampleContract, id: 'i.b', program: {} }], /program/],
    [
      'a pattern with a star inside',
      [{ ...sampleContract, id: 'i.c', targets: '*/one' }],
      /targets/,
    ],
    ['a pattern of a bare star', [{ ...sampleContract, id: 'i.d', targets: '*' }], /targets/],
    [
      'a fixture without version',
      [{ ...sampleContract, id: 'i.e', fixture: 'sample.words' }],
      /fixture/,
    ],
    ['a fixture that is not there', [catalogueOf('i').contract], /neither registered nor in the/],
    ['no baseline', [{ ...sampleContract, id: 'i.f', baseline: [] }], /baseline/],
    [
      'a baseline left out',
      [
        Object.fromEntries(
          Object.entries({ ...sampleContract, id: 'i.g' }).filter(([it]) => it !== 'baseline'),
        ),
      ],
      /baseline/,
    ],
    [
      'a baseline that differs',
      [
        {
          ...sampleContract,
          id: 'i.h',
          baseline: [{ name: 'wrong', params: {}, verdict: 'would_fail', output: 1 }],
        },
      ],
      /1 of 1 baseline cases differ: wrong/,
    ],
    [
      'a schema that is none',
      [{ ...sampleContract, id: 'i.i', params: { type: 'thing' } }],
      /2020-12/,
    ],
    [
      'a schema with an unknown keyword',
      [{ ...sampleContract, id: 'i.j', params: { types: 'object' } }],
      /2020-12/,
    ],
    [
      'a default',
      [
        {
          ...sampleContract,
          id: 'i.k',
          params: { type: 'object', properties: { a: { default: 1 } } },
        },
      ],
      /default/,
    ],
    [
      'a default of a property that is called properties',
      [
        {
          ...sampleContract,
          id: 'i.o',
          params: { type: 'object', properties: { properties: { type: 'string', default: 'x' } } },
        },
      ],
      /default/,
    ],
    [
      'a reference to elsewhere',
      [{ ...sampleContract, id: 'i.l', params: { $ref: 'https://example.com/s' } }],
      /\$ref/,
    ],
    [
      'a reference to a file',
      [{ ...sampleContract, id: 'i.m', params: { allOf: [{ $ref: 'other.json#/a' }] } }],
      /\$ref/,
    ],
    [
      'an id of its own',
      [{ ...sampleContract, id: 'i.n', params: { $id: 'https://example.com/s' } }],
      /\$id/,
    ],
    [
      'over 256 KiB',
      [{ ...sampleFixture, id: 'i.large', data: 'x'.repeat(262_144) }],
      /262\d+ bytes/,
    ],
  ]
  let besides = 0
  it.each(invalid)(
    'refuses a manifest with %s, and everything beside it',
    async (_, bad, detail) => {
      const good = { ...sampleFixture, id: `beside.words-${besides++}` }
      const { reply, events } = await watch(ledger, () => post([good, ...bad]))
      expectProblem(reply, [422, 'manifest-invalid'])
      expect(reply.body.results[0]).toMatchObject({ outcome: 'new', code: null, detail: null })
      expect(reply.body.results[1]).toMatchObject({ outcome: 'invalid', code: 'manifest-invalid' })
      expect(reply.body.results[1].detail).toMatch(detail)
      expect(events).toEqual([])
      expectProblem(await get(`/v1/catalogue/fixture/${good.id}/1`), [404, 'not-found'])
    },
  )

  it('takes names that look like keywords, and references within the schema', async () => {
    const params = {
      type: 'object',
      $defs: { default: { type: 'string' } },
      properties: { default: { $ref: '#/$defs/default' }, $ref: { type: 'number' }, say: {} },
    }
    const { status, body } = await post([{ ...sampleContract, id: 'named.default', params }], {
      validateOnly: true,
    })
    expect(body.results[0]).toMatchObject({ outcome: 'new', detail: null })
    expect(status).toBe(200)
  })

  it('puts invalid before conflict where both are there', async () => {
    const reply = await post([
      { ...sampleFixture, data: 0 },
      { ...sampleTarget(4), port: 1 },
    ])
    expectProblem(reply, [422, 'manifest-invalid'])
    expect(resultsOf(reply).map((it) => (it as unknown[])[3])).toEqual(['conflict', 'invalid'])
  })

  it('with validateOnly says the same and writes nothing', async () => {
    const { manifests } = catalogueOf('validated')
    const { reply, events } = await watch(ledger, async () => [
      await post(manifests, { validateOnly: true }),
      await post([{ ...sampleFixture, data: 0 }], { validateOnly: true }),
      await post([{ ...sampleTarget(4), port: 1 }], { validateOnly: true }),
      await post(
        [
          {
            ...sampleContract,
            id: 'i.v',
            baseline: [{ name: 'wrong', params: {}, verdict: 'would_fail', output: 1 }],
          },
        ],
        { validateOnly: true },
      ),
    ])
    expect(reply.map((it) => it.status)).toEqual([200, 409, 422, 422])
    expect(reply[0]?.body.results.map((it: Reply['body']) => it.outcome)).toEqual(
      Array(3).fill('new'),
    )
    expect(events).toEqual([])
    expectProblem(await get('/v1/catalogue/contract/validated.echo/1'), [404, 'not-found'])
    expect((await post(manifests)).status).toBe(201)
  })

  it('runs the golden cases again with another fixture of the same name', async () => {
    const { target, fixture, contract } = catalogueOf('refilled')
    const withFixture = (data: JsonObject) => [target(), { ...fixture, data }, contract]
    const checked = await post(withFixture({ word: 'dry' }), { validateOnly: true })
    expect(checked.status).toBe(200)
    const sent = await post(withFixture({ word: 'wet' }))
    expectProblem(sent, [422, 'manifest-invalid'])
    expect(sent.body.results[2].detail).toMatch(/\d of \d baseline cases differ/)
  })

  it.each<[string, unknown]>([
    ['no manifests', {}],
    ['an empty list', { manifests: [] }],
    ['an unknown kind', { manifests: [{ kind: 'Role', id: 'x', version: 1 }] }],
    ['an id with capitals', { manifests: [{ ...sampleFixture, id: 'Words' }] }],
    ['a version of 0', { manifests: [{ ...sampleFixture, version: 0 }] }],
    ['a member too many', { manifests: [sampleFixture], force: true }],
    ['a flag that is text', { manifests: [sampleFixture], validateOnly: 'true' }],
  ])('does not fit its schema with %s', async (_, body) => {
    expectProblem(await ledger.ask('POST', '/v1/catalogue', body), [422, 'schema-invalid'])
  })

  it('registers once when many send the same at once', async () => {
    const { manifests } = catalogueOf('racing')
    const { reply, events } = await watch(ledger, () =>
      Promise.all(Array.from({ length: 6 }, () => post(manifests))),
    )
    expect(reply.filter((it) => it.status === 201)).toHaveLength(1)
    expect(reply.filter((it) => it.status === 200)).toHaveLength(5)
    expect(typesOf(events)).toEqual(Array(3).fill('ManifestRegistered'))
  })
})

describe('GET /v1/catalogue, and retiring', () => {
  const { manifests, contract, target } = catalogueOf('shelf')
  beforeAll(() => register(ledger, manifests))
  const shelf = async (query = ''): Promise<Reply['body'][]> => {
    const { body } = await get(`/v1/catalogue${query}`)
    return body.manifests.filter((it: Reply['body']) => it.id.startsWith('shelf'))
  }

  it('lists every version, of all kinds or of one', async () => {
    expect((await shelf()).map((it) => it.kind)).toEqual(['Target', 'Fixture', 'Contract'])
    const [only] = await shelf('?kind=contract')
    expect(only).toEqual({
      kind: 'Contract',
      id: 'shelf.echo',
      version: 1,
      sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      executor: 'simulator',
      targets: contract.targets,
      revision: expect.any(Number),
      retired: false,
    })
    expectProblem(await get('/v1/catalogue?kind=Contract'), [422, 'schema-invalid'])
  })

  it('gives one version with its body; a slash of its id is %2F', async () => {
    const one = await get('/v1/catalogue/contract/shelf.echo/1')
    expect(one.status).toBe(200)
    expect(one.body.body).toEqual(contract)
    const slashed = await get('/v1/catalogue/target/shelf%2Fone/1')
    expect(slashed.body).toMatchObject({ kind: 'Target', id: 'shelf/one', body: target() })
  })

  it.each([
    ['contract/shelf.echo/2', 404, 'not-found'],
    ['fixture/shelf.echo/1', 404, 'not-found'],
    ['target/shelf/one/1', 404, 'not-found'],
    ['Contract/shelf.echo/1', 422, 'schema-invalid'],
    ['contract/Shelf/1', 422, 'schema-invalid'],
    ['contract/shelf.echo/0', 422, 'schema-invalid'],
    ['contract/shelf.echo/one', 422, 'schema-invalid'],
    ['contract/shelf.echo/2147483648', 422, 'schema-invalid'],
  ])('has no %s', async (path, status, code) => {
    expectProblem(await get(`/v1/catalogue/${path}`), [status, code])
  })

  it('retires a version for ever; retiring it again appends nothing', async () => {
    const first = await watch(ledger, () => retire(ledger, 'target', 'shelf/one'))
    expect(first.reply.status).toBe(200)
    const retired = { kind: 'Target', id: 'shelf/one', version: 1, retired: true }
    expect(first.reply.body).toEqual({ ...retired, eventsAppended: 1 })
    expect(first.events.map((it) => [it.type, it.data])).toEqual([
      ['ManifestRetired', { kind: 'Target', id: 'shelf/one', version: 1 }],
    ])
    expect(positionOf(first.reply)).toBe(first.events[0].position)
    const again = await watch(ledger, () => retire(ledger, 'target', 'shelf/one'))
    expect(again.reply.body).toEqual({ ...retired, eventsAppended: 0 })
    expect(again.events).toEqual([])
    const sent = await ledger.ask('POST', '/v1/catalogue', { manifests: [target()] })
    expect([sent.status, sent.body.results[0].outcome]).toEqual([200, 'unchanged'])
    expect((await shelf('?kind=target'))[0]).toMatchObject({ retired: true })
    expect((await get('/v1/catalogue/target/shelf%2Fone/1')).body.retired).toBe(true)
  })

  it('does not retire what is not there', async () => {
    const { reply, events } = await watch(ledger, () => retire(ledger, 'contract', 'shelf.none'))
    expectProblem(reply, [404, 'not-found'])
    expect(events).toEqual([])
  })
})
