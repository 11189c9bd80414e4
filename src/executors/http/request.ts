import type { CrossCheck, Marker, TargetBody } from '../../../domain/control/manifest.ts'
import type { Plan } from '../../../domain/dispatch/plan.ts'
import { type HttpProgram, httpRequest, SAFE_METHODS } from '../../../domain/http-program.ts'
import type { Json } from '../../../domain/json.ts'
import { valueAt } from '../../../domain/json-pointer.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { ExecutorFailure } from '../../ports.ts'
import type { Asked } from './lane.ts'

/** What a target of this type has beside the others. */
export type HttpTarget = TargetBody &
  Readonly<{
    origin: string
    headers?: Readonly<Record<string, string>>
    query?: Readonly<Record<string, string>>
    marker?: Marker
    crossCheck?: CrossCheck
  }>

export const isSafe = (method: string): boolean => SAFE_METHODS.includes(method)

/** The request of a plan. Rejects what must not be sent, before anything is. */
export function requestOf(plan: Plan): Asked {
  const target = plan.target as HttpTarget
  const program = plan.program as Partial<HttpProgram>
  const request = isProgram(program) ? httpRequest(program, plan.params) : null
  if (request === null) throw new ExecutorFailure('threw', 'no-program')
  const { method, path, body } = request
  if (!isSafe(method) && target.marker === undefined) {
    throw new ExecutorFailure('threw', 'no-marker')
  }
  if (sendsMarker(plan)) throw new ExecutorFailure('threw', 'sends-marker')
  const text = body === undefined ? null : JSON.stringify(body)
  if (text !== null && Buffer.byteLength(text) > LIMITS.httpBodyBytes) {
    throw new ExecutorFailure('limit', 'request')
  }
  const { query, headers, headersWithBody } = fixedPartsOf(target)
  return {
    method,
    path: path + query,
    headers: text === null ? headers : headersWithBody,
    body: text,
  }
}

const isProgram = (program: Partial<HttpProgram>): program is HttpProgram =>
  typeof program.method === 'string' && typeof program.path === 'string'

/**
 * Whether what a service could echo would be the marker: something stands in its place somewhere in
 * the body, or its value is among the texts of the params, which may end up in any place.
 */
export function sendsMarker({ target, program, params }: Plan): boolean {
  const { marker } = target
  if (marker === undefined || !('pointer' in marker)) return false
  const body = httpRequest(program as HttpProgram, params)?.body ?? null
  const isPlace = (it: Json) => valueAt(it, marker.pointer) !== undefined
  return some(body, isPlace) || some(params, (it) => it === String(marker.value))
}

/** Whether a value, or any value in it, is one. */
const some = (value: Json, is: (value: Json) => boolean): boolean =>
  is(value) ||
  (typeof value === 'object' && value !== null && Object.values(value).some((it) => some(it, is)))

type FixedParts = Readonly<Record<'headers' | 'headersWithBody', Asked['headers']>> &
  Readonly<{ query: string }>

/** A version of a target is one object for as long as the process has it in its fold. */
const kept = new WeakMap<HttpTarget, FixedParts>()

/** What each request to a target has, whatever is asked. Nothing here comes from params. */
function fixedPartsOf(target: HttpTarget): FixedParts {
  const known = kept.get(target)
  if (known !== undefined) return known
  const { headers: declared = {}, query = {} } = target
  const own = Object.entries(declared).map(([name, value]) => [name.toLowerCase(), value] as const)
  const headers = {
    accept: 'application/json',
    'user-agent': 'dispatch-ledger',
    ...Object.fromEntries(own),
    'accept-encoding': 'identity',
  }
  const text = new URLSearchParams(Object.entries(query)).toString()
  const parts = {
    headers,
    headersWithBody: { ...headers, 'content-type': 'application/json' },
    query: text === '' ? '' : `?${text}`,
  }
  kept.set(target, parts)
  return parts
}
