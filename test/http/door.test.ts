import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { ScriptedExecutor } from '../support/doubles.ts'
import { catalogueOf, historyOf, register, watch } from '../support/front-door.ts'
import { type JsonCase, jsonTestSuite } from '../support/json-test-suite.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand, sampleFixture } from '../support/sample.ts'

let ledger: TestLedger
/** Where the server really listens. */
let url: string
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: new ScriptedExecutor().registry })
  await ledger.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(ledger.app.server.address() as AddressInfo).port}`
})
afterAll(() => ledger.close())

const JSON_TYPE = { 'content-type': 'application/json' }

/** A request over a socket, with nothing but what the test says in its head. */
async function request(
  method: string,
  path: string,
  body: string | Uint8Array | null,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${ledger.key}`, ...headers },
    body: body as string | null,
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? null : JSON.parse(text),
    headers: Object.fromEntries(response.headers),
  }
}
const post = (
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = JSON_TYPE,
) => request('POST', path, body, headers)

/** Runs over all items, a few at a time. */
async function eachOf<T>(items: readonly T[], use: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await use(item)
  }
  await Promise.all(Array.from({ length: 6 }, worker))
}

describe('every body is read by the one strict parser', () => {
  const fits = ({ bytes }: JsonCase) => bytes.length <= LIMITS.bodyBytes
  const cases = jsonTestSuite()

  it('answers each of the published and own documents as the parser alone does', async () => {
    const wrong: string[] = []
    const before = await ledger.countEvents()
    await eachOf(cases.filter(fits), async ({ name, bytes, expected }) => {
      const { status, body } = await post('/v1/dispatches', bytes)
      const wanted = expected === 'accepted' ? '422 schema-invalid' : `400 ${expected}`
      if (`${status} ${body.code}` !== wanted) wrong.push(`${name}: ${status} ${body.code}`)
    })
    expect(wrong).toEqual([])
    expect(cases.filter(fits).length).toBeGreaterThan(650)
    expect(await ledger.countEvents()).toBe(before)
  })

  it('finds the documents over 64 KiB too large, whatever is in them', async () => {
    const large = cases.filter((it) => !fits(it))
    expect(large.length).toBeGreaterThanOrEqual(2)
    for (const { bytes } of large) {
      const { status, body } = await ledger.send('/v1/dispatches', Buffer.from(bytes))
      expect({ status, code: body.code }).toEqual({ status: 413, code: 'too-large' })
    }
  })

  /** One of each defect, as a value that stands inside a body which is otherwise good. */
  const DEFECTS: readonly (readonly [string, string])[] = [
    ['malformed-json', '{"a":1,}'],
    ['duplicate-key', '{"a":1,"\\u0061":1}'],
    ['unsafe-number', '[0.1000000000000000055]'],
    ['lone-surrogate', '"\\udc00"'],
    ['nul-character', '{"a\\u0000":1}'],
    ['forbidden-key', '{"__proto__":null}'],
    ['too-deep', '['.repeat(31) + ']'.repeat(31)],
  ]
  const command = JSON.stringify(sampleCommand()).replace('{"say":"hello"}', '{"say":%}')
  const state = '{"state":"HALTED","reason":"r","more":[%]}'
  const manifest = JSON.stringify(sampleFixture).replace('{"word":"dry"}', '[%]')
  it.each([
    ['POST', '/v1/dispatches', command],
    ['POST', '/v1/explain', command],
    ['PUT', '/v1/switch/global', state],
    ['POST', '/v1/catalogue', `{"manifests":[${manifest}]}`],
    ['POST', '/v1/catalogue/fixture/sample.words/1/retire', '[[%]]'],
  ])(
    '%s %s refuses each defect under its own code, and does nothing',
    async (method, path, text) => {
      const { events } = await watch(ledger, async () => {
        for (const [code, value] of DEFECTS) {
          const reply = await request(method, path, text.replace('%', value), JSON_TYPE)
          expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 400, code })
          expect(reply.headers['content-type']).toMatch(/^application\/problem\+json\b/)
          expect(reply.body).toMatchObject({ recorded: 'none', rule: null, stage: null })
        }
      })
      expect(events).toEqual([])
      expect((await ledger.ask('GET', '/v1/switch')).body.scopes.global.state).toBe('DRY_RUN_ONLY')
    },
  )

  it('says where a defect is', async () => {
    const { body } = await post('/v1/dispatches', '{\n  "params": { "a": [1, 1e400] }\n}')
    expect(body.detail).toContain('/params/a/1')
    expect(body.detail).toContain('line 2')
  })

  it('takes bytes that are not UTF-8, or start with a byte order mark, for no JSON', async () => {
    const bytes = Buffer.from(JSON.stringify(sampleCommand()))
    for (const body of [
      Buffer.concat([Buffer.from('\ufeff'), bytes]),
      Buffer.from(bytes.toString(), 'utf16le'),
      Buffer.concat([bytes.subarray(0, -1), Buffer.from([0xff, 0x7d])]),
    ]) {
      expect((await post('/v1/dispatches', body)).body.code).toBe('malformed-json')
    }
  })
})

