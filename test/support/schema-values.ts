import * as fc from 'fast-check'
import type { Json } from '../../domain/json.ts'
import { json } from './arbitraries.ts'
import type { Document, Schema } from './openapi.ts'

/** What the schemas of requests are written in: a word that is not here must not be ignored. */
const KEYWORDS = [
  ['type', 'enum', 'description', 'format', 'pattern', 'minLength', 'maxLength'],
  ['minimum', 'maximum', 'items', 'minItems', 'maxItems'],
  ['properties', 'required', 'additionalProperties'],
].flat()

/** Values that a schema of our document allows. Fails on a schema that says what it cannot read. */
export function valueOf(document: Document, referring: Schema): fc.Arbitrary<Json> {
  const schema = document.resolve(referring)
  const unknown = Object.keys(schema).filter((it) => !KEYWORDS.includes(it))
  const make = VALUES[schema.type ?? 'anything']
  if (unknown.length > 0 || make === undefined) {
    throw new Error(`what does it mean? ${JSON.stringify(schema)}`)
  }
  return schema.enum === undefined ? make(schema, document) : fc.constantFrom(...schema.enum)
}

const ITEMS_MAX = 4

const VALUES: Readonly<Record<string, (schema: Schema, document: Document) => fc.Arbitrary<Json>>> =
  {
    anything: () => json,
    boolean: () => fc.boolean(),
    integer: ({ minimum = 0, maximum = 0 }) => fc.integer({ min: minimum, max: maximum }),
    string: (schema) => textOf(schema),
    array: ({ items = {}, minItems = 0 }, document) =>
      fc.array(valueOf(document, items), { minLength: minItems, maxLength: ITEMS_MAX }),
    object: (schema, document) => objectOf(document, schema),
  }

const LENGTH_MAX = 40

const textOf = ({
  pattern,
  minLength = 0,
  maxLength = LENGTH_MAX,
}: Schema): fc.Arbitrary<string> =>
  pattern === undefined
    ? fc.string({
        minLength,
        maxLength: Math.min(maxLength, LENGTH_MAX),
        unit: 'grapheme',
      })
    : fc.stringMatching(new RegExp(pattern))

function objectOf(document: Document, schema: Schema): fc.Arbitrary<Json> {
  const properties = Object.entries(schema.properties ?? {})
  const members = Object.fromEntries(properties.map(([name, it]) => [name, valueOf(document, it)]))
  const told = fc.record(members, {
    requiredKeys: [...(schema.required ?? [])],
    noNullPrototype: true,
  })
  if (schema.additionalProperties === false) return told
  const more = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), json, {
    maxKeys: 3,
    noNullPrototype: true,
  })
  return fc.tuple(more, told).map((parts) => Object.assign({}, ...parts) as Json)
}
