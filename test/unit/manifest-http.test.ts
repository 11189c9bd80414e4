import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { JsonObject } from '../../domain/json.ts'
import {
  parseManifest,
  REQUEST_HEADERS,
  type ReceivedManifest,
} from '../../src/control/manifest.ts'

const TARGET = parse(`
kind: Target
id: agent-api/users
version: 1
executor: http
origin: http://127.0.0.1:8081
headers: { prefer: tx=rollback }
marker: { header: preference-applied, value: tx=rollback }
haltOnSuspicion: false
`) as ReceivedManifest
const CONTRACT = parse(`
kind: Contract
id: agent.rename
version: 1
executor: http
targets: agent-api/*
fixture: agent.none@1
sideEffects: none
params: { type: object, required: [id, name], additionalProperties: false, properties: { id: { type: string }, name: { type: string } } }
program: { method: POST, path: "/users/{id}/rename", bind: { id: /id }, body: { name: { $param: /name } } }
limits: { timeMs: 2000, bytes: 65536 }
`) as ReceivedManifest

const without = (manifest: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(manifest).filter(([key]) => key !== name))
const whyBad = (manifest: JsonObject) => parseManifest(manifest as ReceivedManifest).invalid
const target = (change: JsonObject) => whyBad({ ...TARGET, ...change })
const contract = (program: JsonObject, change: JsonObject = {}) =>
  whyBad({ ...CONTRACT, program, ...change })

