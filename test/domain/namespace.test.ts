import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWithin, isWithinAny, NAMESPACE_PREFIX, parseNamespace } from '../../domain/namespace.ts'
import { isSound, namespaceTexts } from '../support/namespace-texts.ts'

const refused = (code: string) => ({ ok: false, code })
const times = (n: number, text: string): string => text.repeat(n)
const segments = (n: number): string => Array.from({ length: n }, (_, i) => `s${i}`).join('/')
/** A well-formed namespace of exactly this length, its segments as long as they may be. */
const ofLength = (length: number): string => {
  const rest = { length: length - NAMESPACE_PREFIX.length }
  return NAMESPACE_PREFIX + Array.from(rest, (_, i) => (i % 64 === 63 ? '/' : 'a')).join('')
}

describe('a well-formed dry-run namespace', () => {
  it.each([
    ['DRYRUN-NS:a', ['a']],
    ['DRYRUN-NS:0', ['0']],
    ['DRYRUN-NS:hc/orders', ['hc', 'orders']],
    ['DRYRUN-NS:a.b/c-d/e_f', ['a.b', 'c-d', 'e_f']],
    ['DRYRUN-NS:a.-_', ['a.-_']],
    ['DRYRUN-NS:a.', ['a.']],
    ['DRYRUN-NS:1/2/3/4/5/6/7/8', ['1', '2', '3', '4', '5', '6', '7', '8']],
    [`DRYRUN-NS:${times(63, 'a')}`, [times(63, 'a')]],
  ])('%s has the segments %j', (text, expected) => {
    expect(parseNamespace(text)).toEqual({ ok: true, segments: expected })
  })

  it('may have 200 characters, and no more', () => {
    expect(ofLength(200)).toHaveLength(200)
    expect(parseNamespace(ofLength(200)).ok).toBe(true)
    expect(parseNamespace(ofLength(201))).toEqual(refused('namespace-invalid'))
  })

  it('may have eight segments, and no more', () => {
    expect(parseNamespace(`DRYRUN-NS:${segments(8)}`).ok).toBe(true)
    expect(parseNamespace(`DRYRUN-NS:${segments(9)}`)).toEqual(refused('namespace-invalid'))
  })

  it('may have segments of 63 characters, and no longer ones', () => {
    expect(parseNamespace(`DRYRUN-NS:${times(64, 'a')}`)).toEqual(refused('namespace-invalid'))
    expect(parseNamespace(`DRYRUN-NS:a/${times(64, 'a')}`)).toEqual(refused('namespace-invalid'))
  })
})

describe('a malformed dry-run namespace', () => {
  it.each([
    ['nothing after the prefix', 'DRYRUN-NS:'],
    ['an upper-case letter', 'DRYRUN-NS:Hc'],
    ['an upper-case letter inside', 'DRYRUN-NS:hC'],
    ['a trailing slash', 'DRYRUN-NS:hc/'],
    ['a leading slash', 'DRYRUN-NS:/hc'],
    ['an empty segment', 'DRYRUN-NS:hc//orders'],
    ['only a slash', 'DRYRUN-NS:/'],
    ['a space before', 'DRYRUN-NS: hc'],
    ['a space after', 'DRYRUN-NS:hc '],
    ['a line feed after', 'DRYRUN-NS:hc\n'],
    ['a line feed inside', 'DRYRUN-NS:hc\norders'],
    ['a carriage return after', 'DRYRUN-NS:hc\r'],
    ['a tab', 'DRYRUN-NS:hc\torders'],
    ['a no-break space', 'DRYRUN-NS:hc\u00a0'],
    ['a zero-width space', 'DRYRUN-NS:hc\u200b'],
    ['a byte order mark', 'DRYRUN-NS:\ufeffhc'],
    ['a NUL', 'DRYRUN-NS:hc\u0000'],
    ['two dots', 'DRYRUN-NS:..'],
    ['two dots inside a segment', 'DRYRUN-NS:a..b'],
    ['two dots at the end of a segment', 'DRYRUN-NS:a../b'],
    ['a segment of two dots', 'DRYRUN-NS:a/../b'],
    ['a segment of one dot', 'DRYRUN-NS:a/./b'],
    ['a segment that begins with a dot', 'DRYRUN-NS:.a'],
    ['a segment that begins with a dash', 'DRYRUN-NS:-a'],
    ['a segment that begins with an underscore', 'DRYRUN-NS:a/_b'],
    ['a backslash', 'DRYRUN-NS:a\\b'],
    ['a percent sign', 'DRYRUN-NS:a%2fb'],
    ['an encoded prefix', 'DRYRUN-NS:%2e%2e/prod'],
    ['a Cyrillic letter', 'DRYRUN-NS:\u0430'],
    ['a full-width letter', 'DRYRUN-NS:\uff41'],
    ['a full-width slash', 'DRYRUN-NS:a\uff0fb'],
    ['a division slash', 'DRYRUN-NS:a\u2215b'],
    ['a letter with an accent', 'DRYRUN-NS:caf\u00e9'],
    ['a combining accent', 'DRYRUN-NS:cafe\u0301'],
    ['a dotless i', 'DRYRUN-NS:\u0131'],
    ['a Kelvin sign', 'DRYRUN-NS:\u212a'],
    ['a long s', 'DRYRUN-NS:\u017f'],
    ['an Arabic digit', 'DRYRUN-NS:\u0661'],
    ['an emoji', 'DRYRUN-NS:\ud83d\ude00'],
    ['the prefix again', 'DRYRUN-NS:DRYRUN-NS:a'],
    ['a colon', 'DRYRUN-NS:a:b'],
    ['a star', 'DRYRUN-NS:a/*'],
    ['a wild card', 'DRYRUN-NS:%'],
    ['a quote', "DRYRUN-NS:a'b"],
  ])('with %s is namespace-invalid', (_what, text) => {
    expect(parseNamespace(text)).toEqual(refused('namespace-invalid'))
  })
})

