import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BODY_PARAMS_MAX,
  HTTP_METHODS,
  type HttpProgram,
  httpRequest,
  PATH_PATTERN,
  SAFE_METHODS,
  unusablePointers,
  whyBadHttpProgram,
} from '../../domain/http-program.ts'
import type { Json, JsonObject } from '../../domain/json.ts'

const get = (path: string, bind?: Record<string, string>): HttpProgram => ({
  method: 'GET',
  path,
  ...(bind && { bind }),
})
const post = (body: Json): HttpProgram => ({ method: 'POST', path: '/', body })

describe('the methods of a program', () => {
  it('are the safe ones and POST, and nothing else', () => {
    expect(SAFE_METHODS).toEqual(['GET', 'HEAD', 'OPTIONS'])
    expect(HTTP_METHODS).toEqual([...SAFE_METHODS, 'POST'])
  })
})

describe('the path of a program', () => {
  it.each(['/', '/a', '/a/', '/a/b.c_d~e-F9', '/{id}', '/users/{id}/rename', '/...', '/.a'])(
    'may be %s',
    (path) => {
      expect(PATH_PATTERN.test(path)).toBe(true)
      expect(whyBadHttpProgram(get(path, path.includes('{id}') ? { id: '/id' } : {}))).toBeNull()
    },
  )

  it.each([
    ['', 'a', 'a/b', '//', '//a', '/a//b', '/a//', '/a?b=c', '/a?', '/a#b', '/a%20b', '/%2e%2e'],
    ['/a b', ' /a', '/a ', '/a\n', '\n/a', '/a\\b', '/é', '/a;b', '/a:b', '/a@b', '/a=b', '/a+b'],
    ['/a!b', "/a'b", '/a(b)', '/a*b', '/a,b', '/a$b', '/a&b', '/\u0000', 'http://a/b', '*'],
  ])('may not be %j', (...paths) => {
    for (const path of paths) expect(PATH_PATTERN.test(path), path).toBe(false)
  })

  it.each(['.', '..'])('may not have the segment %s, wherever it stands', (dots) => {
    for (const path of [`/${dots}`, `/a/${dots}`, `/${dots}/a`, `/a/${dots}/b`]) {
      expect(whyBadHttpProgram(get(path))).toBe(`its path may not have the segment ${dots}`)
    }
  })

  it.each([
    ['a{id}', '{id}a', '{id}{id}', '{', '}', '{}', '{id', 'id}', '{{id}}', '}id{'],
    ['{Id}', '{1d}', '{i-d}', '{i_d}', '{i.d}', `{${'a'.repeat(33)}}`],
  ])('has placeholders that are whole segments with a name: not %s', (...segments) => {
    for (const segment of segments) {
      const why = whyBadHttpProgram(get(`/a/${segment}/b`, { id: '/id', Id: '/id' }))
      expect(why).toBe(`its path may not have the segment ${segment}`)
    }
  })

  it('has a pointer for each placeholder, and a placeholder for each pointer', () => {
    const unbound = 'its path has {id}, and nothing is bound to it'
    expect(whyBadHttpProgram(get('/{id}'))).toBe(unbound)
    expect(whyBadHttpProgram(get('/{id}', {}))).toBe(unbound)
    expect(whyBadHttpProgram(get('/{id}/{to}', { id: '/id' }))).toMatch('{to}')
    const unused = get('/{id}', { id: '/id', to: '/to' })
    expect(whyBadHttpProgram(unused)).toBe('to is bound, and its path has no {to}')
    expect(whyBadHttpProgram(get('/id', { id: '/id' }))).toMatch('id is bound')
  })

  it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty'])(
    'has nothing bound to {%s} where only the prototype has it',
    (name) => {
      expect(whyBadHttpProgram(get(`/{${name}}`, {}))).toMatch('nothing is bound to it')
      expect(whyBadHttpProgram(get(`/{${name}}`, { [name]: '/id' }))).toBeNull()
    },
  )

  it('may use a placeholder twice', () => {
    const program = get('/{id}/of/{id}', { id: '/id' })
    expect(whyBadHttpProgram(program)).toBeNull()
    expect(httpRequest(program, { id: 'x' })?.path).toBe('/x/of/x')
  })
})

const pathOf = (value: Json): string | undefined =>
  httpRequest(get('/a/{id}/b', { id: '/id' }), { id: value })?.path

