import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fields } from '../../domain/filter/field.ts'
import { alternativesOf, type Filter } from '../../domain/filter/filter.ts'
import { parseFilter } from '../../domain/filter/parse-filter.ts'
import { parseOrderBy } from '../../domain/filter/parse-order-by.ts'
import { LIMITS } from '../../domain/limits.ts'

const FIELDS: Fields = {
  'contract.id': { type: 'text', ordered: true },
  id: { type: 'uuid' },
  rule: { type: 'integer' },
  space: { type: 'namespace' },
  verdict: { type: 'text', values: ['would_succeed', 'would_fail'], nullable: true },
  at: { type: 'time', ordered: true },
}
const NAMES = 'contract.id, id, rule, space, verdict, at'

const is = (field: string, value: string | number, operator = '='): Filter =>
  ({ kind: 'comparison', field, operator, value }) as Filter
const not = (part: Filter): Filter => ({ kind: 'not', part })
const and = (...parts: Filter[]): Filter => ({ kind: 'and', parts })
const or = (...parts: Filter[]): Filter => ({ kind: 'or', parts })
const [one, two, three] = [is('rule', 1), is('rule', 2), is('rule', 3)]

const read = (text: string): Filter => {
  const parsed = parseFilter(text, FIELDS)
  if (parsed.ok) return parsed.value
  throw new Error(`${parsed.character}: ${parsed.detail}`)
}
/** `character: detail` of a text that cannot be read. */
const misread = (text: string): string => {
  const parsed = parseFilter(text, FIELDS)
  return parsed.ok
    ? `read ${JSON.stringify(parsed.value)}`
    : `${parsed.character}: ${parsed.detail}`
}

