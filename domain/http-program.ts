import { isObject, type Json, type JsonObject } from './json.ts'
import { POINTER_PATTERN, valueAt } from './json-pointer.ts'

/** The methods that ask for no change: RFC 9110, section 9.2.1. TRACE shows what was sent, and is left out. */
export const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']
export const HTTP_METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST'] as const

/** What a contract of type `http` is made of: one request, with places for params. */
export type HttpProgram = Readonly<{
  method: (typeof HTTP_METHODS)[number]
  /** Of unreserved characters (RFC 3986); a segment `{name}` is what `bind` finds for it. */
  path: string
  /** JSON Pointers into the params, by the names in the path. */
  bind?: Readonly<Record<string, string>>
  /** Sent as JSON. `{ "$param": pointer }` in it is replaced by what the pointer finds. */
  body?: Json
}>

export const PATH_PATTERN = /^\/(?:[A-Za-z0-9._~{}-]+\/)*(?:[A-Za-z0-9._~{}-]+)?$/
const PLACEHOLDER = /^\{([a-z][A-Za-z0-9]{0,31})\}$/
const PARAM = '$param'
/** Each may be as long as all params together. */
export const BODY_PARAMS_MAX = 100

const segmentsOf = (path: string): readonly string[] => path.split('/').slice(1)
const nameIn = (segment: string): string | undefined => PLACEHOLDER.exec(segment)?.[1]
const isDots = (segment: string): boolean => segment === '.' || segment === '..'

/** Why a program of good shape makes no request, or null when it does. */
export function whyBadHttpProgram({ method, path, bind = {}, body }: HttpProgram): string | null {
  const segments = segmentsOf(path)
  const odd = segments.find((it) => isDots(it) || (/[{}]/.test(it) && nameIn(it) === undefined))
  if (odd !== undefined) return `its path may not have the segment ${odd}`
  const names = new Set(segments.flatMap((it) => nameIn(it) ?? []))
  const unbound = [...names].find((it) => !Object.hasOwn(bind, it))
  if (unbound !== undefined) return `its path has {${unbound}}, and nothing is bound to it`
  const unused = Object.keys(bind).find((it) => !names.has(it))
  if (unused !== undefined) return `${unused} is bound, and its path has no {${unused}}`
  if (body === undefined) return null
  if (method !== 'POST') return `a ${method} has no body`
  return whyBadBody(body)
}

function whyBadBody(body: Json): string | null {
  const markers = placesIn(body)
  if (markers.length > BODY_PARAMS_MAX) return `its body has more than ${BODY_PARAMS_MAX} params`
  const isSound = (it: JsonObject) =>
    Object.keys(it).length === 1 && typeof it[PARAM] === 'string' && POINTER_PATTERN.test(it[PARAM])
  return markers.every(isSound) ? null : `a ${PARAM} of its body is not alone, or no pointer`
}

/** The objects of a body that stand for a param, well formed or not. */
function placesIn(body: Json): readonly JsonObject[] {
  if (isObject(body) && Object.hasOwn(body, PARAM)) return [body]
  return typeof body === 'object' && body !== null ? Object.values(body).flatMap(placesIn) : []
}

/** JSON Pointers of a program whose params are not there, or cannot stand where they are to stand. */
export function unusablePointers(program: HttpProgram, params: JsonObject): readonly string[] {
  const { bind = {}, body = null } = program
  const inPath = Object.values(bind).filter((it) => segmentText(valueAt(params, it)) === null)
  const inBody = placesIn(body)
    .map(pointerOf)
    .filter((it) => valueAt(params, it) === undefined)
  return [...new Set([...inPath, ...inBody])]
}

const pointerOf = ({ [PARAM]: pointer }: JsonObject): string =>
  typeof pointer === 'string' ? pointer : ''

export type HttpRequest = Readonly<{
  method: HttpProgram['method']
  path: string
  body: Json | undefined
}>

/** The request of a program, or null where a param is unusable: see `unusablePointers`. */
export function httpRequest(program: HttpProgram, params: JsonObject): HttpRequest | null {
  const { method, path, bind = {}, body } = program
  const segments = segmentsOf(path).map((segment) => {
    const name = nameIn(segment)
    return name === undefined ? segment : segmentText(valueAt(params, bind[name] ?? ''))
  })
  const filled = body === undefined ? undefined : fill(body, params)
  if (segments.includes(null) || (body !== undefined && filled === undefined)) return null
  return { method, path: `/${segments.join('/')}`, body: filled }
}

/** Undefined where a pointer finds nothing. */
function fill(body: Json, params: JsonObject): Json | undefined {
  if (typeof body !== 'object' || body === null) return body
  if (isObject(body) && Object.hasOwn(body, PARAM)) return valueAt(params, pointerOf(body))
  const entries = Object.entries(body).map(([key, it]) => [key, fill(it, params)] as const)
  if (entries.some(([, it]) => it === undefined)) return undefined
  return Array.isArray(body)
    ? entries.map(([, it]) => it as Json)
    : (Object.fromEntries(entries) as JsonObject)
}

/** No name of anything has these, and what reads a path may be led astray by them. */
const CONTROL = /\p{Cc}/u

/**
 * A value as one segment of a path (RFC 3986), all but unreserved characters percent-encoded, or
 * null when it may not be one. What decodes a path before it resolves dots must find none: a value
 * with a segment `.` or `..` of its own is none.
 */
function segmentText(value: Json | undefined): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return encode(String(value))
  if (typeof value !== 'string' || value === '') return null
  if (CONTROL.test(value) || !value.isWellFormed()) return null
  return value.split(/[/\\]/).some(isDots) ? null : encode(value)
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (it) => `%${it.codePointAt(0)?.toString(16).toUpperCase()}`,
  )
