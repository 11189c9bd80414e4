import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../domain/json.ts'
import {
  type Field,
  firstParams,
  formOf,
  othersOf,
  readValue,
  serverSays,
  serverSaysElsewhere,
  showValue,
  whyWrong,
  withOthers,
  withValue,
} from '../../src/console/try/form.ts'

const SCHEMA = {
  type: 'object',
  required: ['document', 'rule', 'count', 'deep', 'name'],
  additionalProperties: false,
  properties: {
    document: { type: 'string', title: 'Document', description: 'Never the text itself' },
    rule: { enum: ['section', 'page', 7] },
    count: { type: 'integer', minimum: 1, maximum: 6 },
    deep: { type: 'boolean' },
    ratio: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    code: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 4 },
    name: { type: 'string', minLength: 1 },
    list: { type: 'array', items: { type: 'integer' } },
    only: { const: 'this' },
    any: {},
  },
} satisfies JsonObject

const form = formOf(SCHEMA)
const field = (name: string): Field => {
  const found = form.fields.find((it) => it.name === name)
  if (found === undefined) throw new Error(`no field ${name}`)
  return found
}
const wrongTyped = (name: string, text: string): string | null =>
  whyWrong(field(name), readValue(field(name), text))

describe('a form from the schema of a contract', () => {
  it('has a field for every property, in order, that says what fits', () => {
    expect(form.fields.map(({ label, kind, says }) => [label, kind, says])).toEqual([
      ['Document', 'text', 'text'],
      ['rule', 'choice', 'one of'],
      ['count', 'number', 'integer 1 to 6'],
      ['deep', 'choice', 'true or false'],
      ['ratio', 'number', 'number, optional'],
      ['code', 'text', '^[a-z]+$, optional'],
      ['name', 'text', 'text'],
      ['list', 'json', 'array, as JSON, optional'],
      ['only', 'choice', 'one of, optional'],
      ['any', 'json', 'as JSON, optional'],
    ])
    expect(field('document').hint).toBe('Never the text itself')
    expect(form.isOpen).toBe(false)
    const pattern = '^[a-z0-9-]{1,20}$'
    const [long] = formOf({
      properties: { a: { type: 'string', pattern, description: 'An id.' } },
    }).fields
    expect(long).toMatchObject({ says: 'text, optional', hint: `An id. Matches ${pattern}` })
  })

  it.each([
    {},
    { type: 'object' },
    { $ref: '#/$defs/x' },
    { properties: [1], required: 'a' },
    { properties: { a: true, b: null } },
  ] as JsonObject[])('leaves room for params as JSON where the schema is %j', (schema) => {
    expect(formOf(schema).isOpen).toBe(true)
    expect(formOf(schema).fields.every(({ kind }) => kind === 'json')).toBe(true)
  })

  it('has a typed field for a choice of more than anybody would scroll', () => {
    const some = Array.from({ length: 201 }, (_, n) => n)
    const [typed] = formOf({ properties: { n: { type: 'integer', enum: some } } }).fields
    expect(typed?.kind).toBe('number')
  })

  it('begins with a golden case, or with what can only be one thing', () => {
    expect(firstParams(form, { document: 'a' })).toEqual({ document: 'a' })
    expect(firstParams(form, undefined)).toEqual({ document: '', name: '' })
    const fixed = formOf({ required: ['v'], properties: { v: { const: 2 } } })
    expect(firstParams(fixed, undefined)).toEqual({ v: 2 })
  })
})