describe('the order of the door', () => {
  const HUGE = 'x'.repeat(LIMITS.catalogueBodyBytes + 1)
  const bodies: readonly (readonly [string, string, Record<string, string>])[] = [
    ['a malformed body', '{', JSON_TYPE],
    ['a body of another media type', 'a=1', { 'content-type': 'text/plain' }],
    ['a body that is too large', HUGE, JSON_TYPE],
    ['a body that does not fit the schema', '{}', JSON_TYPE],
  ]
  const routes = ['/v1/dispatches', '/v1/explain', '/v1/catalogue'] as const

  it.each(bodies)('asks for a key before it looks at %s', async (_, payload, headers) => {
    for (const path of routes) {
      const { status, body } = await ledger.send(path, payload, { key: '', headers })
      expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' })
    }
  })

  it.each(bodies)('asks for the scope before it looks at %s', async (_, payload, headers) => {
    const key = await ledger.newKey({ scopes: ['switch:read'] })
    for (const path of routes) {
      const { status, body } = await ledger.send(path, payload, { key, headers })
      expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' })
    }
  })

  it('finds a body too large, or of another type, before it reads it', async () => {
    const answers = [
      await ledger.send('/v1/dispatches', HUGE),
      await ledger.send('/v1/dispatches', '{', { headers: { 'content-type': 'text/plain' } }),
    ]
    expect(answers.map((it) => it.body.code)).toEqual(['too-large', 'media-type'])
  })

  it('judges the JSON before the schema, and the schema before the namespaces of the key', async () => {
    const key = await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:team'] })
    const outside = sampleCommand({ outputNamespace: 'PROD:x' })
    const text = JSON.stringify({ ...outside, extra: 1 })
    const codes = [
      await ledger.send('/v1/dispatches', text.replace('{', '{"mode":1,'), { key }),
      await ledger.send('/v1/dispatches', text, { key }),
      await ledger.dispatch(outside, { key }),
      await ledger.dispatch(outside),
    ].map((it) => it.body.code)
    expect(codes).toEqual(['duplicate-key', 'schema-invalid', 'forbidden', 'namespace-production'])
  })
})

describe('the media type', () => {
  const command = JSON.stringify(sampleCommand({ mode: 'PLAN_ONLY' }))

  it.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    '%s is taken',
    async (type) => {
      const { status } = await post('/v1/dispatches', command, { 'content-type': type })
      expect([200, 201]).toContain(status)
    },
  )

  it.each([
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/merge-patch+json',
    'application/octet-stream',
    'json',
  ])('%s is none', async (type) => {
    const { status, body } = await post('/v1/dispatches', command, { 'content-type': type })
    expect({ status, code: body.code }).toEqual({ status: 415, code: 'media-type' })
  })

  it('cannot be left out beside a body', async () => {
    const bytes = new TextEncoder().encode(command)
    const { status, body } = await post('/v1/dispatches', bytes, {})
    expect({ status, code: body.code }).toEqual({ status: 415, code: 'media-type' })
  })

  it('and a request without a body does not fit the schema', async () => {
    const { status, body } = await request('POST', '/v1/dispatches', null)
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'schema-invalid' })
  })
})

