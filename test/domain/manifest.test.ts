import { describe, expect, it } from 'vitest'
import {
  EXECUTOR_TYPE_PATTERN,
  ID_PATTERN,
  OCCURRENCE_PATTERN,
  parseReference,
  targetMatches,
  VERSION_MAX,
} from '../../domain/control/manifest.ts'

const LONG = `a${'b'.repeat(62)}`

describe('an id', () => {
  it.each([
    'a',
    '0',
    'hc.table-rows',
    'a/b/c/d',
    'a.b_c-d',
    '9/8',
    'a..b',
    LONG,
    `${LONG}/${LONG}`,
  ])('may be %s', (id) => expect(ID_PATTERN.test(id)).toBe(true))

  it.each([
    '',
    'A',
    'aB',
    '-a',
    '.a',
    '_a',
    'a/',
    '/a',
    'a//b',
    'a/-b',
    'a/b/c/d/e',
    'a b',
    ' a',
    'a\n',
    'a@1',
    'a:b',
    'a*',
    'a/*',
    'é',
    `${LONG}b`,
    `a/${LONG}b`,
  ])('may not be %j', (id) => expect(ID_PATTERN.test(id)).toBe(false))
})

describe('an executor type', () => {
  it.each(['a', 'simulator', 'sql-read', 'http', 'a1', `a${'b'.repeat(31)}`])('may be %s', (type) =>
    expect(EXECUTOR_TYPE_PATTERN.test(type)).toBe(true),
  )

  it.each(['', 'A', '1a', '-a', 'a_b', 'a.b', 'a/b', 'a\n', `a${'b'.repeat(32)}`])(
    'may not be %j',
    (type) => expect(EXECUTOR_TYPE_PATTERN.test(type)).toBe(false),
  )
})

describe('an occurrence', () => {
  it.each(['', '1', 'A', '-', '.', '_', ':', '2026-08-01T00:00:00.000Z', 'x'.repeat(64)])(
    'may be %j',
    (it) => expect(OCCURRENCE_PATTERN.test(it)).toBe(true),
  )

  it.each([' ', 'a b', 'a/b', 'a\n', '\n', 'é', 'a+b', 'x'.repeat(65)])('may not be %j', (it) =>
    expect(OCCURRENCE_PATTERN.test(it)).toBe(false),
  )
})

describe('a reference', () => {
  it.each([
    ['a@1', 'a', 1],
    ['sample.words@12', 'sample.words', 12],
    ['a/b@9', 'a/b', 9],
    ['a@2147483647', 'a', 2_147_483_647],
  ])('%s is an id and a version', (text, id, version) => {
    expect(parseReference(text)).toEqual({ id, version })
  })

  it.each([
    '',
    'a',
    '@1',
    'a@',
    'a@0',
    'a@01',
    'a@-1',
    'a@1.0',
    'a@1e3',
    'a@x',
    'a@1x',
    'xa b@1',
    'A@1',
    'a@ 1',
    ' a@1',
    'a@1\n',
    'a@b@1',
    'a@1@1',
    'a@2147483648',
    'a@9999999999',
    'a@11111111111',
    `${LONG}b@1`,
  ])('is not %j', (text) => expect(parseReference(text)).toBeNull())

  it('has no version beyond that of a manifest', () => {
    expect(VERSION_MAX).toBe(2_147_483_647)
  })
})

describe('the targets of a contract', () => {
  it.each([
    ['an id', 'sample/one', 'sample/one', true],
    ['no other id', 'sample/one', 'sample/two', false],
    ['nothing below an id', 'sample/one', 'sample/one/deep', false],
    ['nothing above an id', 'sample/one', 'sample', false],
    ['exactly one more segment', 'sample/*', 'sample/one', true],
    ['one more segment below two', 'a/b/*', 'a/b/c', true],
    ['no second segment more', 'sample/*', 'sample/one/deep', false],
    ['not the parent itself', 'sample/*', 'sample', false],
    ['no sibling of the parent', 'sample/*', 'other/one', false],
    ['no parent that only begins alike', 'sample/*', 'sampler/one', false],
    ['no parent further down', 'sample/*', 'x/sample/one', false],
    ['no star in the middle of a word', 'sample/o*', 'sample/one', false],
    ['no star that stands alone', '*', 'sample', false],
    ['a star taken as it is written', 'sample*', 'sample*', true],
  ])('match %s', (_what, pattern, target, matches) => {
    expect(targetMatches(pattern, target)).toBe(matches)
  })
})