describe('what is typed into a field', () => {
  it.each<[string, string, Json | undefined]>([
    ['document', 'rfc9457', 'rfc9457'],
    ['document', '5', '5'],
    ['document', '', ''],
    ['code', '', undefined],
    ['count', '5', 5],
    ['count', ' ', undefined],
    ['count', 'five', 'five'],
    ['count', '1.', '1.'],
    ['count', '9007199254740993', '9007199254740993'],
    ['ratio', '0.25', 0.25],
    ['ratio', '0.10000000000000001', '0.10000000000000001'],
    ['rule', '"page"', 'page'],
    ['rule', '7', 7],
    ['rule', '', undefined],
    ['deep', 'false', false],
    ['list', '[1, {"a": 2}]', [1, { a: 2 }]],
    ['list', '[1', '[1'],
    ['list', '[9007199254740993]', '[9007199254740993]'],
    ['list', `${'['.repeat(33)}${']'.repeat(33)}`, `${'['.repeat(33)}${']'.repeat(33)}`],
    ['any', 'null', null],
    ['any', '"5"', '5'],
  ])('%s: %s stands for its value, and is shown as one that means it', (name, text, value) => {
    expect(readValue(field(name), text)).toEqual(value)
    expect(readValue(field(name), showValue(field(name), value))).toEqual(value)
  })

  it('survives depth and length that would break a recursion', () => {
    const deep = '['.repeat(60_000)
    expect(readValue(field('list'), deep + ']'.repeat(60_000))).toBeTypeOf('string')
    expect(readValue(field('list'), deep)).toBe(deep)
    const long = JSON.stringify(['\\"'.repeat(30_000)])
    expect(readValue(field('list'), long)).toEqual(JSON.parse(long))
  })

  it.each([
    ['count', '', 'Required'],
    ['count', 'five', '"five" is not of type integer'],
    ['count', '1.5', '"1.5" is not of type integer'],
    ['count', '0', 'Must be 1 or more'],
    ['count', '7', 'Must be 6 or less'],
    [
      'count',
      '9007199254740993',
      '9007199254740993 cannot be kept exactly as a number; it is sent as text',
    ],
    ['ratio', '0', 'Must be more than 0'],
    ['ratio', '1', 'Must be less than 1'],
    ['code', 'a', 'Must be at least 2 characters long'],
    ['name', '', 'Must be at least 1 character long'],
    ['code', 'abcde', 'Must be at most 4 characters long'],
    ['rule', '"other"', '"other" is none of the listed values'],
    ['list', '{}', '"{}" is not of type array'],
    ['list', '[1', '"[1" is not JSON; it is sent as text'],
    [
      'list',
      `${'['.repeat(33)}${']'.repeat(33)}`,
      'Nested more than 32 levels; it is sent as text',
    ],
    ['count', 'x'.repeat(60_000), /^"x{40}…" is not of type integer/],
  ])('%s: %.40s is wrong: %s', (name, text, why) => {
    expect(wrongTyped(name, text)).toEqual(why instanceof RegExp ? expect.stringMatching(why) : why)
  })

  it.each([
    ['count', '6'],
    ['code', '😀😀😀😀'],
    ['code', ''],
    ['rule', '7'],
    ['deep', 'true'],
    ['any', '{"a":1}'],
    ['list', '[]'],
  ])('%s: %s is not wrong', (name, text) => {
    expect(wrongTyped(name, text)).toBeNull()
  })

  it('is never matched with a pattern in the browser, where that could take time without end', () => {
    const [evil] = formOf({ properties: { a: { type: 'string', pattern: '^(a+)+$' } } }).fields
    expect(evil && whyWrong(evil, `${'a'.repeat(50)}!`)).toBeNull()
  })

  it('says that a link has another type than the field', () => {
    expect(whyWrong(field('document'), 5)).toBe('"5" is not of type string')
    expect(showValue(field('document'), 5)).toBe('5')
    expect(showValue(field('count'), '5')).toBe('"5"')
  })
})

describe('params', () => {
  it('take a value, lose it, and keep the others', () => {
    const params = withValue({ a: 1, b: 2 }, 'a', 3)
    expect(params).toEqual({ a: 3, b: 2 })
    expect(withValue(params, 'a', undefined)).toEqual({ b: 2 })
  })

  it('take a member of any name as a member', () => {
    const params = withValue({}, '__proto__', { a: 1 })
    expect(Object.hasOwn(params, '__proto__')).toBe(true)
    expect(JSON.stringify(params)).toBe('{"__proto__":{"a":1}}')
  })

  it('have members without a field beside those with one', () => {
    const params = { document: 'a', extra: 1 }
    expect(othersOf(form, params)).toEqual({ extra: 1 })
    expect(withOthers(form, params, { more: 2, document: 'b' })).toEqual({ document: 'a', more: 2 })
  })
})

describe('what the server found', () => {
  const errors = [
    { path: '/code', keyword: 'pattern' },
    { path: '/list/0', keyword: 'type' },
    { path: '', keyword: 'additionalProperties' },
  ]

  it('stands under the field that it is about', () => {
    expect(serverSays(field('code'), errors)).toBe('Must match ^[a-z]+$')
    expect(serverSays(field('list'), errors)).toBe('The server finds that it breaks type at /0')
    expect(serverSays(field('count'), errors)).toBeNull()
  })

  it('stands by itself where no field is about it', () => {
    expect(serverSaysElsewhere(form, errors)).toBe(
      'The server finds that the params break additionalProperties at the root',
    )
    expect(serverSaysElsewhere(form, errors.slice(0, 2))).toBeNull()
  })
})