describe('a target of type http', () => {
  it('may be what the interface shows, and is kept as received', () => {
    expect(parseManifest(TARGET)).toEqual({ body: TARGET, invalid: undefined })
    expect(target({ marker: { pointer: '/meta/dryRun', value: true } })).toBeUndefined()
    expect(target({ haltOnSuspicion: true })).toBeUndefined()
  })

  it('needs an origin, and nothing more', () => {
    const { kind, id, version, executor, origin } = TARGET
    expect(whyBad({ kind, id, version, executor, origin } as JsonObject)).toBeUndefined()
    expect(whyBad(without(TARGET, 'origin'))).toMatch(/^\/origin: /)
  })

  it.each(['http://a', 'https://a:8443', 'http://[::1]:8080', 'https://xn--bcher-kva.x'])(
    'may be at %s',
    (origin) => expect(target({ origin })).toBeUndefined(),
  )

  it.each([
    [
      'http://127.0.0.1:8081/',
      'http://a/b',
      'http://a?b',
      'http://a#b',
      'http://a:80',
      'https://a:443',
    ],
    ['HTTP://a', 'http://A', 'http://bücher.x', 'http://127.1', 'http://0x7f.1', 'http://[0::1]'],
    [
      'http://u:p@a',
      'http://u@a',
      ' http://a',
      'http://a\n',
      'http:a',
      'a',
      'a:80',
      '',
      '*',
      'null',
    ],
    ['ftp://a', 'ws://a', 'file:///etc/passwd', 'data:,x', 'unix:/run/a.sock', '10.0.0.0/8'],
  ])('is at an origin as it is serialized: not %j', (...origins) => {
    for (const origin of origins)
      expect(target({ origin }), origin).toBe(
        '/origin: an origin as it is serialized: https://host[:port]',
      )
  })

  it.each([null, 1, ['http://a'], { url: 'http://a' }])('is at no %j', (origin) => {
    expect(target({ origin })).toMatch(/^\/origin: .*expected string/)
  })

  it('sends the headers of the list, in any case, and holds nothing else back', () => {
    for (const name of REQUEST_HEADERS) {
      expect(target({ headers: { [name]: 'x' } }), name).toBeUndefined()
      expect(target({ headers: { [name.toUpperCase()]: 'x' } }), name).toBeUndefined()
    }
    expect(target({ headers: {} })).toBeUndefined()
  })

  it.each([
    ['host', 'Host', ':authority', 'x-forwarded-host', 'forwarded', 'x-forwarded-for', 'origin'],
    [
      'authorization',
      'Authorization',
      'proxy-authorization',
      'cookie',
      'x-api-key',
      'x-auth-token',
    ],
    [
      'connection',
      'keep-alive',
      'proxy-connection',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
    ],
    [
      'x-http-method-override',
      'X-HTTP-Method',
      'x-method-override',
      'x-original-url',
      'x-rewrite-url',
    ],
    ['content-length', 'content-type', 'content-encoding', 'accept-encoding', 'expect', 'range'],
    ['if-match', 'traceparent', 'x-unknown', 'prefer ', ' prefer', 'prefer\r\nhost', 'préfer', ''],
    ['constructor', 'toString', 'http2-settings', 'sec-websocket-key', 'referer', 'via', 'date'],
  ])('sends no other header: not %j', (...names) => {
    for (const name of names)
      expect(target({ headers: { [name]: 'x' } })?.startsWith(`/headers/${name}: `), name).toBe(
        true,
      )
  })

  it('says of another header that it may not be sent', () => {
    expect(target({ headers: { cookie: 'x' } })).toBe('/headers/cookie: no header that may be sent')
  })

  it.each([
    ['tx=rollback\r\nhost: a', '\r\n', 'a\nb', 'a\rb', 'a\u0000', 'a\tb', '\u007f', 'é', '😀'],
    ['', ' ', ' a', 'a ', 'a\n', '\na', 'a'.repeat(201)],
  ])('sends printable ASCII: not %j', (...values) => {
    for (const value of values)
      expect(target({ headers: { prefer: value } }), value).toBe('/headers/prefer: printable ASCII')
  })

  it('sends texts, each header once', () => {
    expect(target({ headers: { prefer: 1 } })).toMatch(/^\/headers\/prefer: .*expected string/)
    expect(target({ headers: ['prefer'] })).toMatch(/^\/headers: /)
    expect(target({ headers: { prefer: 'a', Prefer: 'b' } })).toBe('/headers: has one twice')
  })

  it.each<[string, JsonObject]>([
    ['of both kinds', { header: 'a', pointer: '/a', value: 'x' }],
    ['of no kind', { value: 'x' }],
    ['of nothing', {}],
    ['without a value', { header: 'a' }],
    ['of a header that is a number', { header: 'a', value: 1 }],
    ['of a header that is true', { header: 'a', value: true }],
    ['of a pointer to null', { pointer: '/a', value: null }],
    ['of a pointer to an object', { pointer: '/a', value: {} }],
    ['of a pointer to a list', { pointer: '/a', value: [] }],
  ])('has no marker %s', (_what, marker) => {
    expect(target({ marker })).toBe('/marker: is { header, value } or { pointer, value }')
  })

  it.each([
    [{ header: '', value: 'x' }, '/marker/header: the name of a header'],
    [{ header: 'a b', value: 'x' }, '/marker/header: the name of a header'],
    [{ header: 'a:', value: 'x' }, '/marker/header: the name of a header'],
    [{ header: 'a\r\nb', value: 'x' }, '/marker/header: the name of a header'],
    [{ header: 'a', value: '' }, '/marker/value: printable ASCII'],
    [{ header: 'a', value: ' x' }, '/marker/value: printable ASCII'],
    [{ header: 'a', value: 'x\r\ny' }, '/marker/value: printable ASCII'],
    [{ header: 'a', value: 'x,y' }, '/marker/value: one member of a list, unquoted'],
    [{ header: 'a', value: '"x"' }, '/marker/value: one member of a list, unquoted'],
    [{ pointer: 'a', value: 'x' }, '/marker/pointer: a JSON Pointer'],
    [{ pointer: '/~2', value: 'x' }, '/marker/pointer: a JSON Pointer'],
  ])('has no marker %j', (marker, why) => {
    expect(target({ marker })).toBe(why)
  })

  it('has no marker with more to say, of the whole body, or of an empty text', () => {
    const marker = { header: 'a', value: 'x', optional: true }
    expect(target({ marker })).toBe('/marker: Unrecognized key: "optional"')
    expect(target({ marker: { pointer: '', value: true } })).toMatch(/^\/marker\/pointer: /)
    expect(target({ marker: { pointer: '/a', value: '' } })).toMatch(/^\/marker/)
  })

  it('has no marker that it sends itself, in whatever case', () => {
    for (const [sent, header] of [
      ['prefer', 'prefer'],
      ['Prefer', 'prefer'],
      ['prefer', 'PREFER'],
      ['x-dry-run', 'X-Dry-Run'],
    ] as const)
      expect(target({ headers: { [sent]: 'x' }, marker: { header, value: 'x' } })).toBe(
        '/marker: is sent with the request: what is echoed shows nothing',
      )
    for (const header of ['Content-Type', 'accept', 'host', 'User-Agent'])
      expect(target({ marker: { header, value: 'x' } })).toMatch(/^\/marker: is sent/)
    expect(target({ marker: { header: 'prefer', value: 'x' }, headers: {} })).toBeUndefined()
  })

  it('has nothing else', () => {
    expect(target({ source: 'shop' })).toBe('/: Unrecognized key: "source"')
    expect(target({ method: 'POST' })).toBe('/: Unrecognized key: "method"')
    expect(target({ haltOnSuspicion: 'yes' })).toMatch(/^\/haltOnSuspicion: .*expected boolean/)
    expect(target({ replica: 'yes' })).toMatch(/^\/: Unrecognized key: "replica"/)
  })

  it('may have a cross-check: one question to a source', () => {
    const crossCheck = { source: 'shop', schemas: ['shop'], sql: 'select 1', bind: ['/id'] }
    expect(target({ crossCheck })).toBeUndefined()
    expect(target({ crossCheck: { source: 'shop', sql: 'select 1' } })).toBeUndefined()
    for (const [change, why] of [
      [{ source: '' }, /^\/crossCheck\/source: /],
      [{ sql: '' }, /^\/crossCheck\/sql: /],
      [{ schemas: [] }, /^\/crossCheck\/schemas: /],
      [{ bind: ['id'] }, /^\/crossCheck\/bind\/0: a JSON Pointer/],
      [{ url: 'postgres://x' }, /^\/crossCheck: Unrecognized key: "url"/],
    ] as const)
      expect(target({ crossCheck: { ...crossCheck, ...change } })).toMatch(why)
  })
})

