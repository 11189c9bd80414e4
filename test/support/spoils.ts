import * as fc from 'fast-check'
import type { Json } from '../../domain/json.ts'
import { json } from './arbitraries.ts'
import type { Operation } from './openapi.ts'

/** A request in parts, so that each can be spoilt. */
export type Draft = Readonly<{
  method: string
  template: string
  path: Readonly<Record<string, string>>
  query: readonly (readonly [name: string, value: string])[]
  headers: Readonly<Record<string, string>>
  body: Buffer | null
}>
type Spoil = (draft: Draft) => Draft

export const bytesOf = (value: Json): Buffer => Buffer.from(JSON.stringify(value))

/** A lone surrogate has no encoding: it goes out as the bytes that UTF-8 forbids. */
export function encode(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return '%ED%A0%80'
  }
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** Values as JSON text, or as what is no JSON: each is put in the place of a sound one. */
const HOSTILE_JSON: readonly string[] = [
  ['null', 'true', '0', '-1', '1.5', '2147483648', '""', '" "', '[]', '{}', '[null]'],
  ['1e999', '-0', '9007199254740993', '0.1000000000000000055', '1E400', '5e-324'],
  ['01', '+1', '.5', '1.', 'NaN', 'Infinity', 'undefined', "'x'", '[1,]', '{"a":1,}', '/**/1'],
  ['"\\ud800"', '"\\udc00x"', '"\\u0000"', '"\u0000"', '"\\x41"', '"\t"', '"\u202e\ufeff"'],
  ['{"__proto__":{"mode":"DRY_RUN"}}', '{"constructor":{"prototype":{}},"toString":1}'],
  ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', nested(31), nested(33), nested(5_000)],
  ['"DRYRUN-NS:a/../b"', '"DRYRUN-NS:"', '"PROD:a"', '" DRYRUN-NS:a"', '"dryrun-ns:a"'],
  ['"DRYRUN-NS:a\\n"', '"DRYRUN-NS:\uff41"', '"global"', '"REAL_RUN"', '"sample/*"'],
  [`"${'x'.repeat(5_000)}"`, `"${'x'.repeat(40_000)}"`, `"${'é'.repeat(40_000)}"`],
  [`"'; drop table ledger.events; --"`, '"$(id)"', '"{{7*7}}"', '"2026-02-30T00:00:00Z"'],
].flat()

const HOSTILE_TEXT: readonly string[] = [
  ['', ' ', '-1', '+1', '1.5', '1e3', '0x10', '9'.repeat(16), 'x'.repeat(2_000), 'null'],
  ['\u0000', '\ud800', '\r\nx: y', '../..', '%', "' or 1=1 --", '\u202e', '１', 'global/'],
  ['__proto__', 'constructor', 'executor:', 'contract:', 'executor:none', 'contract:../x'],
  ['00000000-0000-0000-0000-000000000000', 'DRYRUN-NS:', 'DRYRUN-NS:%', 'DRYRUN-NS:sample/_'],
].flat()

/** Path segments that are put in as they are: none of them ends the path. */
const HOSTILE_SEGMENTS: readonly string[] = [
  ['', '.', '..', '%2e%2e', '%2e%2e%2fkeys', '%2F', '%252F', '%00', '%', '%zz', '%C0%AF', '%ff'],
  ['%u0041', ';', '%3F', '%23', '*', ':id', '{id}', '%0d%0ax:%20y', '%20', '%ED%A0%80', '+'],
  ['__proto__', 'constructor', 'toString', 'x'.repeat(1_500), '%F0%9F%92%A9', 'a%2Fb%2Fc'],
].flat()

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']
const CONTENT_TYPES = [
  ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''],
  ['application/json; charset=utf-16', 'application/jsonx', 'application/json, text/plain'],
  ['application/problem+json', 'APPLICATION/JSON', ';', 'x', 'application/json;;'],
].flat()
const ACCEPTS = ['text/event-stream', 'application/x-ndjson', 'text/html', '*/*', ',;q=,', '']
const OTHER_HEADERS = [
  ['traceparent', 'x'],
  ['traceparent', '00-00000000000000000000000000000000-0000000000000000-00'],
  ['traceparent', `00-${'g'.repeat(5_000)}`],
  ['x-http-method-override', 'DELETE'],
  ['host', ''],
  ['x-forwarded-for', "127.0.0.1, '"],
  ['content-encoding', 'gzip'],
  ['accept-encoding', 'gzip;q=0, *'],
  ['expect', '100-continue'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '*'],
  ['last-event-id', '-1'],
  ['cookie', `a=${'b'.repeat(4_000)}`],
  ['transfer-encoding', 'chunked'],
  ['prefer', '\u00e9\u00ff\t'],
] as const

const among = <T>(all: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...all)
const withHeader = (name: string, value: string): Spoil => {
  return (draft) => ({ ...draft, headers: { ...draft.headers, [name]: value } })
}
const withoutHeader =
  (name: string): Spoil =>
  (draft) => {
    const { [name]: _, ...headers } = draft.headers
    return { ...draft, headers }
  }

