import { describe, expect, it } from 'vitest'
import { POINTER_PATTERN, valueAt } from '../../domain/json-pointer.ts'

/** The examples of RFC 6901, section 5. */
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
}

describe('a JSON pointer', () => {
  it.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j finds what RFC 6901 says', (pointer, value) => {
    expect(POINTER_PATTERN.test(pointer)).toBe(true)
    expect(valueAt(DOCUMENT, pointer)).toEqual(value)
  })

  it.each(['/none', '/foo/2', '/foo/-', '/foo/00', '/foo/length', '/toString', '/foo/0/0', '/a/b'])(
    '%s finds nothing',
    (pointer) => expect(valueAt(DOCUMENT, pointer)).toBeUndefined(),
  )

  it('reads ~01 as the two characters ~1', () => {
    expect(valueAt({ '~1': 'here' }, '/~01')).toBe('here')
  })

  it.each(['foo', '#/foo', '/~2', '/a~'])('is not %s', (text) => {
    expect(POINTER_PATTERN.test(text)).toBe(false)
  })
})
