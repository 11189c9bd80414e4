/** A text that was read, or where it could not be, counted in characters from 1, and why. */
export type Parsed<T> = Readonly<
  { ok: true; value: T } | { ok: false; character: number; detail: string }
>

/** Reads a text from left to right. */
export type Reader = {
  readonly text: string
  /** The index of what is read next. */
  at: number
}

/** Thrown inside a parser alone: `parsed` makes a value of it. */
class Misread extends Error {
  readonly at: number
  constructor(at: number, detail: string) {
    super(detail)
    this.at = at
  }
}

/** Runs a parser over the whole of a text. */
export function parsed<T, R extends Reader>(reader: R, parse: (reader: R) => T): Parsed<T> {
  try {
    return { ok: true, value: parse(reader) }
  } catch (error) {
    if (!(error instanceof Misread)) throw error
    const character = Array.from(reader.text.slice(0, error.at)).length + 1
    return { ok: false, character, detail: error.message }
  }
}

const FOUND_LENGTH_MAX = 40

/** Says what stands at an index, and what would have to. */
export function misread({ text }: Reader, at: number, expected: string): never {
  const word = /^(?:[\w.:/@+-]+|[^\s]|\s+)/u.exec(text.slice(at))?.[0]
  const found = word === undefined ? 'the end' : JSON.stringify(word.slice(0, FOUND_LENGTH_MAX))
  throw new Misread(at, `found ${found}, expected ${expected}`)
}

/** Takes what a sticky pattern matches next, or nothing. */
export function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)?.[0]
  reader.at += found?.length ?? 0
  return found
}

const SPACE = /[ \t\r\n]*/y
const WORD = /[A-Za-z_][A-Za-z0-9_.]*/y

export const skipSpace = (reader: Reader): void => void take(reader, SPACE)

export const takeName = (reader: Reader): string | undefined => take(reader, WORD)

/** Takes a word, or leaves it where another one stands. */
export function takeWord(reader: Reader, word: string): boolean {
  const { at } = reader
  if (takeName(reader) === word) return true
  reader.at = at
  return false
}