describe('a contract of type http', () => {
  it('may be what the interface shows, and is kept as received', () => {
    expect(parseManifest(CONTRACT)).toEqual({ body: CONTRACT, invalid: undefined })
    expect(contract({ method: 'GET', path: '/users/{id}', bind: { id: '/id' } })).toBeUndefined()
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'])
      expect(contract({ method, path: '/' })).toBeUndefined()
  })

  it.each(['PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'get', 'Post', '', null, 1])(
    'has no method %j',
    (method) => {
      expect(contract({ method, path: '/' })).toBe(
        '/program/method: Invalid option: expected one of "GET"|"HEAD"|"OPTIONS"|"POST"',
      )
    },
  )

  it.each([
    ['users', '', 'http://a/b', '//a', '/a//b', '/a?b=c', '/a#b', '/a%2e', '/%2e%2e/a', '/a b'],
    ['/a\r\nb', '/a\\b', '/é', '/a;b', '/a:b', '/a@b', '/a+b', '/{id}?x={id}', '*'],
  ])('has a path of unreserved characters that begins with one slash: not %j', (...paths) => {
    for (const path of paths)
      expect(contract({ method: 'GET', path }), path).toBe(
        '/program/path: a path of unreserved characters',
      )
  })

  it.each<[string, JsonObject, string]>([
    ['a dot segment', { path: '/a/./b' }, 'its path may not have the segment .'],
    ['a double dot segment', { path: '/a/..' }, 'its path may not have the segment ..'],
    [
      'half a placeholder',
      { path: '/a{id}', bind: { id: '/id' } },
      'may not have the segment a{id}',
    ],
    ['an unbound placeholder', { path: '/{id}' }, 'its path has {id}, and nothing is bound to it'],
    ['an unused pointer', { bind: { id: '/id' } }, 'id is bound, and its path has no {id}'],
    ['a GET with a body', { body: {} }, 'a GET has no body'],
    ['a GET with the body null', { body: null }, 'a GET has no body'],
    ['a HEAD with a body', { method: 'HEAD', body: 'x' }, 'a HEAD has no body'],
    ['a param with siblings', { method: 'POST', body: [{ $param: '/a', b: 1 }] }, 'is not alone'],
    ['a param without a pointer', { method: 'POST', body: { a: { $param: 1 } } }, 'or no pointer'],
    ['a param of no pointer', { method: 'POST', body: { a: { $param: 'name' } } }, 'or no pointer'],
  ])('has no program with %s', (_what, program, why) => {
    const said = contract({ method: 'GET', path: '/', ...program })
    expect(said).toMatch(/^\/program: /)
    expect(said).toContain(why)
  })

  it('has a program of one request and nothing more', () => {
    expect(contract({ method: 'GET' })).toMatch(/^\/program\/path: /)
    expect(contract({ path: '/' })).toMatch(/^\/program\/method: /)
    for (const name of ['headers', 'query', 'origin', 'sql'])
      expect(contract({ method: 'GET', path: '/', [name]: '' })).toBe(
        `/program: Unrecognized key: "${name}"`,
      )
    expect(contract({ method: 'GET', path: '/{id}', bind: { id: 'id' } })).toBe(
      '/program/bind/id: a JSON Pointer',
    )
    expect(contract({ method: 'GET', path: '/{id}', bind: ['/id'] })).toMatch(/^\/program\/bind: /)
  })

  it('declares that it has no side effects, and no golden cases: a service may answer otherwise', () => {
    const program = { method: 'GET', path: '/' }
    expect(contract(program, { sideEffects: 'some' })).toBe(
      '/sideEffects: must be declared as none',
    )
    expect(contract(program, { baseline: [] })).toBe('/: Unrecognized key: "baseline"')
  })
})