describe('a filter', () => {
  it.each<[string, Filter]>([
    ['rule = 1', one],
    ['  rule=1\t\n', one],
    ['(rule = 1)', one],
    ['rule = 1 AND rule = 2', and(one, two)],
    ['rule = 1 OR rule = 2', or(one, two)],
    ['rule = 1 AND rule = 2 OR rule = 3', and(one, or(two, three))],
    ['rule = 1 OR rule = 2 AND rule = 3', and(or(one, two), three)],
    ['(rule = 1 AND rule = 2) OR rule = 3', or(and(one, two), three)],
    ['NOT rule = 1', not(one)],
    ['-rule = 1', not(one)],
    ['-(rule = 1 OR rule = 2)', not(or(one, two))],
    ['NOT (rule = 1) AND rule = 2', and(not(one), two)],
    ['NOT rule = 1 OR rule = 2', or(not(one), two)],
    ['rule != 1', not(one)],
    ['rule = -7', is('rule', -7)],
    ['rule >= 9007199254740991', is('rule', 9_007_199_254_740_991, '>=')],
    ['verdict = would_fail', is('verdict', 'would_fail')],
    ['verdict:*', { kind: 'present', field: 'verdict' }],
    ['NOT verdict:*', not({ kind: 'present', field: 'verdict' })],
    ['contract.id = iu-cutter/rfc.1', is('contract.id', 'iu-cutter/rfc.1')],
    ['contract.id = "a b"', is('contract.id', 'a b')],
    [`contract.id = 'say "x"'`, is('contract.id', 'say "x"')],
    [String.raw`contract.id = "\"\\\'\*"`, is('contract.id', `"\\'*`)],
    ['contract.id = "AND"', is('contract.id', 'AND')],
    ['contract.id = ""', is('contract.id', '')],
    ['space:DRYRUN-NS:a/b', is('space', 'DRYRUN-NS:a/b', 'within')],
    ['space : "DRYRUN-NS:a/b"', is('space', 'DRYRUN-NS:a/b', 'within')],
    ['space = PROD:a', is('space', 'PROD:a')],
    ['at < 2026-11-27T09:30:00Z', is('at', '2026-11-27T09:30:00Z', '<')],
    ['at >= "2026-11-27T09:30:00.5+05:30"', is('at', '2026-11-27T09:30:00.5+05:30', '>=')],
  ])('%s is read', (text, filter) => {
    expect(read(text)).toEqual(filter)
  })

  it.each([
    ['', `1: found the end, expected a field: ${NAMES}`],
    ['   ', `4: found the end, expected a field: ${NAMES}`],
    ['ruel = 1', `1: found "ruel", expected a field: ${NAMES}`],
    ['__proto__ = 1', `1: found "__proto__", expected a field: ${NAMES}`],
    ['constructor = 1', `1: found "constructor", expected a field: ${NAMES}`],
    ['"a"', `1: found "\\"", expected a field: ${NAMES}`],
    ['rule = 1 AND ', `14: found the end, expected a field: ${NAMES}`],
    ['rule', '5: found the end, expected a comparison of rule: = != < <= > >='],
    ['rule(1)', '5: found "(", expected a comparison of rule: = != < <= > >='],
    [
      'rule == 1',
      '7: found "=", expected a value: in quotes, or of letters, digits and _ . : / @ + -',
    ],
    ['verdict < would_fail', '9: found "<", expected a comparison of verdict: = != :'],
    ['id : 1', '4: found ":", expected a comparison of id: = !='],
    ['verdict:would_fail', '9: found "would_fail", expected *, for any value'],
    [
      'space:*',
      '7: found "*", expected a value: in quotes, or of letters, digits and _ . : / @ + -',
    ],
    ['space:"PROD:a"', '7: found "\\"", expected a prefix of whole segments, as DRYRUN-NS:a/b'],
    [
      'space:DRYRUN-NS:a/',
      '7: found "DRYRUN-NS:a/", expected a prefix of whole segments, as DRYRUN-NS:a/b',
    ],
    ['rule = 1 rule = 2', '10: found "rule", expected AND, OR or the end'],
    ['rule = 1 and rule = 2', '10: found "and", expected AND, OR or the end'],
    ['rule = 1 ANDrule = 2', '10: found "ANDrule", expected AND, OR or the end'],
    ['(rule = 1', '10: found the end, expected AND, OR or )'],
    ['rule = 1)', '9: found ")", expected AND, OR or the end'],
    ['NOT NOT rule = 1', `5: found "NOT", expected a field: ${NAMES}`],
    ['--rule = 1', `2: found "-rule", expected a field: ${NAMES}`],
    ['rule = 1; drop table x', '9: found ";", expected AND, OR or the end'],
    ['rule = 1 -- x', '10: found "--", expected AND, OR or the end'],
    ['rule = 1.5', '8: found "1.5", expected a whole number'],
    ['rule = 007', '8: found "007", expected a whole number'],
    ['rule = 9007199254740993', '8: found "9007199254740993", expected a whole number'],
    ['rule = "1', '10: found the end, expected ", or one of \\" \\\' \\\\ \\*'],
    ['verdict = null', '11: found "null", expected would_succeed, would_fail'],
    ['id = 1', '6: found "1", expected a UUID'],
    [
      'contract.id = AND',
      '15: found "AND", expected a value: in quotes, or of letters, digits and _ . : / @ + -',
    ],
    ['contract.id = iu/*', '18: found "*", expected AND, OR or the end'],
    ['contract.id = "iu/*"', '19: found "*", expected ", or one of \\" \\\' \\\\ \\*'],
    [String.raw`contract.id = "\n"`, '16: found "\\\\", expected ", or one of \\" \\\' \\\\ \\*'],
    ['contract.id = "a\0"', '15: found "\\"", expected Unicode text without U+0000'],
    ['contract.id = "\ud800"', '15: found "\\"", expected Unicode text without U+0000'],
    [
      'contract.id = é',
      '15: found "é", expected a value: in quotes, or of letters, digits and _ . : / @ + -',
    ],
    ['contract.id = "💩💩" AND x = 1', `24: found "x", expected a field: ${NAMES}`],
    [`space = "${'x'.repeat(201)}"`, '9: found "\\"", expected at most 200 characters'],
  ])('%j is refused where it goes wrong', (text, says) => {
    expect(misread(text)).toBe(says)
  })

  it.each([
    '2026-11-27',
    '2026-11-27T09:30:00',
    '2026-11-27 09:30:00Z',
    '2026-02-29T09:30:00Z',
    '1900-02-29T09:30:00Z',
    '2026-04-31T09:30:00Z',
    '2026-00-01T09:30:00Z',
    '2026-01-00T09:30:00Z',
    '2026-13-01T09:30:00Z',
    '2026-11-27T24:00:00Z',
    '2026-11-27T09:30:60Z',
    '2026-11-27T09:30:00.1234Z',
    '2026-11-27T09:30:00+16:00',
    '0000-01-01T00:00:00Z',
    'infinity',
    'now',
  ])('takes no %s for a time', (text) => {
    expect(misread(`at = "${text}"`)).toContain('6: found "\\"", expected a time with its offset')
  })

  it.each(['2024-02-29', '2000-02-29', '2026-12-31', '0001-01-01'])('takes %s for a day', (day) => {
    const at = `${day}T23:59:59.999-15:59`
    expect(read(`at = ${at}`)).toEqual(is('at', at))
  })

  it('has so many comparisons, and so many parentheses inside each other', () => {
    const terms = (count: number) => Array<string>(count).fill('rule = 1').join(' AND ')
    expect(read(terms(LIMITS.filterTerms))).toMatchObject({ kind: 'and' })
    expect(misread(terms(LIMITS.filterTerms + 1))).toContain('found "rule", expected at most 64')
    const deep = (depth: number) => `${'('.repeat(depth)}rule = 1${')'.repeat(depth)}`
    expect(read(deep(LIMITS.filterDepth))).toEqual(one)
    expect(misread(deep(LIMITS.filterDepth + 1))).toBe(
      '17: found "(", expected at most 16 parentheses inside each other',
    )
    expect(misread('('.repeat(1_000_000))).toContain('17: found "("')
  })

  it('is read or refused within its text, whatever the text', () => {
    const words = `rule verdict space at = != < : * ( ) - " ' \\ AND OR NOT 1 would_fail ; -- $1`
    const pieces = fc.constantFrom(...words.split(' '), ' ', '\0', '💩', 'DRYRUN-NS:a')
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 30 }).map((it) => it.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseFilter(text, FIELDS)
        if (parsed.ok) return
        expect(parsed.character).toBeGreaterThanOrEqual(1)
        expect(parsed.character).toBeLessThanOrEqual(Array.from(text).length + 1)
        expect(parsed.detail).toMatch(/^found .+, expected ./su)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('the alternatives of a filter', () => {
  const leaves = fc.constantFrom('a', 'b', 'c', 'd', 'e').map((field) => is(field, 1))
  const { filter: filters } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaves,
      tie('filter').map(not),
      fc.tuple(tie('filter'), tie('filter')).map((parts) => and(...parts)),
      fc.array(tie('filter'), { minLength: 2, maxLength: 4 }).map((parts) => or(...parts)),
    ),
  }))
  const holds = (filter: Filter, row: ReadonlySet<string>): boolean => {
    if (filter.kind === 'not') return !holds(filter.part, row)
    if (filter.kind === 'and') return filter.parts.every((it) => holds(it, row))
    if (filter.kind === 'or') return filter.parts.some((it) => holds(it, row))
    return row.has(filter.field)
  }
  const hasOr = (filter: Filter): boolean => {
    if (filter.kind === 'not') return hasOr(filter.part)
    return 'parts' in filter && (filter.kind === 'or' || filter.parts.some(hasOr))
  }

  it('say together what it says, each without or, and are not many', () => {
    fc.assert(
      fc.property(filters, fc.subarray(['a', 'b', 'c', 'd', 'e']), (filter, fields) => {
        const row = new Set(fields)
        const found = alternativesOf(filter)
        expect(found.some((it) => holds(it, row))).toBe(holds(filter, row))
        expect(found.length).toBeLessThanOrEqual(16)
        if (found[0] !== filter) expect(found.filter(hasOr)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  it('are the filter itself where there would be too many', () => {
    const sum = or(is('a', 1), is('b', 1), is('c', 1))
    expect(alternativesOf(and(sum, sum))).toHaveLength(9)
    const many = and(sum, sum, sum)
    expect(alternativesOf(many)).toEqual([many])
  })
})

describe('orderBy', () => {
  const order = (text: string) => {
    const parsed = parseOrderBy(text, FIELDS)
    return parsed.ok ? parsed.value : `${parsed.character}: ${parsed.detail}`
  }

  it.each([
    ['at', [['at', false]]],
    [' at desc ', [['at', true]]],
    [
      'contract.id, at desc',
      [
        ['contract.id', false],
        ['at', true],
      ],
    ],
    [
      'contract.id desc,at',
      [
        ['contract.id', true],
        ['at', false],
      ],
    ],
  ])('%j is read', (text, wanted) => {
    const fields = (wanted as [string, boolean][]).map(([field, descending]) => ({
      field,
      descending,
    }))
    expect(order(text)).toEqual(fields)
  })

  it.each([
    ['', '1: found the end, expected a field: contract.id, at'],
    ['rule', '1: found "rule", expected a field: contract.id, at'],
    ['at asc', '4: found "asc", expected desc, a comma or the end'],
    ['at DESC', '4: found "DESC", expected desc, a comma or the end'],
    ['at,', '4: found the end, expected a field: contract.id'],
    ['at, at desc', '5: found "at", expected a field: contract.id'],
    ['at, contract.id, at', '18: found "at", expected no more fields'],
    ['at desc; drop', '8: found ";", expected desc, a comma or the end'],
  ])('%j is refused where it goes wrong', (text, says) => {
    expect(order(text)).toBe(says)
  })
})
