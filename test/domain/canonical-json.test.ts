import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, jsonPointer, NotCanonical } from '../../domain/canonical-json.ts'
import type { Json } from '../../domain/json.ts'

/** The canonical form of a text, read by JSON.parse: the strict door would refuse some of these. */
const canonicalOf = (text: string): string => canonicalJson(JSON.parse(text) as Json)

/** The refusal of a value that the type forbids, and that memory can hold all the same. */
function refusal(value: unknown): NotCanonical {
  try {
    canonicalJson(value as Json)
  } catch (error) {
    if (error instanceof NotCanonical) return error
    throw error
  }
  throw new Error('written')
}

function doubleOf(bits: string): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(`0x${bits}`))
  return view.getFloat64(0)
}

describe('numbers of RFC 8785, appendix B', () => {
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the double %s as %s', (bits, text) => {
    expect(canonicalJson(doubleOf(bits))).toBe(text)
  })

  it.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])(
    'refuses the double %s, which JSON has no text for',
    (bits) => expect(refusal(doubleOf(bits)).message).toMatch(/^the number .* at the root$/),
  )
})

describe('examples of RFC 8785', () => {
  it('writes the sample of section 3.2.2 as the bytes of section 3.2.4', () => {
    const text = canonicalOf(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`)
    expect(Buffer.from(text, 'utf8').toString('hex')).toBe(
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a' +
        '5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d3237' +
        '5d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d',
    )
  })

  it('sorts the members of section 3.2.3 by their UTF-16 code units', () => {
    const text = canonicalOf(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`)
    expect([...text.matchAll(/:"([^"]+)"/g)].map(([, value]) => value)).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })
})

describe('the canonical text', () => {
  it.each([
    ['has no white space', ' [ 1 , { "a" : [ ] } , { } ] ', '[1,{"a":[]},{}]'],
    ['sorts numeric keys as text', '{"2":0,"10":0,"1":0,"01":0}', '{"01":0,"1":0,"10":0,"2":0}'],
    [
      'sorts the empty key first and upper case before lower',
      '{"b":0,"":0,"a":0,"B":0}',
      '{"":0,"B":0,"a":0,"b":0}',
    ],
    ['sorts a prefix before what is longer', '{"ab":0,"a":0,"abc":0}', '{"a":0,"ab":0,"abc":0}'],
    [
      'ignores every locale',
      '{"zebra":0,"état":0,"etat":0,"Öl":0}',
      '{"etat":0,"zebra":0,"Öl":0,"état":0}',
    ],
    [
      'sorts members at every depth and keeps items in order',
      '[{"b":{"d":0,"c":0},"a":[2,1]}]',
      '[{"a":[2,1],"b":{"c":0,"d":0}}]',
    ],
    [
      'normalises no text',
      String.raw`["\u00e9","e\u0301","\u212b"]`,
      '["\u00e9","e\u0301","\u212b"]',
    ],
    [
      'escapes the control characters in their short forms',
      String.raw`"\u0008\u0009\u000a\u000c\u000d"`,
      String.raw`"\b\t\n\f\r"`,
    ],
    [
      'escapes the other control characters in lower case',
      String.raw`"\u0000\u000B\u001F"`,
      String.raw`"\u0000\u000b\u001f"`,
    ],
    [
      'escapes quote and backslash, and no slash',
      String.raw`"\u0022\u005c\/</script>"`,
      String.raw`"\"\\/</script>"`,
    ],
    [
      'writes every other character raw',
      String.raw`"\u007f\u0080\u2028\u2029\ufeff\uffff\ud83d\ude02"`,
      '"\u007f\u0080\u2028\u2029\ufeff\uffff😂"',
    ],
    [
      'gives minus zero and every spelling of a number one text',
      '[-0,1.0,1e0,10e-1,1E21,1e-7]',
      '[0,1,1,1,1e+21,1e-7]',
    ],
    [
      'keeps members that look like those of every object',
      '{"toString":1,"constructor":2}',
      '{"constructor":2,"toString":1}',
    ],
  ])('%s', (_name, text, canonical) => {
    expect(canonicalOf(text)).toBe(canonical)
  })

  it('takes objects without a prototype', () => {
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 2 }) as Json)).toBe(
      '{"a":2,"b":1}',
    )
  })

  const json = fc.jsonValue({ stringUnit: 'binary' }).map((value) => value as Json)

  it('reads back as the value, and is its own canonical text', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalOf(text)).toBe(text)
      }),
    )
  })

  it('does not depend on the order in which members were set', () => {
    const members = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), json), {
      selector: ([key]) => key,
    })
    fc.assert(
      fc.property(members, (entries) => {
        const backwards = Object.fromEntries(entries.toReversed())
        expect(canonicalJson(backwards)).toBe(canonicalJson(Object.fromEntries(entries)))
      }),
    )
  })
})

describe('what has no canonical text', () => {
  it.each([
    ['NaN', Number.NaN, 'the number NaN'],
    ['an infinity', Number.NEGATIVE_INFINITY, 'the number -Infinity'],
    ['undefined', undefined, 'a value of type undefined'],
    ['a bigint', 1n, 'a value of type bigint'],
    ['a symbol', Symbol('s'), 'a value of type symbol'],
    ['a function', () => 0, 'a value of type function'],
    ['a high surrogate alone', 'a\ud800', 'a lone surrogate'],
    ['a low surrogate alone', '\udc00a', 'a lone surrogate'],
    ['a pair in the wrong order', '\ude00\ud83d', 'a lone surrogate'],
    ['a Date', new Date(0), 'an object that is not plain'],
    ['a Map', new Map(), 'an object that is not plain'],
    ['a boxed string', Object('s'), 'an object that is not plain'],
    ['bytes', new Uint8Array(1), 'an object that is not plain'],
    ['an error', new Error('e'), 'an object that is not plain'],
  ])('refuses %s and says where it stands', (_name, value, what) => {
    expect(refusal(value).message).toBe(`${what} at the root`)
    expect(refusal({ a: [0, value] }).message).toBe(`${what} at /a/1`)
  })

  it('refuses a hole of a sparse array', () => {
    const sparse: unknown[] = [0]
    sparse[2] = 2
    expect(refusal({ list: sparse }).path).toBe('/list/1')
  })

  it('refuses a lone surrogate in a key, at the object that has it', () => {
    expect(refusal({ a: { '\ud800': 1 } })).toMatchObject({
      message: 'a lone surrogate at /a',
      path: '/a',
    })
  })

  it('refuses a value whose toJSON would speak for it', () => {
    expect(refusal({ toJSON: () => 'other' }).path).toBe('/toJSON')
  })

  it('points after values that were in order', () => {
    expect(refusal({ a: { b: [[], { c: 1 }] }, d: [1, Number.NaN] }).path).toBe('/d/1')
  })
})

describe('a JSON pointer', () => {
  it('escapes tilde and slash as RFC 6901 asks', () => {
    expect(jsonPointer(['a/b', 'm~n', '~1', '', 0])).toBe('/a~1b/m~0n/~01//0')
    expect(jsonPointer([])).toBe('')
    expect(refusal({ 'a/b': { '~': undefined } }).path).toBe('/a~1b/~0')
  })
})
