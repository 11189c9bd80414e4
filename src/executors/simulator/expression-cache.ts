import type { Expression } from 'jsonata'
import { compile } from './engine.ts'

/** Syntax trees take many times the room of their text, and share the heap with the runs. */
const LENGTH_MAX = 256 * 1024

const compiled = new Map<string, Expression>()
let length = 0

/** The expression, compiled at most once while it is in use. What was used longest ago goes first. */
export function compiledOnce(expression: string, timeMs: number): Expression {
  const key = `${timeMs} ${expression}`
  const known = compiled.get(key) ?? compile(expression, timeMs)
  if (compiled.delete(key)) length -= key.length
  compiled.set(key, known)
  length += key.length
  for (const oldest of compiled.keys()) {
    if (length <= LENGTH_MAX) break
    compiled.delete(oldest)
    length -= oldest.length
  }
  return known
}
