import { describe, expect, it } from 'vitest'
import { createParamsJudge, whyBadSchema } from '../../src/facts/params.ts'

const judge = createParamsJudge()
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

  it('end in "could not tell" when a pattern takes too long, and the next ones are judged', () => {
    const schema = say({ type: 'string', pattern: '^(a+)+$' })
    expect(() => judge('sha256:b', schema, { say: `${'a'.repeat(40)}!` })).toThrow(/timed out/)
    expect(judge('sha256:b', schema, { say: 'aaa' })).toEqual({ valid: true, errors: [] })
  })
})

describe('a params schema', () => {
  it('is compiled without a trace: many of them take no longer each', () => {
    const schemas = Array.from({ length: 200 }, (_, n) => say({ type: 'string', maxLength: n }))
    expect(schemas.map(whyBadSchema).filter((why) => why !== null)).toEqual([])
  })
})
