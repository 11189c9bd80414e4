import { isObject, type Json } from './json.ts'

/** A JSON Pointer (RFC 6901) in its string form. */
export const POINTER_PATTERN = /^(?:\/(?:[^~/]|~[01])*)*$/

const INDEX = /^(?:0|[1-9][0-9]*)$/

/** The value that a JSON Pointer (RFC 6901) names, or undefined. Own members only; never `-`. */
export function valueAt(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    value = memberOf(value, key)
    if (value === undefined) return undefined
  }
  return value
}

function memberOf(value: Json, key: string): Json | undefined {
  if (Array.isArray(value)) return INDEX.test(key) ? (value[Number(key)] as Json) : undefined
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}
