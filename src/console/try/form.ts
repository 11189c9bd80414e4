import { canonicalJson } from '../../../domain/canonical-json.ts'
import { isObject, type Json, type JsonObject } from '../../../domain/json.ts'
import { plural } from '../words.ts'
import { quoted, readJson } from './json-text.ts'

/**
 * A form for params, from the JSON Schema of a contract. What a field cannot express is typed as
 * JSON. Nothing is held back: a wrong value is sent as it stands, and the server judges it.
 */
export type Field = Readonly<{
  name: string
  label: string
  kind: 'text' | 'number' | 'choice' | 'json'
  isRequired: boolean
  /** What fits, in a few words: beside the label. */
  says: string
  hint: string | null
  choices: readonly Json[]
  schema: JsonObject
}>

export type Form = Readonly<{
  fields: readonly Field[]
  /** Whether the schema leaves room for members that have no field. */
  isOpen: boolean
}>

/** More choices than this are typed. */
const CHOICES_MAX = 200

export function formOf(schema: JsonObject): Form {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const fields = Object.entries(properties).map(([name, of]) =>
    fieldOf(name, isObject(of) ? of : {}, required.includes(name)),
  )
  return { fields, isOpen: schema['additionalProperties'] !== false }
}

function fieldOf(name: string, schema: JsonObject, isRequired: boolean): Field {
  const choices = choicesOf(schema)
  const kind = kindOf(schema, choices)
  const fits = fitting(schema, kind)
  return {
    name,
    label: textOf(schema['title']) ?? name,
    kind,
    isRequired,
    says: isRequired ? fits : `${fits}, optional`,
    hint: hintOf(schema),
    choices,
    schema,
  }
}

/** A longer pattern has no room beside a label. */
const PATTERN_LENGTH_MAX = 16

function hintOf({ description, pattern }: JsonObject): string | null {
  const isLong = typeof pattern === 'string' && pattern.length > PATTERN_LENGTH_MAX
  const parts = [textOf(description), isLong ? `Matches ${pattern}` : null]
  return parts.filter((it) => it !== null).join(' ') || null
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : null

function choicesOf(schema: JsonObject): readonly Json[] {
  const { const: only, enum: some, type } = schema
  if (only !== undefined) return [only]
  if (Array.isArray(some)) return some as readonly Json[]
  return type === 'boolean' ? [true, false] : []
}

function kindOf({ type }: JsonObject, choices: readonly Json[]): Field['kind'] {
  if (choices.length > 0 && choices.length <= CHOICES_MAX) return 'choice'
  if (type === 'string') return 'text'
  return type === 'integer' || type === 'number' ? 'number' : 'json'
}

function fitting(schema: JsonObject, kind: Field['kind']): string {
  const { type, pattern } = schema
  if (kind === 'choice') return type === 'boolean' ? 'true or false' : 'one of'
  if (kind === 'number') return `${textOf(type)}${rangeOf(schema)}`
  if (kind === 'json') return typeof type === 'string' ? `${type}, as JSON` : 'as JSON'
  const isShort = typeof pattern === 'string' && pattern.length <= PATTERN_LENGTH_MAX
  return isShort ? pattern : 'text'
}

function rangeOf(schema: JsonObject): string {
  const [from, to] = [schema['minimum'], schema['maximum']].map((it) =>
    typeof it === 'number' ? String(it) : undefined,
  )
  if (from !== undefined && to !== undefined) return ` ${from} to ${to}`
  if (from !== undefined) return ` from ${from}`
  return to === undefined ? '' : ` up to ${to}`
}

/** The value of a field as it is typed. Choices are typed as JSON. */
export function showValue({ kind }: Field, value: Json | undefined): string {
  if (value === undefined) return ''
  if (typeof value !== 'string') return JSON.stringify(value, null, kind === 'json' ? 2 : 0)
  // Text in a field for something else, as it was typed: in quotes only where it would be read as JSON.
  const isPlain = kind === 'text' || (kind !== 'choice' && !readJson(value).ok)
  return isPlain ? value : JSON.stringify(value)
}

/** What a typed text stands for. Empty is left out, but for a text that must be there. */
export function readValue({ kind, isRequired }: Field, text: string): Json | undefined {
  if (kind === 'text') return text === '' && !isRequired ? undefined : text
  if (text.trim() === '') return undefined
  const read = readJson(text)
  return read.ok ? read.value : text
}

/** The same params with another value of one field. */
export function withValue(params: JsonObject, name: string, value: Json | undefined): JsonObject {
  const others = Object.entries(params).filter(([key]) => key !== name)
  // Entries, not a literal: `__proto__` is a name like any other here, and the server refuses it.
  return Object.fromEntries(value === undefined ? others : [...others, [name, value]])
}

/** The members that have no field. */
export function othersOf({ fields }: Form, params: JsonObject): JsonObject {
  const names = new Set(fields.map(({ name }) => name))
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.has(name)))
}

