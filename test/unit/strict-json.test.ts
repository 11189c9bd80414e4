import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../domain/json.ts'
import { LedgerError } from '../../src/errors.ts'
import { parseStrictJson } from '../../src/strict-json/parse-strict-json.ts'
import { jsonTestSuite, PUBLISHED_ANSWERS, publishedCases } from '../support/json-test-suite.ts'

/** What an edit may put into a text: mostly what JSON is made of. */
const PIECES = ['', '\\u', '\\ud83d', '"a":', ...'[]{},:"\\-+.eE019tfnu \n\t/\u00a0'.split('')]

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (text: string): Json => parseStrictJson(bytesOf(text))

/** The refusal of some bytes; anything but a LedgerError is a fault of the parser. */
function refusal(bytes: Uint8Array, options?: { maxDepth: number }): LedgerError {
  try {
    parseStrictJson(bytes, options)
  } catch (error) {
    if (error instanceof LedgerError) return error
    throw error
  }
  throw new Error('accepted')
}
const refusalOf = (text: string): LedgerError => refusal(bytesOf(text))

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

const suite = jsonTestSuite()
const accepted = suite.filter((one) => one.expected === 'accepted')
const malformed = suite.filter((one) => one.expected === 'malformed-json')
const refused = suite.filter((one) => one.expected !== 'accepted')

describe('the suite of JSON documents', () => {
  it.each(accepted)('accepts $name as the value that JSON.parse reads', ({ bytes }) => {
    expect(parseStrictJson(bytes)).toStrictEqual(JSON.parse(new TextDecoder().decode(bytes)))
  })

  it.each(refused)('answers $expected to $name', ({ bytes, expected }) => {
    expect(refusal(bytes).code).toBe(expected)
  })

  it('calls nothing malformed that JSON.parse reads', () => {
    expect(malformed.filter(({ bytes }) => isJson(bytes)).map(({ name }) => name)).toEqual([])
  })

  it('names each document once', () => {
    const names = suite.map(({ name }) => name)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it('holds all of JSONTestSuite, and lists an answer for no file that it does not have', () => {
    const names = new Set(publishedCases().map(({ name }) => name))
    expect(names.size).toBe(318)
    expect(Object.keys(PUBLISHED_ANSWERS).filter((name) => !names.has(name))).toEqual([])
  })
})

describe('a strict parser', () => {
  it('makes plain objects whose special-looking keys are their own members', () => {
    const value = parse('{"constructor":1,"toString":{"valueOf":2}}')
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value as object)).toEqual(['constructor', 'toString'])
  })

  it('keeps the sign of minus zero', () => {
    expect(Object.is(parse('-0'), -0)).toBe(true)
  })

  it('reports the first defect in the text', () => {
    expect(refusalOf('[1e400,{"a":1,"a":2}]').code).toBe('unsafe-number')
    expect(refusalOf('[{"a":1,"a":2},1e400]').code).toBe('duplicate-key')
    expect(refusalOf('{"__proto__":"\\u0000"').code).toBe('forbidden-key')
    expect(refusalOf('{"a":"\\ud800","a":').code).toBe('lone-surrogate')
    expect(refusalOf('[,"\\u0000"]').code).toBe('malformed-json')
  })

  it('takes the depth it is given, and counts the outermost array as the first level', () => {
    expect(parseStrictJson(bytesOf('[[]]'), { maxDepth: 2 })).toEqual([[]])
    expect(parseStrictJson(bytesOf('7'), { maxDepth: 0 })).toBe(7)
    expect(refusal(bytesOf('[[]]'), { maxDepth: 1 }).code).toBe('too-deep')
  })

  it('is of use again after it met bytes that are not UTF-8', () => {
    expect(refusal(Uint8Array.of(0x22, 0xe2, 0x82)).code).toBe('malformed-json')
    expect(parse('"é"')).toBe('é')
  })

  it('reads bytes that are a part of a larger buffer', () => {
    const bytes = bytesOf('xx[1]xx')
    expect(parseStrictJson(bytes.subarray(2, 5))).toEqual([1])
  })
})