describe('anything else', () => {
  it.each([
    ['the empty text', ''],
    ['a production namespace', 'PROD:hc/orders'],
    ['a bare path', 'hc/orders'],
    ['the prefix in lower case', 'dryrun-ns:hc'],
    ['the prefix in mixed case', 'DryRun-NS:hc'],
    ['the prefix without its colon', 'DRYRUN-NS/hc'],
    ['the prefix cut short', 'DRYRUN-NS'],
    ['a space before the prefix', ' DRYRUN-NS:hc'],
    ['a line feed before the prefix', '\nDRYRUN-NS:hc'],
    ['a line before the prefix', 'PROD:x\nDRYRUN-NS:hc'],
    ['a byte order mark before the prefix', '\ufeffDRYRUN-NS:hc'],
    ['the prefix in the middle', 'PROD/DRYRUN-NS:hc'],
    ['another dash', 'DRYRUN\u2010NS:hc'],
    ['an underscore for the dash', 'DRYRUN_NS:hc'],
    ['a full-width colon', 'DRYRUN-NS\uff1ahc'],
    ['a Cyrillic letter in the prefix', 'D\u0420YRUN-NS:hc'],
    ['the prefix encoded', 'DRYRUN%2dNS:hc'],
  ])('such as %s is namespace-production', (_what, text) => {
    expect(parseNamespace(text)).toEqual(refused('namespace-production'))
  })

  it('is what the grammar of the contract says, for every text', () => {
    fc.assert(
      fc.property(namespaceTexts, (text) => {
        const code = text.startsWith('DRYRUN-NS:') ? 'namespace-invalid' : 'namespace-production'
        const segmentsOf = text.slice(10).split('/')
        expect(parseNamespace(text)).toEqual(
          isSound(text) ? { ok: true, segments: segmentsOf } : refused(code),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a namespace prefix of a key', () => {
  it.each([
    ['itself', ['a', 'b'], ['a', 'b'], true],
    ['what is below it', ['a', 'b', 'c'], ['a', 'b'], true],
    ['everything, when it is empty', ['a'], [], true],
    ['no sibling', ['a', 'c'], ['a', 'b'], false],
    ['no segment that only begins alike', ['a', 'bc'], ['a', 'b'], false],
    ['no segment that it only begins like', ['a', 'b'], ['a', 'bc'], false],
    ['nothing above it', ['a'], ['a', 'b'], false],
    ['nothing that has it further down', ['x', 'a'], ['a'], false],
    ['nothing of another root', ['b', 'b'], ['a', 'b'], false],
  ] as const)('covers %s', (_what, namespace, prefix, covered) => {
    expect(isWithin(namespace, prefix)).toBe(covered)
  })
})

describe('a text within any of several prefixes', () => {
  const prefixes = [['a'], ['b', 'c']]

  it.each([
    ['lies below one of them', 'DRYRUN-NS:b/c/d', prefixes, true],
    ['is one of them', 'DRYRUN-NS:a', prefixes, true],
    ['lies below none of them', 'DRYRUN-NS:b/d', prefixes, false],
    ['is no namespace', 'PROD:a', prefixes, false],
    ['is no namespace, but nothing is limited', 'PROD:a', [], true],
    ['lies anywhere, where nothing is limited', 'DRYRUN-NS:z', [], true],
  ])('%s', (_, text, within, expected) => {
    expect(isWithinAny(text, within)).toBe(expected)
  })
})
