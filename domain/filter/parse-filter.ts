import { LIMITS } from '../limits.ts'
import {
  type Comparator,
  comparatorsOf,
  type Field,
  type Fields,
  readPrefix,
  readValue,
} from './field.ts'
import type { Filter } from './filter.ts'
import {
  misread,
  type Parsed,
  parsed,
  type Reader,
  skipSpace,
  take,
  takeName,
  takeWord,
} from './reader.ts'

type FilterReader = Reader & { readonly fields: Fields; terms: number; depth: number }

/**
 * A strict subset of AIP-160: `field comparator value`, AND, OR, NOT, `-` and parentheses. As there,
 * OR binds tighter than AND. No bare literals, no wildcards, no functions: nothing that two people
 * could read in two ways.
 */
export const parseFilter = (text: string, fields: Fields): Parsed<Filter> =>
  parsed({ text, at: 0, fields, terms: 0, depth: 0 }, (reader: FilterReader) => {
    const filter = readExpression(reader)
    if (reader.at < text.length) misread(reader, reader.at, 'AND, OR or the end')
    return filter
  })

const readExpression = (reader: FilterReader): Filter => readJoined(reader, 'and', readFactor)
const readFactor = (reader: FilterReader): Filter => readJoined(reader, 'or', readTerm)

function readJoined(
  reader: FilterReader,
  kind: 'and' | 'or',
  readPart: (reader: FilterReader) => Filter,
): Filter {
  const first = readPart(reader)
  const parts = [first]
  while (takeWord(reader, kind.toUpperCase())) parts.push(readPart(reader))
  return parts.length === 1 ? first : { kind, parts }
}

const MINUS = /-/y
const OPEN = /\(/y
const CLOSE = /\)/y

function readTerm(reader: FilterReader): Filter {
  skipSpace(reader)
  const isNot = takeWord(reader, 'NOT') || take(reader, MINUS) !== undefined
  const part = readSimple(reader)
  skipSpace(reader)
  return isNot ? { kind: 'not', part } : part
}

function readSimple(reader: FilterReader): Filter {
  skipSpace(reader)
  const { at } = reader
  if (take(reader, OPEN) === undefined) return readRestriction(reader)
  reader.depth += 1
  if (reader.depth > LIMITS.filterDepth) {
    misread(reader, at, `at most ${LIMITS.filterDepth} parentheses inside each other`)
  }
  const filter = readExpression(reader)
  if (take(reader, CLOSE) === undefined) misread(reader, reader.at, 'AND, OR or )')
  reader.depth -= 1
  return filter
}

const COMPARATOR = /<=|>=|!=|[=<>:]/y
const STAR = /\*/y

function readRestriction(reader: FilterReader): Filter {
  const { at } = reader
  reader.terms += 1
  if (reader.terms > LIMITS.filterTerms) {
    misread(reader, at, `at most ${LIMITS.filterTerms} comparisons`)
  }
  const { name, field } = readField(reader)
  skipSpace(reader)
  const comparatorAt = reader.at
  const comparators = comparatorsOf(field)
  const comparator = take(reader, COMPARATOR) as Comparator | undefined
  if (comparator === undefined || !comparators.includes(comparator)) {
    misread(reader, comparatorAt, `a comparison of ${name}: ${comparators.join(' ')}`)
  }
  skipSpace(reader)
  if (comparator === ':') return readHas(reader, name, field)
  const value = readArgument(reader, (text) => readValue(field, text))
  if (comparator !== '!=') return { kind: 'comparison', field: name, operator: comparator, value }
  return { kind: 'not', part: { kind: 'comparison', field: name, operator: '=', value } }
}

function readField(reader: FilterReader): { name: string; field: Field } {
  const { at, fields } = reader
  const name = takeName(reader) ?? ''
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field !== undefined) return { name, field }
  return misread(reader, at, `a field: ${Object.keys(fields).join(', ')}`)
}

/** `:` asks whether there is a value, or whether a namespace lies at or below another. */
function readHas(reader: FilterReader, name: string, { type, nullable }: Field): Filter {
  const { at } = reader
  if (nullable && take(reader, STAR) !== undefined) return { kind: 'present', field: name }
  if (type !== 'namespace') misread(reader, at, '*, for any value')
  const value = readArgument(reader, readPrefix)
  return { kind: 'comparison', field: name, operator: 'within', value }
}

function readArgument(
  reader: FilterReader,
  judge: (text: string) => ReturnType<typeof readValue>,
): string | number {
  const { at } = reader
  const judged = judge(readQuoted(reader) ?? readBare(reader))
  return judged.ok ? judged.value : misread(reader, at, judged.expected)
}

const BARE = /[A-Za-z0-9_.:/@+-]+/y
const KEYWORDS = ['AND', 'OR', 'NOT']

function readBare(reader: FilterReader): string {
  const { at } = reader
  const text = take(reader, BARE)
  if (text !== undefined && !KEYWORDS.includes(text)) return text
  return misread(reader, at, 'a value: in quotes, or of letters, digits and _ . : / @ + -')
}

const QUOTE = /["']/y
const PLAIN = { '"': /[^"\\*]+/y, "'": /[^'\\*]+/y }
const ESCAPED = /\\["'\\*]/y

function readQuoted(reader: FilterReader): string | undefined {
  const quote = take(reader, QUOTE) as '"' | "'" | undefined
  if (quote === undefined) return undefined
  let text = ''
  for (;;) {
    text += take(reader, PLAIN[quote]) ?? ''
    const escaped = take(reader, ESCAPED)
    if (escaped === undefined) break
    text += escaped.slice(1)
  }
  // A * is a wildcard in AIP-160: nobody may think that it finds more than itself.
  if (take(reader, QUOTE) !== quote) {
    misread(reader, reader.at, `${quote}, or one of \\" \\' \\\\ \\*`)
  }
  return text
}
