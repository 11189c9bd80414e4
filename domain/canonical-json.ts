import type { Json, JsonObject } from './json.ts'

/** Raised for a value that RFC 8785 cannot express. `path` is an RFC 6901 pointer. */
export class NotCanonical extends Error {
  readonly path: string

  constructor(what: string, path: string) {
    super(`${what} at ${path === '' ? 'the root' : path}`)
    this.name = 'NotCanonical'
    this.path = path
  }
}

/**
 * The one byte-exact text of a JSON value: JSON Canonicalization Scheme, RFC 8785.
 *
 * Members are sorted by UTF-16 code units (section 3.2.3) and numbers take their shortest
 * ECMAScript form (3.2.2.3), so `-0` is `0`. Text is never normalised.
 * Throws `NotCanonical` for NaN, infinities, lone surrogates and anything that is not JSON.
 */
export function canonicalJson(value: Json): string {
  return write(value, [])
}

/** RFC 6901: the keys and indexes that lead to a value, as one text. */
export const jsonPointer = (path: readonly (string | number)[]): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The way to the value being written: kept up to date, and spelled only when something is wrong. */
type Path = (string | number)[]

function write(value: Json, path: Path): string {
  if (typeof value === 'string') return writeString(value, path)
  if (typeof value === 'number') return writeNumber(value, path)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value !== 'object') throw notCanonical(`a value of type ${typeof value}`, path)
  return Array.isArray(value) ? writeArray(value, path) : writeObject(value as JsonObject, path)
}

function writeArray(value: readonly Json[], path: Path): string {
  const items: string[] = []
  // By index: `map` would skip the holes of a sparse array and write no member for them.
  for (let i = 0; i < value.length; i++) items.push(writeInside(value[i] as Json, i, path))
  return `[${items.join(',')}]`
}

function writeObject(value: JsonObject, path: Path): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw notCanonical('an object that is not plain', path)
  }
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${writeString(key, path)}:${writeInside(value[key] as Json, key, path)}`)
  return `{${members.join(',')}}`
}

function writeInside(value: Json, step: string | number, path: Path): string {
  path.push(step)
  const text = write(value, path)
  path.pop()
  return text
}

function writeNumber(value: number, path: Path): string {
  if (!Number.isFinite(value)) throw notCanonical(`the number ${value}`, path)
  return JSON.stringify(value)
}

function writeString(value: string, path: Path): string {
  if (!value.isWellFormed()) throw notCanonical('a lone surrogate', path)
  return JSON.stringify(value)
}

const notCanonical = (what: string, path: Path): NotCanonical =>
  new NotCanonical(what, jsonPointer(path))