/** The same params with other members beside the fields. */
export function withOthers(form: Form, params: JsonObject, others: JsonObject): JsonObject {
  const extra = othersOf(form, others)
  const own = Object.entries(params).filter(([name]) =>
    form.fields.some((field) => field.name === name),
  )
  return Object.fromEntries([...own, ...Object.entries(extra)])
}

/** What a form begins with: the first golden case of the contract, else what can only be one thing. */
export function firstParams({ fields }: Form, goldenCase: JsonObject | undefined): JsonObject {
  if (goldenCase !== undefined) return goldenCase
  return Object.fromEntries(
    fields.flatMap(({ name, kind, isRequired, choices }): [string, Json][] => {
      if (!isRequired) return []
      if (kind === 'text') return [[name, '']]
      const [only] = choices
      return choices.length === 1 && only !== undefined ? [[name, only]] : []
    }),
  )
}

/** Why a value does not fit, or null. Patterns are left to the server: theirs take time that is bounded. */
export function whyWrong(field: Field, value: Json | undefined): string | null {
  if (value === undefined) return field.isRequired ? 'Required' : null
  const { schema, kind, choices } = field
  if (kind === 'choice') {
    const isOne = choices.some((it) => canonicalJson(it) === canonicalJson(value))
    return isOne ? null : `${quotedValue(value)} is none of the listed values`
  }
  const type = textOf(schema['type'])
  if (type !== null && !hasType(type, value)) return wrongType(type, value)
  if (typeof value === 'number') return wrongNumber(schema, value)
  return typeof value === 'string' ? wrongLength(schema, value) : null
}

const quotedValue = (value: Json): string =>
  quoted(typeof value === 'string' ? value : JSON.stringify(value))

/** Arrays of types and no type at all are left to the server. */
function hasType(type: string, value: Json): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  return type === 'null' ? value === null : typeof value === type
}

function wrongType(type: string, value: Json): string {
  const read = typeof value === 'string' && type !== 'string' ? readJson(value) : null
  const isWord = (type === 'integer' || type === 'number') && Number.isNaN(Number(value))
  if (read === null || read.ok || isWord) {
    return `${quotedValue(value)} is not of type ${type}`
  }
  return `${read.wrong}; it is sent as text`
}

type Check = (value: number, bound: number) => string | null
const must = (holds: boolean, text: string): string | null => (holds ? null : `Must be ${text}`)

const NUMBER_CHECKS: Readonly<Record<string, Check>> = {
  minimum: (value, bound) => must(value >= bound, `${bound} or more`),
  maximum: (value, bound) => must(value <= bound, `${bound} or less`),
  exclusiveMinimum: (value, bound) => must(value > bound, `more than ${bound}`),
  exclusiveMaximum: (value, bound) => must(value < bound, `less than ${bound}`),
}
const LENGTH_CHECKS: Readonly<Record<string, Check>> = {
  minLength: (length, bound) =>
    must(length >= bound, `at least ${plural(bound, 'character')} long`),
  maxLength: (length, bound) => must(length <= bound, `at most ${plural(bound, 'character')} long`),
}

const wrongNumber = (schema: JsonObject, value: number): string | null =>
  firstWrong(NUMBER_CHECKS, schema, value)

// JSON Schema counts characters, not UTF-16 code units.
const wrongLength = (schema: JsonObject, value: string): string | null =>
  firstWrong(LENGTH_CHECKS, schema, Array.from(value).length)

function firstWrong(
  checks: Readonly<Record<string, Check>>,
  schema: JsonObject,
  value: number,
): string | null {
  for (const [keyword, check] of Object.entries(checks)) {
    const bound = schema[keyword]
    const wrong = typeof bound === 'number' ? check(value, bound) : null
    if (wrong !== null) return wrong
  }
  return null
}

/** An error of the gate `params`, as the server saw it. */
export type ParamsError = Readonly<{ path: string; keyword: string }>

/** What the server found at a field, or null. */
export function serverSays(field: Field, errors: readonly ParamsError[]): string | null {
  const at = `/${field.name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const found = errors.find(({ path }) => path === at || path.startsWith(`${at}/`))
  if (found === undefined) return null
  const { path, keyword } = found
  const pattern = textOf(field.schema['pattern'])
  if (path === at && keyword === 'pattern') return `Must match ${pattern}`
  const where = path === at ? '' : ` at ${path.slice(at.length)}`
  return `The server finds that it breaks ${keyword}${where}`
}

/** What the server found at no field of the form. */
export const serverSaysElsewhere = (form: Form, errors: readonly ParamsError[]): string | null => {
  const elsewhere = errors.filter((it) => form.fields.every((of) => serverSays(of, [it]) === null))
  if (elsewhere.length === 0) return null
  const named = elsewhere.map(({ path, keyword }) => `${keyword} at ${path || 'the root'}`)
  return `The server finds that the params break ${named.join(', ')}`
}
