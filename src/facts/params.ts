import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Json, JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'

/** Strict JSON Schema 2020-12: unknown keywords fail, nothing is coerced and nothing filled in. */
const createAjv = () => new Ajv2020({ strict: true, allErrors: true, validateFormats: false })

/** Compiled schemas kept by the sha256 of their contract; the oldest go first. */
const COMPILED_MAX = 500

/** Judges params by a contract's schema: `{ valid, errors: [{ path, keyword }] }`, at most ten. */
export function createParamsJudge() {
  const compiled = new Map<string, ValidateFunction>()
  return (sha256: string, schema: JsonObject, params: JsonObject): Json => {
    const validate = compiled.get(sha256) ?? createAjv().compile(schema)
    compiled.set(sha256, validate)
    const [oldest] = compiled.keys()
    if (compiled.size > COMPILED_MAX && oldest !== undefined) compiled.delete(oldest)
    const valid = validate(params)
    const errors = (validate.errors ?? []).slice(0, LIMITS.refusalListedNames)
    return {
      valid,
      errors: errors.map(({ instancePath, keyword }) => ({ path: instancePath, keyword })),
    }
  }
}

/** Keywords that would reach outside the schema or change what is judged. */
const FORBIDDEN = ['default', '$id', '$dynamicRef', '$anchor', '$dynamicAnchor']

/** Why a params schema cannot be registered, or null when it can. */
export function whyBadSchema(schema: JsonObject): string | null {
  const forbidden = findForbidden(schema, '/params')
  if (forbidden !== null) return forbidden
  try {
    createAjv().compile(schema)
    return null
  } catch (error) {
    return `its params are no strict JSON Schema 2020-12: ${error instanceof Error ? error.message : ''}`
  }
}

function findForbidden(value: Json, path: string): string | null {
  if (typeof value !== 'object' || value === null) return null
  for (const [key, member] of Object.entries(value)) {
    const outside = key === '$ref' && !(typeof member === 'string' && member.startsWith('#'))
    const isKeyword = !path.endsWith('/properties')
    if (isKeyword && (outside || FORBIDDEN.includes(key))) return `${path} may not have ${key}`
    const found = findForbidden(member, `${path}/${key}`)
    if (found !== null) return found
  }
  return null
}
