import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/json.ts'
import { createParamsJudge, whyBadSchema } from '../../src/facts/params.ts'

const judge = createParamsJudge()
const isValid = (sha256: string, schema: never, params: JsonObject): unknown =>
  (judge(sha256, schema, params) as JsonObject)['valid']
const say = (schema: object) => ({ type: 'object', properties: { say: schema } }) as never

describe('params', () => {
  it('are judged by their schema, and what is wrong is named by path and keyword', () => {
    const schema = say({ type: 'string', pattern: '^[a-z]+$' })
    expect(judge('sha256:a', schema, { say: 'dry' })).toEqual({ valid: true, errors: [] })
    expect(judge('sha256:a', schema, { say: 'DRY' })).toEqual({
      valid: false,
      errors: [{ path: '/say', keyword: 'pattern' }],
    })
  })

  it('meet a pattern that JavaScript would work on for ages, and are judged at once', () => {
    const schema = say({ type: 'string', pattern: '^(a+)+$' })
    expect(isValid('sha256:b', schema, { say: `${'a'.repeat(5_000)}!` })).toBe(false)
    expect(isValid('sha256:b', schema, { say: 'a'.repeat(5_000) })).toBe(true)
  })

  it('that are too much work for a pattern could not be judged, whatever stands around it', () => {
    const pattern = '^[ab]*a[ab]{900}c?$'
    const [plain, negated] = [
      { type: 'string', pattern },
      { type: 'string', not: { pattern } },
    ]
    for (const [sha256, schema] of [
      ['sha256:c', plain],
      ['sha256:d', negated],
    ] as const) {
      const long = { say: 'ab'.repeat(4_000) }
      expect(() => judge(sha256, say(schema), long)).toThrow('too much work for a pattern')
      expect(isValid(sha256, say(schema), { say: 'b' })).toBe(schema === negated)
    }
  })
})

describe('a params schema', () => {
  it('is compiled without a trace: many of them take no longer each', () => {
    const schemas = Array.from({ length: 200 }, (_, n) => say({ type: 'string', maxLength: n }))
    expect(schemas.map(whyBadSchema).filter((why) => why !== null)).toEqual([])
  })

  it.each(['(?=a)', String.raw`(a)\1`, 'a{1001}', '(', '[z-a]'])(
    'with the pattern %s, which takes no linear time or is none, cannot be registered',
    (pattern) => {
      expect(whyBadSchema(say({ type: 'string', pattern }))).toMatch(/no strict JSON Schema/)
    },
  )

  it.each([
    [String.raw`^\u00e9+$`, 'éé'],
    [String.raw`^\p{Lu}[a-z]+$`, 'Ärz'],
    [String.raw`^\d{4}-(?<month>\d\d)$`, '2026-11'],
    ['^.$', '😀'],
    ['b', 'abc'],
  ])('may say %s as ECMA-262 does', (pattern, text) => {
    const schema = say({ type: 'string', pattern })
    expect(whyBadSchema(schema)).toBeNull()
    expect(isValid(`sha256:says ${pattern}`, schema, { say: text })).toBe(true)
    expect(isValid(`sha256:says ${pattern}`, schema, { say: '' })).toBe(false)
  })
})
