import type { Json, JsonObject } from '../../domain/json.ts'
import { valueAt } from '../../domain/json-pointer.ts'
import { LIMITS } from '../../domain/limits.ts'

/**
 * Pointers of a program that find nothing in the params: `{ path, keyword: 'bind' }`, at most ten.
 * What is to be left out has to be said: null is a value.
 */
export function missingBindings(program: JsonObject, params: JsonObject): readonly Json[] {
  const { bind } = program
  if (!Array.isArray(bind)) return []
  const missing = bind.filter((pointer) => valueAt(params, String(pointer)) === undefined)
  const listed = missing.slice(0, LIMITS.refusalListedNames)
  return listed.map((path) => ({ path: String(path), keyword: 'bind' }))
}