describe('the limits', () => {
  /** A text of exactly so many bytes: white space may stand around any value. */
  const padded = (value: unknown, bytes: number): string => JSON.stringify(value).padEnd(bytes, ' ')
  const plan = sampleCommand({ occurrence: 'limits', mode: 'PLAN_ONLY' })

  it('takes a command of 64 KiB, and none of a byte more', async () => {
    const fits = await ledger.send('/v1/dispatches', padded(plan, 65_536))
    expect(fits.status).toBe(201)
    for (const path of ['/v1/dispatches', '/v1/explain', '/v1/catalogue/fixture/x/1/retire']) {
      const { status, body } = await ledger.send(path, padded(plan, 65_537))
      expect({ status, code: body.code }).toEqual({ status: 413, code: 'too-large' })
    }
  })

  it('takes a catalogue of 512 KiB, and none of a byte more', async () => {
    const catalogue = { manifests: [sampleFixture] }
    const fits = await ledger.send('/v1/catalogue', padded(catalogue, 524_288))
    expect(fits.status).toBe(200)
    const { status, body } = await ledger.send('/v1/catalogue', padded(catalogue, 524_289))
    expect({ status, code: body.code }).toEqual({ status: 413, code: 'too-large' })
  })

  it('counts a body that comes without its length', async () => {
    const parts = async function* () {
      yield Buffer.from('{"a":"')
      for (let n = 0; n < 20; n++) yield Buffer.alloc(8_192, 'x')
    }
    const response = await fetch(`${url}/v1/dispatches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ledger.key}`, ...JSON_TYPE },
      body: parts(),
      duplex: 'half',
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'too-large' })
  })

  it('takes params of 32 KiB of canonical text, and none of a byte more', async () => {
    const { manifests, command } = catalogueOf('large')
    await register(ledger, manifests)
    const say = (bytes: number) => 'x'.repeat(bytes - '{"say":""}'.length)
    const fits = command({ params: { say: say(32_768) }, mode: 'PLAN_ONLY' })
    expect((await ledger.dispatch(fits)).status).toBe(201)
    const { reply, events } = await watch(ledger, () =>
      ledger.dispatch(command({ params: { say: say(32_769) }, mode: 'PLAN_ONLY' })),
    )
    expect({ status: reply.status, code: reply.body.code }).toEqual({
      status: 413,
      code: 'too-large',
    })
    expect(events).toEqual([])
  })

  it('counts the canonical text of the params, in bytes: not their characters or white space', async () => {
    const { manifests, command } = catalogueOf('canonical')
    await register(ledger, manifests)
    const text = (say: string) =>
      JSON.stringify(command({ params: { say: '%' }, mode: 'PLAN_ONLY' })).replace('"%"', say)
    const spaced = text(`${' '.repeat(40_000)}"x"`)
    expect((await ledger.send('/v1/dispatches', spaced)).status).toBe(201)
    const escaped = text(`"${'\\u0041'.repeat(8_000)}"`)
    expect((await ledger.send('/v1/dispatches', escaped)).status).toBe(201)
    const wide = text(`"${'€'.repeat(11_000)}"`)
    expect((await ledger.send('/v1/dispatches', wide)).body.code).toBe('too-large')
  })
})

