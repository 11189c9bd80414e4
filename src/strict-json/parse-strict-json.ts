import type { Json, JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import { CHAR, JsonText } from './json-text.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads one JSON value, and refuses whatever two parsers could read differently or not keep.
 *
 * Each defect has a code of its own: `malformed-json`, `duplicate-key`, `unsafe-number`,
 * `lone-surrogate`, `nul-character`, `forbidden-key`, `too-deep`. The first one in the text is
 * reported, except that bytes which are not UTF-8 are found before anything else.
 * A value inside n arrays and objects has depth n; `maxDepth` bounds the recursion too.
 */
export function parseStrictJson(
  bytes: Uint8Array,
  options: { readonly maxDepth?: number } = {},
): Json {
  return new StrictParser(decode(bytes), options.maxDepth ?? LIMITS.jsonDepth).document()
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new LedgerError('malformed-json', 'The text is not UTF-8', { cause })
  }
}

/** Recursive descent. Every method starts at the first character of what it reads. */
class StrictParser {
  private readonly text: JsonText
  private readonly maxDepth: number

  constructor(text: string, maxDepth: number) {
    this.text = new JsonText(text)
    this.maxDepth = maxDepth
  }

  document(): Json {
    if (this.text.code() === CHAR.byteOrderMark) {
      throw this.text.expected('a value and no byte order mark')
    }
    const value = this.value()
    if (!Number.isNaN(this.text.next())) throw this.text.expected('nothing after the value')
    return value
  }

  private value(): Json {
    switch (this.text.next()) {
      case CHAR.quote:
        return this.text.string()
      case CHAR.openBrace:
        return this.object()
      case CHAR.openBracket:
        return this.array()
      case CHAR.lowerT:
        return this.literal('true', true)
      case CHAR.lowerF:
        return this.literal('false', false)
      case CHAR.lowerN:
        return this.literal('null', null)
      default:
        return this.text.number()
    }
  }

  private literal(word: string, value: Json): Json {
    if (!this.text.takesWord(word)) throw this.text.expected('a value')
    return value
  }

  private array(): Json {
    this.enter()
    const items: Json[] = []
    if (this.text.takes(CHAR.closeBracket)) return items
    do {
      this.text.path.push(items.length)
      items.push(this.value())
      this.text.path.pop()
    } while (this.text.takes(CHAR.comma))
    if (!this.text.takes(CHAR.closeBracket)) throw this.text.expected('a comma or "]"')
    return items
  }

  private object(): JsonObject {
    this.enter()
    const members: Record<string, Json> = {}
    if (this.text.takes(CHAR.closeBrace)) return members
    do {
      const key = this.key(members)
      this.text.path.push(key)
      if (!this.text.takes(CHAR.colon)) throw this.text.expected('a colon')
      members[key] = this.value()
      this.text.path.pop()
    } while (this.text.takes(CHAR.comma))
    if (!this.text.takes(CHAR.closeBrace)) throw this.text.expected('a comma or "}"')
    return members
  }

  /** A key that may be assigned: with `__proto__` refused, every other one becomes a member. */
  private key(members: JsonObject): string {
    if (this.text.next() !== CHAR.quote) throw this.text.expected('a key')
    const start = this.text.at
    const key = this.text.string()
    if (key === '__proto__') {
      throw this.text.refused('forbidden-key', 'The key __proto__ is not allowed', start)
    }
    if (Object.hasOwn(members, key)) {
      this.text.path.push(key)
      throw this.text.refused('duplicate-key', 'The same key stands a second time', start)
    }
    return key
  }

  private enter(): void {
    if (this.text.path.length >= this.maxDepth) {
      throw this.text.refused('too-deep', `The nesting exceeds ${this.maxDepth} levels`)
    }
    this.text.at++
  }
}