/** Ways to make a request worse: in its method, its headers, its path, its query and its body. */
export function spoils(
  { parameters, body }: Operation,
  otherKeys: readonly string[],
): fc.Arbitrary<Spoil> {
  const segments = parameters.filter((it) => it.in === 'path').map((it) => it.name)
  const always = [
    among(METHODS).map(
      (method): Spoil =>
        (draft) => ({ ...draft, method }),
    ),
    fc.constant(withoutHeader('authorization')),
    among([
      ...otherKeys.map((key) => `Bearer ${key}`),
      'Basic eDp5',
      'Bearer',
      '',
      'x'.repeat(900),
    ]).map((value) => withHeader('authorization', value)),
    among(CONTENT_TYPES).map((value) => withHeader('content-type', value)),
    among(ACCEPTS).map((value) => withHeader('accept', value)),
    among(OTHER_HEADERS).map(([name, value]) => withHeader(name, value)),
    spoiltQuery(parameters.filter((it) => it.in === 'query').map((it) => it.name)),
  ]
  const ofPath = segments.map((name) =>
    fc.oneof(among(HOSTILE_SEGMENTS), among(HOSTILE_TEXT).map(encode)).map(
      (text): Spoil =>
        (draft) => ({ ...draft, path: { ...draft.path, [name]: text } }),
    ),
  )
  const ofBody = body === null ? [anyBody] : [spoiltValue, spoiltValue, spoiltMember, spoiltText]
  return fc.oneof(...always, ...ofPath, ...ofPath, ...ofBody, ...ofBody, ...ofBody)
}

/** A parameter with a hostile value, twice, or one that nobody knows. */
const spoiltQuery = (names: readonly string[]): fc.Arbitrary<Spoil> =>
  fc
    .tuple(
      among([...names, ...names, 'surplus', '__proto__', '']),
      among(HOSTILE_TEXT),
      fc.boolean(),
    )
    .map(([name, value, keep]) => (draft) => {
      const others = draft.query.filter(([it]) => keep || it !== name)
      return { ...draft, query: [...others, [name, value] as const] }
    })

/** A body where none belongs. */
const anyBody: fc.Arbitrary<Spoil> = fc
  .oneof(
    json.map(bytesOf),
    among(HOSTILE_JSON).map((text) => Buffer.from(text)),
  )
  .map((body) => (draft) => ({
    ...draft,
    headers: { 'content-type': 'application/json', ...draft.headers },
    body,
  }))

/** Puts hostile text in the place of any value of the body. */
const spoiltValue: fc.Arbitrary<Spoil> = fc.tuple(fc.nat(), among(HOSTILE_JSON)).map(([at, text]) =>
  onJson((value) => {
    const places = placesOf(value)
    const marked = replaced(value, places[at % places.length] ?? [], MARK)
    return JSON.stringify(marked).replace(`"${MARK}"`, () => text)
  }),
)

const MARK = '@@here@@'

/** Leaves out any member of any object, or adds one. */
const spoiltMember: fc.Arbitrary<Spoil> = fc
  .tuple(fc.nat(), fc.option(among(['surplus', 'constructor', 'Mode', 'mode ', 'id', ''])))
  .map(([at, surplus]) =>
    onJson((value) => {
      const places = placesOf(value).filter((it) => it.length > 0)
      const place = places[at % Math.max(places.length, 1)] ?? []
      const changed =
        surplus === null
          ? replaced(value, place, undefined)
          : replaced(value, [...place.slice(0, -1), surplus], 1)
      return JSON.stringify(changed) ?? ''
    }),
  )

/** Breaks the text as a whole. */
const spoiltText: fc.Arbitrary<Spoil> = fc
  .tuple(fc.nat(), fc.nat(7))
  .map(([at, way]) => (draft) => {
    const body = draft.body ?? Buffer.alloc(0)
    const cut = at % (body.length + 1)
    const [head, tail] = [body.subarray(0, cut), body.subarray(cut)]
    const between = (bytes: Buffer): Buffer => Buffer.concat([head, bytes, tail])
    const ways: readonly (() => Buffer)[] = [
      () => Buffer.from(head),
      () => between(Buffer.from([0xff])),
      () => between(Buffer.from([0xed, 0xa0, 0x80])),
      () => between(Buffer.from([0])),
      () => Buffer.concat([Buffer.from('\ufeff'), body]),
      () => Buffer.concat([body, body]),
      () => Buffer.from(body.toString(), 'utf16le'),
      () => Buffer.concat([body, Buffer.alloc(600_000, 0x20)]),
    ]
    return { ...draft, body: (ways[way] as () => Buffer)() }
  })

/** Changes the JSON of a body that is still JSON. */
const onJson =
  (change: (value: Json) => string): Spoil =>
  (draft) => {
    try {
      return { ...draft, body: Buffer.from(change(JSON.parse(String(draft.body)) as Json)) }
    } catch {
      return draft
    }
  }

type Place = readonly (string | number)[]

/** The places of all values in a value, its own first. */
function placesOf(value: Json, here: Place = []): readonly Place[] {
  if (value === null || typeof value !== 'object') return [here]
  return [here, ...Object.entries(value).flatMap(([key, it]) => placesOf(it, [...here, key]))]
}

function replaced(value: Json, place: Place, by: Json | undefined): Json {
  const [key, ...rest] = place
  if (key === undefined) return by as Json
  const copy = structuredClone(value) as Record<string, Json>
  copy[key] = replaced(copy[key] as Json, rest, by)
  return copy
}
