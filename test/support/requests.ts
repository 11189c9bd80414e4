import * as fc from 'fast-check'
import type { Json } from '../../domain/json.ts'
import type { Document, Operation, Schema } from './openapi.ts'
import { valueOf } from './schema-values.ts'
import { bytesOf, type Draft, encode, spoils } from './spoils.ts'

/** A request as it goes onto the wire: the path is encoded, the body is bytes. */
export type Sent = Readonly<{
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  body: Buffer | null
}>

/**
 * What no schema can say: the keys that exist, and values for `<operationId> <in>:<name>` or
 * `<operationId> body` that mean something; `<in>:<name>` holds for every operation, always.
 */
export type Known = Readonly<{
  key: string
  otherKeys: readonly string[]
  values: Readonly<Record<string, fc.Arbitrary<Json>>>
}>

/** Requests for one operation: sound ones, ones that only fit the schema, and spoilt ones. */
export function requestsFor(
  document: Document,
  operation: Operation,
  known: Known,
): fc.Arbitrary<Sent> {
  const sound = draftsFor(operation, known, soundValue(document, known))
  const fitting = draftsFor(
    operation,
    known,
    (schema, name) => general(known, name) ?? valueOf(document, schema),
  )
  const spoilt = fc
    .tuple(
      fc.oneof(sound, fitting),
      fc.array(spoils(operation, known.otherKeys), { minLength: 1, maxLength: 2 }),
    )
    .map(([draft, all]) => all.reduce((it, spoil) => spoil(it), draft))
  return fc
    .oneof(
      { weight: 6, arbitrary: sound },
      { weight: 1, arbitrary: fitting },
      { weight: 7, arbitrary: spoilt },
    )
    .map(onWire)
}

/** A sound request that asks for nothing more than it must: members that may be left out can disagree. */
export function plainRequestFor(
  document: Document,
  operation: Operation,
  known: Known,
): fc.Arbitrary<Sent> {
  const parameters = operation.parameters.filter((it) => it.required)
  return draftsFor({ ...operation, parameters }, known, soundValue(document, known)).map(onWire)
}

const general = ({ values }: Known, name: string) => values[name.split(' ')[1] ?? '']

const soundValue =
  (document: Document, known: Known): ValueFor =>
  (schema, name) =>
    known.values[name] ?? general(known, name) ?? valueOf(document, schema)

function onWire({ method, template, path, query, headers, body }: Draft): Sent {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => path[name] ?? '')
  const asked = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  return { method, path: asked === '' ? filled : `${filled}?${asked}`, headers, body }
}

type ValueFor = (schema: Schema, name: string) => fc.Arbitrary<Json>

function draftsFor(
  { id, method, path, parameters, body }: Operation,
  { key }: Known,
  valueFor: ValueFor,
): fc.Arbitrary<Draft> {
  const placed = (place: string): fc.Arbitrary<Record<string, string>> => {
    const here = parameters.filter((it) => it.in === place)
    const values = here.map((it) => [
      it.name,
      valueFor(it.schema, `${id} ${place}:${it.name}`).map(String),
    ])
    return fc.record(Object.fromEntries(values) as Record<string, fc.Arbitrary<string>>, {
      requiredKeys: here.filter((it) => it.required).map((it) => it.name),
      noNullPrototype: true,
    }) as fc.Arbitrary<Record<string, string>>
  }
  const bytes = body === null ? fc.constant(null) : valueFor(body, `${id} body`).map(bytesOf)
  return fc
    .tuple(placed('path'), placed('query'), placed('header'), bytes)
    .map(([segments, query, headers, content]) => ({
      method,
      template: path,
      path: Object.fromEntries(Object.entries(segments).map(([k, v]) => [k, encode(v)])),
      query: Object.entries(query),
      headers: {
        authorization: `Bearer ${key}`,
        ...headers,
        ...(content === null ? {} : { 'content-type': 'application/json' }),
      },
      body: content,
    }))
}
