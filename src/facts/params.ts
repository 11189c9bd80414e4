import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { RE2JS } from 're2js'
import { isObject, type Json, type JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'

/** Instructions of a pattern times characters of a text: tens of milliseconds at the very worst. */
const PATTERN_WORK_MAX = 250_000

/**
 * Patterns in linear time (RE2 syntax). JavaScript's own can take time without end on a short text,
 * and what ends them is a clock, so that a busy machine would refuse what another one passes.
 */
const linearPattern = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
    const charactersMax = PATTERN_WORK_MAX / compiled.programSize()
    return {
      test(text: string): boolean {
        // Neither a match nor none: under a `not`, either would let something pass.
        if (text.length > charactersMax) throw new Error('too much work for a pattern')
        return compiled.test(text)
      },
      // ajv keeps patterns by their text.
      toString: () => pattern,
    }
  },
  { code: 'linearPattern' },
)

/** Strict JSON Schema 2020-12: unknown keywords fail, nothing is coerced and nothing filled in. */
const ajv = new Ajv2020({
  strict: true,
  allErrors: true,
  validateFormats: false,
  code: { regExp: linearPattern },
  addUsedSchema: false,
})

/** Compiles without keeping: what ajv remembers of a schema is ours to bound. */
function compile(schema: JsonObject): ValidateFunction {
  try {
    return ajv.compile(schema)
  } finally {
    ajv.removeSchema(schema)
  }
}

export type ParamsJudged = Readonly<{
  valid: boolean
  errors: readonly { readonly path: string; readonly keyword: string }[]
}>

/** Compiled schemas kept by the sha256 of their contract; the oldest go first. */
const COMPILED_MAX = 500
/** Judges params by a contract's schema: `{ valid, errors: [{ path, keyword }] }`, at most ten. */
export function createParamsJudge() {
  const compiled = new Map<string, ValidateFunction>()
  return (sha256: string, schema: JsonObject, params: JsonObject): ParamsJudged => {
    const validate = compiled.get(sha256) ?? compile(schema)
    compiled.set(sha256, validate)
    const [oldest] = compiled.keys()
    if (compiled.size > COMPILED_MAX && oldest !== undefined) compiled.delete(oldest)
    const valid = validate(params)
    const errors = (validate.errors ?? []).slice(0, LIMITS.refusalListedNames)
    return {
      valid,
      errors: errors.map(({ instancePath, keyword }) => ({
        path: shortened(instancePath),
        keyword,
      })),
    }
  }
}

const PATH_MAX = 200
const shortened = (path: string): string => path.slice(0, PATH_MAX)

/** Keywords that would reach outside the schema or change what is judged. */
const FORBIDDEN = ['default', '$id', '$dynamicRef', '$anchor', '$dynamicAnchor']

/** Why a params schema cannot be registered, or null when it can. */
export function whyBadSchema(schema: JsonObject): string | null {
  const forbidden = findForbidden(schema, '/params')
  if (forbidden !== null) return forbidden
  try {
    compile(schema)
    return null
  } catch (error) {
    return `its params are no strict JSON Schema 2020-12: ${error instanceof Error ? error.message : ''}`
  }
}

/** The keywords of draft 2020-12 that hold schemas: one, many by name, or a list. */
const ONE = ['additionalProperties', 'contains', 'else', 'if', 'items', 'not', 'propertyNames']
const ONE_MORE = ['then', 'unevaluatedItems', 'unevaluatedProperties', 'contentSchema']
const BY_NAME = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties']
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems']

/** Walks schemas alone: a property that is called `default`, or data that has one, is no keyword. */
function findForbidden(schema: Json | undefined, path: string): string | null {
  if (!isObject(schema)) return null
  const reference = schema['$ref']
  if (reference !== undefined && !(typeof reference === 'string' && reference.startsWith('#'))) {
    return `${path} may not have $ref to what is outside of it`
  }
  const keyword = FORBIDDEN.find((it) => Object.hasOwn(schema, it))
  if (keyword !== undefined) return `${path} may not have ${keyword}`
  for (const [below, inner] of innerSchemas(schema)) {
    const found = findForbidden(inner, `${path}/${below}`)
    if (found !== null) return found
  }
  return null
}

const innerSchemas = (schema: JsonObject): readonly (readonly [string, Json | undefined])[] => [
  ...[...ONE, ...ONE_MORE].map((name) => [name, schema[name]] as const),
  ...[...BY_NAME, ...LISTS].flatMap((name) =>
    Object.entries(schema[name] ?? {}).map(([key, it]) => [`${name}/${key}`, it as Json] as const),
  ),
]
