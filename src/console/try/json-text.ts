import { isExact } from '../../../domain/exact-number.ts'
import type { Json } from '../../../domain/json.ts'
import { LIMITS } from '../../../domain/limits.ts'

export type ReadJson = Readonly<{ ok: true; value: Json }> | Readonly<{ ok: false; wrong: string }>

/** Strings, whole and untouched, brackets and numbers: what else there is needs no look. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]|-?\d[\d.eE+-]*/g

/** What a person typed, as JSON, if the browser can send it on as the same value. */
export function readJson(text: string): ReadJson {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    return { ok: false, wrong: `${quoted(text)} is not JSON` }
  }
  const wrong = whyNotKept(text)
  return wrong === null ? { ok: true, value } : { ok: false, wrong }
}

/** The server refuses both, but the browser would change the number, or break on the depth, before. */
function whyNotKept(text: string): string | null {
  let depth = 0
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (!token.startsWith('"') && !isExact(token, Number(token))) {
      return `${shortened(token)} cannot be kept exactly as a number`
    }
    if (depth > LIMITS.jsonDepth) return `Nested more than ${LIMITS.jsonDepth} levels`
  }
  return null
}

const SHOWN_LENGTH = 40

/** Text of somebody, short enough to stand in a sentence. */
export const quoted = (text: string): string => `"${shortened(text)}"`

const shortened = (text: string): string =>
  text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
