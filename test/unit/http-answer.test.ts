import { describe, expect, it } from 'vitest'
import type { Marker } from '../../domain/control/manifest.ts'
import type { Json } from '../../domain/json.ts'
import { bodyOf, seeMarker } from '../../src/executors/http/answer.ts'
import { ExecutorFailure } from '../../src/ports.ts'
import { ROLLED_BACK } from '../support/http-plan.ts'

type Headers = Readonly<Record<string, string | string[]>>
type Body = string | Buffer
const JSON_TYPE = { 'content-type': 'application/json' }

const answer = (headers: Headers, body: Body = '', status = 200) => ({
  status,
  headers,
  body: Buffer.from(body as string),
  pinned: null,
})
const json = (body: Body, headers: Headers = JSON_TYPE) => answer(headers, body)

const seenBy = (applied: string | string[], marker: Marker = ROLLED_BACK) =>
  seeMarker(marker, answer({ 'preference-applied': applied }))

describe('a marker in a header', () => {
  it('is seen whatever the case of its name in the manifest', () => {
    for (const header of ['preference-applied', 'Preference-Applied', 'PREFERENCE-APPLIED'])
      expect(seenBy('tx=rollback', { header, value: 'tx=rollback' })).toBe('as declared')
  })

  it('is seen whatever the status of the answer and its body', () => {
    for (const status of [200, 302, 404, 500]) {
      const it = answer({ 'preference-applied': 'tx=rollback' }, '{', status)
      expect(seeMarker(ROLLED_BACK, it)).toBe('as declared')
    }
  })

  it.each([
    'tx=rollback, handling=strict',
    'handling=strict,tx=rollback',
    'return=minimal , tx=rollback\t, handling="a,b"',
    'a="x, y", tx=rollback',
  ])('may be one member of its list: %s', (text) => {
    expect(seenBy(text)).toBe('as declared')
  })

  it('may stand in one of several lines', () => {
    expect(seenBy(['handling=strict', 'tx=rollback'])).toBe('as declared')
    expect(seenBy(['handling=strict', 'a, tx=rollback'])).toBe('as declared')
    expect(seenBy(['handling=strict', 'tx=commit'])).toBe('another value')
  })

  it.each([
    ['tx=commit', 'TX=rollback', 'tx=Rollback', 'tx=rollbac', 'tx=rollbacks', 'xtx=rollback'],
    ['tx = rollback', 'tx=rollback; a', 'tx=rollback;', 'tx="rollback"', 'a tx=rollback', 'tx'],
    ['"tx=rollback"', '"a, tx=rollback"', '"a, tx=rollback, b"', 'x="tx=rollback"', '', ','],
    [String.raw`"\", tx=rollback"`, 'tx=roll,back', 'tx%3Drollback', 'tx=rollback tx=rollback'],
  ])('is the whole member, and of the same case: not %j', (...texts) => {
    for (const text of texts) expect(seenBy(text), text).toBe('another value')
  })

  it.each([
    '"tx=rollback',
    'tx=rollback"',
    '"a, tx=rollback',
    'x"tx=rollback',
    '\u00a0tx=rollback',
  ])('is not what stands beside a quote or a space of another kind: %j', (text) =>
    expect(seenBy(text)).toBe('another value'),
  )

  it('is absent where no header has its name', () => {
    for (const headers of [
      {},
      { 'preference-applied-too': 'tx=rollback' },
      { vary: 'tx=rollback' },
    ])
      expect(seeMarker(ROLLED_BACK, answer(headers))).toBe('absent')
    expect(seeMarker({ header: 'toString', value: 'x' }, answer({}))).toBe('absent')
    expect(seeMarker({ header: 'constructor', value: 'x' }, answer({}))).toBe('absent')
  })

  it('is not in the body', () => {
    expect(seeMarker(ROLLED_BACK, json('{"preference-applied":"tx=rollback"}'))).toBe('absent')
  })
})