describe('the message of a refusal', () => {
  it.each([
    ['{"a":[1,\n  {"b/c":1,"b~d":01}]}', 'Expected a comma or "}" at /a/1 (line 2, column 19)'],
    ['{"a":1,"a":2}', 'The same key stands a second time at /a (line 1, column 8)'],
    [
      '{"b/c":{"d~":1e400}}',
      'The number 1e400 would become Infinity at /b~1c/d~0 (line 1, column 14)',
    ],
    [
      '9007199254740993',
      'The number 9007199254740993 would become 9007199254740992 at the root (line 1, column 1)',
    ],
    ['["\\ud800"]', 'Half of a surrogate pair stands alone at /0 (line 1, column 3)'],
    ['{"k":"\\u0000"}', 'U+0000 stands in a string at /k (line 1, column 7)'],
    ['{"a":{"__proto__":1}}', 'The key __proto__ is not allowed at /a (line 1, column 7)'],
    ['', 'Expected a value at the root (line 1, column 1)'],
    ['\ufeff{}', 'Expected a value and no byte order mark at the root (line 1, column 1)'],
  ])('says what is wrong with %j, and where', (text, message) => {
    expect(refusalOf(text).message).toBe(message)
  })

  it('says how deep is too deep', () => {
    expect(refusalOf('['.repeat(33)).message).toMatch(
      /^The nesting exceeds 32 levels at .*column 33\)$/,
    )
  })

  it('says that bytes are not UTF-8', () => {
    expect(refusal(Uint8Array.of(0xff)).message).toBe('The text is not UTF-8')
  })

  it('shows no more than a little of what the caller sent', () => {
    const long = 'x'.repeat(10_000)
    expect(refusalOf(`{"${long}":1e400}`).message.length).toBeLessThan(200)
    expect(refusalOf(`{"a":1${'0'.repeat(10_000)}}`).message.length).toBeLessThan(200)
  })

  it('shows no character that could act on a terminal or break a line', () => {
    const { message } = refusalOf('{"\\u001b[31m\\n\\u202e\\u2028\u009b":x}')
    expect(message).toBe(
      String.raw`Expected a value at /\u{1b}[31m\u{a}\u{202e}\u{2028}\u{9b} (line 1, column 30)`,
    )
  })

  it('shows whole characters where it cuts', () => {
    expect(refusalOf(`{"${'x'.repeat(78)}😀":x}`).message).not.toMatch(/\p{Surrogate}/u)
  })
})

describe('laws of the strict parser', () => {
  const json = fc
    .jsonValue({ maxDepth: 5, stringUnit: 'binary' })
    .map((value) => JSON.stringify(value))
  const safe = json.filter((text) => !/\\u0000|"__proto__":/.test(text))

  it('reads whatever JSON.stringify writes as the same value', () => {
    fc.assert(
      fc.property(safe, fc.constantFrom(0, 2), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent)
        expect(parse(spaced)).toStrictEqual(JSON.parse(text))
      }),
    )
  })

  it('agrees with JSON.parse on texts that are almost JSON', () => {
    const edit = fc.record({
      at: fc.nat(200),
      cut: fc.nat(2),
      put: fc.constantFrom(...PIECES),
    })
    fc.assert(
      fc.property(json, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
        const edited = edits.reduce(
          (now, { at, cut, put }) =>
            now.slice(0, at % (now.length + 1)) + put + now.slice((at % (now.length + 1)) + cut),
          text,
        )
        fc.pre(!/\p{Surrogate}/u.test(edited))
        agreesWithJsonParse(edited)
      }),
      { numRuns: 3_000 },
    )
  })

  function agreesWithJsonParse(text: string): void {
    let value: Json
    try {
      value = parse(text)
    } catch (error) {
      if ((error as LedgerError).code === 'malformed-json') expect(() => JSON.parse(text)).toThrow()
      else expect(error).toBeInstanceOf(LedgerError)
      return
    }
    expect(value).toStrictEqual(JSON.parse(text))
  }
})
