import type { ContractBody, TargetBody } from '../../domain/control/manifest.ts'
import { type HttpProgram, unusablePointers } from '../../domain/http-program.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { valueAt } from '../../domain/json-pointer.ts'
import { LIMITS } from '../../domain/limits.ts'

/**
 * Pointers of a contract, or of the cross-check of its target, that find nothing in the params, or
 * nothing that can stand where it is to stand: `{ path, keyword: 'bind' }`, at most ten. What is to
 * be left out has to be said: null is a value.
 */
export function missingBindings(
  contract: ContractBody,
  target: TargetBody | undefined,
  params: JsonObject,
): readonly Json[] {
  const pointers = [
    ...missingIn(contract, params),
    ...notFound(target?.crossCheck?.bind ?? [], params),
  ]
  const listed = [...new Set(pointers)].slice(0, LIMITS.refusalListedNames)
  return listed.map((path) => ({ path, keyword: 'bind' }))
}

function missingIn({ executor, program }: ContractBody, params: JsonObject): readonly string[] {
  if (executor === 'http') return unusablePointers(program as HttpProgram, params)
  const { bind } = program
  return Array.isArray(bind) ? notFound(bind.map(String), params) : []
}

const notFound = (pointers: readonly string[], params: JsonObject): readonly string[] =>
  pointers.filter((pointer) => valueAt(params, pointer) === undefined)
