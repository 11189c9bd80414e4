import { LIMITS } from '../limits.ts'
import { parseNamespace } from '../namespace.ts'

/** A field of a list that a filter may name, as rows show it. */
export type Field = Readonly<{
  type: 'text' | 'uuid' | 'integer' | 'time' | 'namespace'
  /** All that it can be, where that is known. */
  values?: readonly string[]
  /** Some rows have none: `field:*` tells. */
  nullable?: true
  /** Rows may be ordered by it: every row has one, and an index has them in this order. */
  ordered?: true
}>
export type Fields = Readonly<Record<string, Field>>

export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':'

const EQUAL: readonly Comparator[] = ['=', '!=']
const ANY_ORDER: readonly Comparator[] = [...EQUAL, '<', '<=', '>', '>=']

/** What may be asked of a field. */
export function comparatorsOf({ type, nullable }: Field): readonly Comparator[] {
  if (type === 'integer' || type === 'time') return ANY_ORDER
  return type === 'namespace' || nullable ? [...EQUAL, ':'] : EQUAL
}

type ReadValue = Readonly<{ ok: true; value: string | number } | { ok: false; expected: string }>
const read = (value: string | number): ReadValue => ({ ok: true, value })
const unread = (expected: string): ReadValue => ({ ok: false, expected })

/** Reads the text of a value: what comes out is what the store can compare, whatever was sent. */
export function readValue({ type, values }: Field, text: string): ReadValue {
  if (text.includes('\0') || !text.isWellFormed()) return unread('Unicode text without U+0000')
  if (values !== undefined && !values.includes(text)) return unread(values.join(', '))
  switch (type) {
    case 'text':
      return read(text)
    case 'uuid':
      return UUID.test(text) ? read(text) : unread('a UUID')
    case 'integer':
      return readInteger(text)
    case 'time':
      return readTime(text)
    case 'namespace':
      if (text.length <= LIMITS.namespaceLength) return read(text)
      return unread(`at most ${LIMITS.namespaceLength} characters`)
  }
}

/** What stands after the `:` of a namespace: it lies above whole segments. */
export const readPrefix = (text: string): ReadValue =>
  parseNamespace(text).ok ? read(text) : unread('a prefix of whole segments, as DRYRUN-NS:a/b')

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function readInteger(text: string): ReadValue {
  const value = Number(text)
  const sound = /^-?(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(value)
  return sound ? read(value) : unread('a whole number')
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?(Z|[+-](0\d|1[0-5]):[0-5]\d)$/

/** RFC 3339 with its offset, as exact as rows are. A day that its month has not is none. */
function readTime(text: string): ReadValue {
  const [, year, month, day] = (TIME.exec(text) ?? []).map(Number)
  if (year && month && day && day <= daysOf(year, month)) return read(text)
  return unread('a time with its offset and at most milliseconds, as 2026-11-27T09:30:00Z')
}

function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
}