describe('a param in a path', () => {
  it.each<[Json, string]>([
    ['AZaz09-._~', 'AZaz09-._~'],
    ['a b/c\\d', 'a%20b%2Fc%5Cd'],
    ["!*'()", '%21%2A%27%28%29'],
    ['?#[]@$&+,;=:', '%3F%23%5B%5D%40%24%26%2B%2C%3B%3D%3A'],
    ['%2e%2e', '%252e%252e'],
    ['{id}', '%7Bid%7D'],
    ['é😀', '%C3%A9%F0%9F%98%80'],
    ['...', '...'],
    ['a..b', 'a..b'],
    [0, '0'],
    [-1.5, '-1.5'],
    [1e21, '1e%2B21'],
    [false, 'false'],
  ])('%j is the segment %s', (value, segment) => {
    expect(pathOf(value)).toBe(`/a/${segment}/b`)
  })

  const USELESS: readonly Json[] = [
    ['', '.', '..', '../x', 'x/..', 'a/../b', 'a/./b', '..\\x', 'x\\..', 'a\\.\\b', '/..', './'],
    ['\u0000', 'a\u0000', 'a\r\nb', '\t', '\u007f', 'a\u0085'],
    [null, [], ['a'], {}, { a: 'b' }],
  ].flat()

  it.each(USELESS)('that is %j is unusable', (value) => {
    const program = get('/{id}', { id: '/id' })
    expect(unusablePointers(program, { id: value })).toEqual(['/id'])
    expect(httpRequest(program, { id: value })).toBeNull()
  })

  it('is the own member that its pointer names, or unusable', () => {
    const program = get('/{a}/{b}', { a: '/deep/er/0', b: '/x~1y' })
    expect(httpRequest(program, { deep: { er: ['here'] }, 'x/y': 7 })?.path).toBe('/here/7')
    expect(unusablePointers(program, { deep: { er: [] } })).toEqual(['/deep/er/0', '/x~1y'])
  })
})

describe('a body of a program', () => {
  const filled = (body: Json, params: JsonObject): Json | undefined =>
    httpRequest(post(body), params)?.body

  it('is sent as it stands where it has no param', () => {
    for (const body of [null, false, 0, '', [], {}, { a: [1, { b: null }] }, 'x'] as Json[]) {
      expect(whyBadHttpProgram(post(body))).toBeNull()
      expect(filled(body, {})).toEqual(body)
    }
  })

  it('is sent with a POST alone, and null is one', () => {
    for (const method of SAFE_METHODS as readonly HttpProgram['method'][]) {
      for (const body of [null, {}, '']) {
        const why = whyBadHttpProgram({ method, path: '/', body })
        expect(why).toBe(`a ${method} has no body`)
      }
    }
    const bare = { method: 'POST', path: '/' } as const
    expect(httpRequest(bare, {})).toStrictEqual({ ...bare, body: undefined })
  })

  it('has params at every depth, in objects and in lists', () => {
    const at = (pointer: string): JsonObject => ({ $param: pointer })
    expect(filled(at('/a'), { a: 1 })).toBe(1)
    expect(filled(at(''), { a: 1 })).toEqual({ a: 1 })
    const body = { x: at('/a'), y: [at('/b'), [at('/b/0'), { z: { z: at('/c') } }], 'kept'] }
    expect(filled(body, { a: { n: 1 }, b: ['one'], c: 'three' })).toEqual({
      x: { n: 1 },
      y: [['one'], ['one', { z: { z: 'three' } }], 'kept'],
    })
  })

  it.each<Json>([null, false, 0, '', [], {}, '..', { $param: '/secret' }, [{ $param: '/secret' }]])(
    'takes the value %j as it is, and looks for no param in it',
    (value) => {
      const body = { a: [{ $param: '/v' }] }
      expect(unusablePointers(post(body), { v: value, secret: 1 })).toEqual([])
      expect(filled(body, { v: value, secret: 1 })).toEqual({ a: [value] })
    },
  )

  it.each<[string, JsonObject]>([
    ['beside another member', { $param: '/a', b: 1 }],
    ['beside a second one of other case', { $param: '/a', $Param: '/a' }],
    ['that is a number', { $param: 1 }],
    ['that is null', { $param: null }],
    ['that is an object', { $param: { $param: '/a' } }],
    ['that does not begin with a slash', { $param: 'a' }],
    ['that begins like a fragment', { $param: '#/a' }],
    ['that escapes nothing', { $param: '/a~2' }],
  ])('may not have a $param %s, at any depth', (_what, place) => {
    const why = 'a $param of its body is not alone, or no pointer'
    for (const body of [place, [place], { x: [[{ y: place }]] }, { ok: { $param: '/a' }, place }])
      expect(whyBadHttpProgram(post(body)), JSON.stringify(body)).toBe(why)
  })

  it('has at most a hundred params, wherever they stand', () => {
    const params = (count: number) => Array.from({ length: count }, () => ({ $param: '/a' }))
    expect(BODY_PARAMS_MAX).toBe(100)
    expect(whyBadHttpProgram(post({ a: params(50), b: [params(50)] }))).toBeNull()
    expect(whyBadHttpProgram(post({ a: params(50), b: [params(51)] }))).toBe(
      'its body has more than 100 params',
    )
  })

  it.each(['/__proto__', '/constructor', '/toString', '/list/length', '/list/-', '/text/0'])(
    'finds no member at %s that the params do not own',
    (pointer) => {
      const params = { list: ['x'], text: 'x' }
      const inPath = get('/{id}', { id: pointer })
      for (const program of [post({ a: [{ $param: pointer }] }), inPath]) {
        expect(unusablePointers(program, params)).toEqual([pointer])
        expect(httpRequest(program, params)).toBeNull()
      }
    },
  )

  it('finds own members of any name', () => {
    const params = { constructor: 'a', toString: 'b' } as unknown as JsonObject
    const body = { x: { $param: '/constructor' }, y: { $param: '/toString' } }
    expect(filled(body, params)).toEqual({ x: 'a', y: 'b' })
  })

  it('names each unusable pointer once, those of the path first', () => {
    const program: HttpProgram = {
      ...post([{ $param: '/b' }, { $param: '/a' }, { $param: '/b' }]),
      path: '/{x}/{y}',
      bind: { x: '/a', y: '/c' },
    }
    expect(unusablePointers(program, { c: '..' })).toEqual(['/a', '/c', '/b'])
  })
})

