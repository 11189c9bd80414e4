import { jsonPointer } from '../../domain/canonical-json.ts'
import { isExact } from '../../domain/exact-number.ts'
import { type ErrorCode, LedgerError } from '../errors.ts'

/** The UTF-16 code units that JSON is made of. */
export const CHAR = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  point: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  upperE: 0x45,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  lowerE: 0x65,
  lowerF: 0x66,
  lowerN: 0x6e,
  lowerT: 0x74,
  lowerU: 0x75,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  byteOrderMark: 0xfeff,
} as const

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x22, '"'],
  [0x5c, '\\'],
  [0x2f, '/'],
  [0x62, '\b'],
  [0x66, '\f'],
  [0x6e, '\n'],
  [0x72, '\r'],
  [0x74, '\t'],
])
const FOUR_HEX_DIGITS = /^[0-9A-Fa-f]{4}$/
const SHOWN_LENGTH_MAX = 80

/** A cursor over the text of one JSON document: reads its words, and says where a defect is. */
export class JsonText {
  /** The keys and indexes that lead to the value being read. */
  readonly path: (string | number)[] = []
  at = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The code unit here, NaN at the end. */
  code(): number {
    return this.text.charCodeAt(this.at)
  }

  /** The code unit after any white space. */
  next(): number {
    let code = this.code()
    while (isSpace(code)) {
      this.at++
      code = this.code()
    }
    return code
  }

  /** Reads this code unit and the white space before it, if it comes next. */
  takes(code: number): boolean {
    if (this.next() !== code) return false
    this.at++
    return true
  }

  takesWord(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  string(): string {
    this.at++
    let value = ''
    for (;;) {
      const start = this.at
      this.at = plainEnd(this.text, start)
      value += this.text.slice(start, this.at)
      const code = this.code()
      if (code === CHAR.backslash) value += this.escape()
      else if (code === CHAR.quote) break
      else
        throw this.expected(Number.isNaN(code) ? 'a closing quote' : 'control characters escaped')
    }
    this.at++
    return value
  }

  number(): number {
    const start = this.at
    if (this.code() === CHAR.minus) this.at++
    else if (!isDigit(this.code())) throw this.expected('a value')
    if (this.code() === CHAR.zero) this.at++
    else this.digits()
    if (this.code() === CHAR.point) {
      this.at++
      this.digits()
    }
    if (this.code() === CHAR.lowerE || this.code() === CHAR.upperE) this.power()
    return this.exactly(start)
  }

  /** Text that is not JSON. `what` completes "Expected …". */
  expected(what: string): LedgerError {
    return this.refused('malformed-json', `Expected ${what}`)
  }

  /** `what` is a sentence without its place: that is found only here, where it is needed. */
  refused(code: ErrorCode, what: string, at: number = this.at): LedgerError {
    const place = this.path.length === 0 ? 'the root' : shown(jsonPointer(this.path))
    const before = this.text.slice(0, at)
    const line = before.split('\n').length
    const column = at - before.lastIndexOf('\n')
    return new LedgerError(code, `${what} at ${place} (line ${line}, column ${column})`)
  }

  private escape(): string {
    const letter = this.text.charCodeAt(this.at + 1)
    if (letter === CHAR.lowerU) return this.unicodeEscape()
    const meaning = ESCAPES.get(letter)
    if (meaning === undefined) throw this.expected('an escape that JSON has')
    this.at += 2
    return meaning
  }

  /** Only escapes can bring U+0000 or half a pair: raw, UTF-8 or the grammar refused them. */
  private unicodeEscape(): string {
    const start = this.at
    const unit = this.hexUnit()
    if (unit === 0) throw this.refused('nul-character', 'U+0000 stands in a string', start)
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit)
    if (unit <= 0xdbff && this.text.startsWith('\\u', this.at)) {
      const second = this.hexUnit()
      if (second >= 0xdc00 && second <= 0xdfff) return String.fromCharCode(unit, second)
    }
    throw this.refused('lone-surrogate', 'Half of a surrogate pair stands alone', start)
  }

  private hexUnit(): number {
    const digits = this.text.slice(this.at + 2, this.at + 6)
    if (!FOUR_HEX_DIGITS.test(digits)) throw this.expected('four hexadecimal digits after \\u')
    this.at += 6
    return Number.parseInt(digits, 16)
  }

  private digits(): void {
    if (!isDigit(this.code())) throw this.expected('a digit')
    while (isDigit(this.code())) this.at++
  }

  private power(): void {
    this.at++
    if (this.code() === CHAR.plus || this.code() === CHAR.minus) this.at++
    this.digits()
  }

  private exactly(start: number): number {
    const text = this.text.slice(start, this.at)
    const value = Number(text)
    if (isExact(text, value)) return value
    throw this.refused('unsafe-number', `The number ${shown(text)} would become ${value}`, start)
  }
}

const isDigit = (code: number): boolean => code >= CHAR.zero && code <= CHAR.nine

const isSpace = (code: number): boolean =>
  code === CHAR.space || code === CHAR.lineFeed || code === CHAR.carriageReturn || code === CHAR.tab

/** Where a run of characters ends that stand for themselves in a string. */
function plainEnd(text: string, start: number): number {
  let at = start
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === CHAR.quote || code === CHAR.backslash || code < CHAR.space) break
    at++
  }
  return at
}

/** A caller's text in a message: short, and without a character that could act on a terminal. */
function shown(text: string): string {
  const short = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
  return short.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