describe('the schema of a command', () => {
  const good = sampleCommand()
  const without = (member: string) =>
    Object.fromEntries(Object.entries(good).filter(([name]) => name !== member))

  it.each<[string, unknown]>([
    ['an unknown member', { ...good, note: 'x' }],
    ['an unknown member of the contract', { ...good, contract: { ...good.contract, sha256: 'x' } }],
    ['an unknown mode', { ...good, mode: 'LIVE' }],
    ['no mode', without('mode')],
    ['no contract', without('contract')],
    ['no target', without('target')],
    ['no params', without('params')],
    ['no namespace', without('outputNamespace')],
    ['params that are a list', { ...good, params: [] }],
    ['params that are null', { ...good, params: null }],
    ['a version that is text', { ...good, contract: { id: 'sample.echo', version: '1' } }],
    ['a version of 0', { ...good, contract: { id: 'sample.echo', version: 0 } }],
    ['a version over 2^31-1', { ...good, contract: { id: 'sample.echo', version: 2 ** 31 } }],
    ['half a version', { ...good, contract: { id: 'sample.echo', version: 1.5 } }],
    ['a contract id with capitals', { ...good, contract: { id: 'Sample.echo', version: 1 } }],
    ['a target of five segments', { ...good, target: 'a/b/c/d/e' }],
    ['a target with an empty segment', { ...good, target: 'a//b' }],
    ['a target that ends with a line feed', { ...good, target: 'sample/one\n' }],
    ['a target with spaces around', { ...good, target: ' sample/one ' }],
    ['an occurrence with a space', { ...good, occurrence: 'a b' }],
    ['an occurrence of 65 characters', { ...good, occurrence: 'x'.repeat(65) }],
    ['an occurrence that is null', { ...good, occurrence: null }],
    ['a list of commands', [good]],
    ['null', null],
    ['text', 'DRY_RUN'],
  ])('refuses %s, and stores nothing', async (_, body) => {
    const { reply, events } = await watch(ledger, () =>
      ledger.send('/v1/dispatches', JSON.stringify(body)),
    )
    expect(reply.status).toBe(422)
    expect(reply.body).toMatchObject({
      code: 'schema-invalid',
      recorded: 'none',
      whoMustAct: 'caller',
      retryable: false,
    })
    expect(reply.body.issues.length).toBeGreaterThan(0)
    expect(events).toEqual([])
  })

  it('fills in nothing but an occurrence that was left out', async () => {
    const { body } = await ledger.dispatch({ ...without('occurrence'), mode: 'PLAN_ONLY' })
    const explicit = await ledger.dispatch({ ...good, mode: 'PLAN_ONLY' })
    expect(explicit.body).toMatchObject({ dispatchId: body.dispatchId, outcome: 'replayed' })
  })
})

describe('keys', () => {
  const status = async (authorization: string | undefined): Promise<number> => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const response = await fetch(`${url}/v1/switch`, { headers })
    const body = (await response.json()) as { code?: string }
    expect(body.code).toBe(response.status === 200 ? undefined : 'unauthenticated')
    return response.status
  }
  const bearer = (key: string) => status(`Bearer ${key}`)

  it('that exist open the door, however "bearer" is written', async () => {
    expect(await bearer(ledger.key)).toBe(200)
    expect(await status(`bearer ${ledger.key}`)).toBe(200)
  })

  it('that are malformed, unknown or not those of their id open nothing', async () => {
    const id = ledger.key.slice(0, 'dl_aaaaaaaaaaaa'.length)
    const secret = ledger.key.slice(id.length + 1)
    const other = await ledger.newKey()
    const keys = [
      '',
      'x',
      `${ledger.key}x`,
      ledger.key.slice(0, -1),
      ledger.key.toUpperCase(),
      `${id}_${other.slice(id.length + 1)}`,
      `dl_aaaaaaaaaaaa_${secret}`,
      `${id}_${'A'.repeat(43)}`,
      `${ledger.key} ${ledger.key}`,
      `${id}'or'1'='1_${secret}`,
    ]
    for (const key of keys) expect(await bearer(key)).toBe(401)
    expect(await status(undefined)).toBe(401)
  })

  it.each(['Basic', 'Token', 'Bearer Bearer', ''])(
    'do not open it under the scheme "%s"',
    async (scheme) => {
      expect(await status(`${scheme} ${ledger.key}`.trim())).toBe(401)
    },
  )

  it('that come twice in one request open nothing, whichever of them is valid', async () => {
    const two = (first: string, second: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = ['host', 'x', 'Authorization', first, 'authorization', second]
        get(`${url}/v1/switch`, { headers }, (response) => {
          response.resume()
          resolve(response.statusCode)
        }).on('error', reject)
      })
    const valid = `Bearer ${ledger.key}`
    expect(await two(valid, 'Bearer x')).toBe(401)
    expect(await two('Bearer x', valid)).toBe(401)
    expect(await two(valid, valid)).toBe(401)
  })

  it('that are very long open nothing', async () => {
    expect(await bearer(`${ledger.key}${'x'.repeat(10_000)}`)).toBe(401)
  })

  it('that have expired or were revoked open nothing', async () => {
    const expired = await ledger.newKey({ expiresAt: new Date(Date.now() - 1_000) })
    const valid = await ledger.newKey({ expiresAt: new Date(Date.now() + 60_000) })
    expect([await bearer(expired), await bearer(valid)]).toEqual([401, 200])
    await ledger.database.query('update ledger.access_keys set revoked_at = now() where id = $1', [
      valid.split('_')[1],
    ])
    expect(await bearer(valid)).toBe(401)
  })

  it('are kept as hashes, and no answer and no event has one', async () => {
    const secret = ledger.key.split('_').slice(2).join('_')
    const rows = await ledger.database.query(
      'select to_json(k)::text as text from ledger.access_keys k',
    )
    expect(JSON.stringify(rows)).not.toContain(secret)
    expect(JSON.stringify((await ledger.ask('GET', '/v1/events')).body)).not.toContain(secret)
  })
})