describe('a marker in a body', () => {
  const at =
    (pointer: string, value: string | number | boolean) => (body: Body, headers?: Headers) =>
      seeMarker({ pointer, value }, json(body, headers))
  const dry = at('/meta/dryRun', true)

  it('is the value that its pointer names', () => {
    expect(dry('{"meta":{"dryRun":true}}')).toBe('as declared')
    expect(at('/0/a~1b/~0', 1)('[{"a/b":{"~":1}}]')).toBe('as declared')
    expect(at('/a', 'x')('{"a":"x"}')).toBe('as declared')
    expect(at('/a', '')('{"a":""}')).toBe('as declared')
    expect(at('/a', 0)('{"a":0}')).toBe('as declared')
    expect(at('/a', false)('{"a":false}')).toBe('as declared')
    expect(at('/a', 'é')(String.raw`{"a":"\u00e9"}`)).toBe('as declared')
  })

  it.each(['"true"', '1', 'false', 'null', '[true]', '{"dryRun":true}', '"True"'])(
    'has the type and the value that were declared: true is not %s',
    (text) => expect(dry(`{"meta":{"dryRun":${text}}}`)).toBe('another value'),
  )

  it.each<[string | number | boolean, string]>([
    ['1', '1'],
    [1, '"1"'],
    [1, 'true'],
    [0, 'null'],
    [0, 'false'],
    ['', 'null'],
    ['x', '"X"'],
    ['x', '" x"'],
    ['x', '["x"]'],
  ])('that was declared as %j is not %s', (value, text) => {
    expect(at('/a', value)(`{"a":${text}}`)).toBe('another value')
  })

  it.each(['{}', '{"meta":null}', '{"meta":{}}', '{"meta":{"dryrun":true}}', '[]', 'true', 'null'])(
    'is absent from %s',
    (text) => expect(dry(text)).toBe('absent'),
  )

  it('is an own member, or absent', () => {
    for (const pointer of ['/toString', '/constructor/name', '/list/length', '/text/length'])
      for (const value of [1, 'Object', true])
        expect(at(pointer, value)('{"list":[1],"text":"x"}')).toBe('absent')
  })

  it.each([
    ['the same key twice', '{"meta":{"dryRun":true},"meta":{"dryRun":true}}'],
    ['the same key twice, elsewhere', '{"a":1,"a":1,"meta":{"dryRun":true}}'],
    ['the same key escaped', String.raw`{"meta":{"dryRun":false,"dry\u0052un":true}}`],
    ['the key __proto__', '{"__proto__":1,"meta":{"dryRun":true}}'],
    ['a number that cannot be kept', '{"n":9007199254740993,"meta":{"dryRun":true}}'],
    ['more than one value', '{"meta":{"dryRun":true}} {}'],
    ['a byte order mark', '\ufeff{"meta":{"dryRun":true}}'],
    ['a comma too many', '{"meta":{"dryRun":true,}}'],
    ['no text at all', ''],
  ])('is absent from a body with %s', (_what, text) => expect(dry(text)).toBe('absent'))

  it('is absent from what is not JSON, or is compressed', () => {
    const text = '{"meta":{"dryRun":true}}'
    for (const type of ['text/plain', 'text/json', 'application/jsonl', 'application/json, text/x'])
      expect(dry(text, { 'content-type': type }), type).toBe('absent')
    expect(dry(text, {})).toBe('absent')
    for (const encoding of ['gzip', 'identity', ''])
      expect(dry(text, { ...JSON_TYPE, 'content-encoding': encoding })).toBe('absent')
    expect(dry(Buffer.from('7b226d657461223a7b2264727952756e223a747275657dff', 'hex'))).toBe(
      'absent',
    )
  })
})

const failureOf = (read: () => Json) => {
  try {
    return { read: read() }
  } catch (error) {
    if (!(error instanceof ExecutorFailure)) throw error
    return { failure: error.failure, code: error.code }
  }
}
const bodyFrom = (headers: Headers, body: Body) => failureOf(() => bodyOf(answer(headers, body)))
const ofType = (type: string, body: Body) => bodyFrom({ 'content-type': type }, body)

describe('the body of an answer', () => {
  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json ;q=1',
    'application/problem+json',
    'application/vnd.a.b-c.v1+json;profile=x',
    'application/vnd.acme_users+json',
  ])('is JSON where its type is %s', (type) => {
    expect(ofType(type, ' {"a":[1,null]}\n')).toEqual({ read: { a: [1, null] } })
  })

  it.each(['text/plain', 'text/json', 'application/jsonp', 'application/x-json-seq', 'json', ''])(
    'is text where its type is %j',
    (type) => expect(ofType(type, '{"a":1}')).toEqual({ read: '{"a":1}' }),
  )

  it('is text where it has no type, or two', () => {
    expect(bodyFrom({}, '1')).toEqual({ read: '1' })
    expect(bodyFrom({ 'content-type': ['application/json', 'text/plain'] }, '1')).toEqual({
      read: '1',
    })
  })

  it('is null where it is empty, whatever its type', () => {
    for (const type of ['application/json', 'text/plain'])
      expect(ofType(type, '')).toEqual({ read: null })
    expect(bodyFrom({}, '')).toEqual({ read: null })
    expect(ofType('text/plain', ' ')).toEqual({ read: ' ' })
  })

  it('is kept to the letter where it is text', () => {
    for (const text of ['é😀', '\ufeffa', 'a\r\n', '\u0000', '\ufffd', 'null'])
      expect(ofType('text/plain; charset=iso-8859-1', text)).toEqual({ read: text })
  })

  it.each(['ff', 'c3', 'c0af', 'eda080', 'f4908080', '61fe62'])(
    'is refused where its bytes are no UTF-8: %s',
    (hex) => {
      const bytes = Buffer.from(hex, 'hex')
      expect(ofType('text/plain', bytes)).toEqual({ failure: 'not-json', code: 'not-utf-8' })
      expect(ofType('application/json', bytes)).toMatchObject({
        failure: 'not-json',
        code: 'malformed-json',
      })
    },
  )

  it.each([
    ['{"a":1,"a":2}', 'duplicate-key'],
    ['{"__proto__":1}', 'forbidden-key'],
    ['9007199254740993', 'unsafe-number'],
    [String.raw`"\ud800"`, 'lone-surrogate'],
    [String.raw`"\u0000"`, 'nul-character'],
    ['['.repeat(33) + ']'.repeat(33), 'too-deep'],
    ['{', 'malformed-json'],
    ['\ufeff1', 'malformed-json'],
    [' ', 'malformed-json'],
  ])('is refused where %s is said to be JSON', (text, code) => {
    expect(ofType('application/json', text)).toEqual({ failure: 'not-json', code })
  })

  it.each(['gzip', 'br', 'identity', 'x-unknown', '', 'gzip, identity'])(
    'is refused with the content-encoding %j, and never decompressed',
    (encoding) => {
      const code = { failure: 'not-json', code: 'content-encoding' }
      for (const body of ['{}', ''])
        for (const headers of [JSON_TYPE, {}])
          expect(bodyFrom({ ...headers, 'content-encoding': encoding }, body)).toEqual(code)
      expect(bodyFrom({ 'content-encoding': [encoding, encoding] }, 'x')).toEqual(code)
    },
  )
})
