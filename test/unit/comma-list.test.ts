import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commaList } from '../../src/comma-list.ts'

describe('a comma list', () => {
  it.each([
    ['', []],
    [' ', []],
    [',', []],
    [' , ,\t,', []],
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    [' a ,\tb\t', ['a', 'b']],
    [',a,,b,', ['a', 'b']],
    ['a b,c', ['a b', 'c']],
    ['tx=rollback, Tx=Rollback', ['tx=rollback', 'Tx=Rollback']],
    ['a; q="1,2", b', ['a; q="1,2"', 'b']],
    ['"a, b", c', ['"a, b"', 'c']],
    ['"a", "b"', ['"a"', '"b"']],
    [String.raw`"a\", b", c`, [String.raw`"a\", b"`, 'c']],
    [String.raw`"a\\", b`, [String.raw`"a\\"`, 'b']],
    ['a"b,c"d,e', ['a"b,c"d', 'e']],
    ['""', ['""']],
  ])('%j has the members %j', (text, members) => {
    expect(commaList(text)).toEqual(members)
  })

  it.each([
    '"tx=rollback',
    'tx=rollback"',
    'x"tx=rollback',
    '"a, tx=rollback',
    '"a"", tx=rollback',
  ])('has no member within a quote that never ends: %s', (text) => {
    expect(commaList(text)).not.toContain('tx=rollback')
  })

  it('has spaces and tabs around its members, and nothing else that looks like them', () => {
    for (const space of ['\u00a0', '\u000b', '\u000c', '\u2028', '\ufeff'])
      expect(commaList(`${space}a, b${space}`)).toEqual([`${space}a`, `b${space}`])
  })

  it('is the members that it was made of, whatever stands in their quotes', () => {
    const token = fc.stringMatching(/^[!-+\x2d-~]{1,6}$/).filter((it) => !it.includes('"'))
    const quoted = fc
      .string({ unit: 'grapheme-ascii', maxLength: 8 })
      .map((it) => `"${it.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
    const member = fc.oneof(
      token,
      quoted,
      fc.tuple(token, quoted).map(([name, it]) => name + it),
    )
    const comma = fc.constantFrom(',', ', ', ' ,', '\t,\t', ',,', ' , , ')
    fc.assert(
      fc.property(fc.array(member), comma, (members, between) => {
        expect(commaList(members.join(between))).toEqual(members)
      }),
    )
  })

  it.each([
    ['of escapes and quotes', '"\\'],
    ['of escaped quotes', '\\"'],
    ['of quotes', '"'],
    ['of quotes and commas', '",'],
    ['of spaces', ' '],
    ['of commas and spaces', ', '],
  ])('is read in a time that grows with its length, where it is %s', (_what, part) => {
    const text = `x${part.repeat(16 * 1_024).slice(0, 16 * 1_024 - 2)}x`
    const before = process.cpuUsage()
    commaList(text)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(100)
  })
})