describe('what ties a call together', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

  it('is the trace id of traceparent in every event, and the call id in X-Request-Id', async () => {
    const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`
    const command = sampleCommand({ occurrence: 'traced' })
    const { headers, body } = await ledger.dispatch(command, { headers: { traceparent } })
    const events = await historyOf(ledger, body.dispatchId)
    expect(events).toHaveLength(3)
    const keyId = ledger.key.split('_')[1]
    for (const { metadata } of events) {
      expect(metadata).toEqual({
        callId: headers['x-request-id'],
        correlationId: TRACE,
        actor: `key:${keyId}`,
        schemaVersion: 1,
      })
    }
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  })

  it.each([
    undefined,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${TRACE}`,
  ])('is drawn where traceparent is %j', async (traceparent) => {
    const command = sampleCommand({ occurrence: `drawn-${String(traceparent).length}` })
    const headers = traceparent === undefined ? {} : { traceparent }
    const { body } = await ledger.dispatch({ ...command, mode: 'PLAN_ONLY' }, { headers })
    const [planned] = await historyOf(ledger, body.dispatchId)
    expect(planned.metadata.correlationId).toMatch(/^[0-9a-f]{32}$/)
    expect(planned.metadata.correlationId).not.toBe(TRACE)
    expect(planned.metadata.correlationId).not.toBe('0'.repeat(32))
  })

  it('is in the control events too', async () => {
    const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }
    const manifests = [{ ...sampleFixture, id: 'traced.words' }]
    const { reply, events } = await watch(ledger, () =>
      ledger.ask('POST', '/v1/catalogue', { manifests }, { headers }),
    )
    expect(events[0].metadata).toMatchObject({
      callId: reply.headers['x-request-id'],
      correlationId: TRACE,
    })
  })

  it('is in the head of every answer, a refusal at the door as well', async () => {
    const ids = new Set<unknown>()
    for (const path of ['/livez', '/nothing', '/v1/switch']) {
      ids.add((await ledger.ask('GET', path, undefined, { key: '' })).headers['x-request-id'])
    }
    expect(ids.size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('an address that is none', () => {
  it.each([
    ['the root', 'GET', '/'],
    ['a prefix of an address', 'GET', '/v1'],
    ['another method', 'DELETE', '/v1/dispatches'],
    ['one method more', 'PATCH', '/v1/switch/global'],
    ['a slash too many', 'GET', '/v1/dispatches/'],
    ['an escape that is none', 'GET', '/v1/dispatches/%ZZ'],
    ['a segment of 1,200 characters', 'GET', `/v1/dispatches/${'a'.repeat(1_200)}`],
  ])('with %s is answered with problem details', async (_, method, path) => {
    const headers = { authorization: `Bearer ${ledger.key}` }
    const response = await fetch(url + path, { method, headers })
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
    const body = (await response.json()) as { code: string; status: number }
    expect(body.status).toBe(response.status)
    expect(['not-found', 'schema-invalid', 'too-large', 'malformed-json']).toContain(body.code)
  })
})