/** What would lead a path astray if it were not encoded, alone or within other text. */
const hostile = fc.constantFrom('/', '\\', '..', '.', '%2F', '%2e', '?', '#', ';', '{id}', '\r\n')
const text = fc
  .array(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 4 })
  .map((parts) => parts.join(''))
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const scalar = fc.oneof(text, fc.boolean(), number)
const NAMES = ['a', 'b', 'toString'] as const
const literal = fc.stringMatching(/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,5}$/)
const segment = fc.oneof(literal, fc.constantFrom(...NAMES.map((it) => `{${it}}`)))
const segments = fc.array(segment, { minLength: 1, maxLength: 5 })
const pointer = fc.constantFrom('/a', '/b/c', '/list/0', '/none', '/toString', '/list/length', '')
const { body: anyBody } = fc.letrec<{ body: Json }>((tie) => ({
  body: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(null, false, 0, 'x'),
    pointer.map((it) => ({ $param: it })),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'constructor'), tie('body'), { noNullPrototype: true }),
  ),
}))
const value = fc.oneof({ weight: 3, arbitrary: scalar }, fc.constantFrom<Json>(null, { c: 'x' }))
const anyParams = fc.record(
  { a: value, b: value, list: fc.array(value, { maxLength: 2 }) },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<JsonObject>

const bindOf = (parts: readonly string[], pointers: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    NAMES.flatMap((name, at) => (parts.includes(`{${name}}`) ? [[name, pointers[at] ?? '']] : [])),
  )

describe('a request', () => {
  it('has the segments of its path, each decoded to its value, whatever the values are', () => {
    const values = fc.tuple(scalar, scalar, scalar)
    fc.assert(
      fc.property(segments, values, (parts, [a, b, c]) => {
        const params = { a, b, toString: c } as unknown as JsonObject
        const bind = bindOf(parts, ['/a', '/b', '/toString'])
        const path = httpRequest(get(`/${parts.join('/')}`, bind), params)?.path
        fc.pre(path !== undefined)
        const meant = new Map(Object.entries({ '{a}': a, '{b}': b, '{toString}': c }))
        const decoded = path.split('/').slice(1).map(decodeURIComponent)
        expect(decoded).toEqual(parts.map((it) => String(meant.get(it) ?? it)))
        expect(path).toMatch(/^(?:\/(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)+$/)
        // What resolves dots, and what reads a URL, leaves it as it is.
        expect(new URL(path, 'http://here').pathname).toBe(path)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is none exactly where a pointer is unusable', () => {
    const seen = new Set<boolean>()
    const pointers = fc.tuple(pointer, pointer, pointer)
    const body = fc.option(anyBody, { nil: undefined })
    fc.assert(
      fc.property(segments, pointers, body, anyParams, (parts, found, it, params) => {
        const program: HttpProgram = {
          method: it === undefined ? 'GET' : 'POST',
          path: `/${parts.join('/')}`,
          bind: bindOf(parts, found),
          ...(it === undefined ? {} : { body: it }),
        }
        expect(whyBadHttpProgram(program)).toBeNull()
        const isNone = httpRequest(program, params) === null
        expect(isNone).toBe(unusablePointers(program, params).length > 0)
        seen.add(isNone)
      }),
      { numRuns: 1_000 },
    )
    expect(seen).toEqual(new Set([true, false]))
  })
})
