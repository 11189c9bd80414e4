import type { Fields } from './field.ts'
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

export type OrderBy = readonly Readonly<{ field: string; descending: boolean }>[]

const COMMA = /,/y

/** As AIP-132 has it: fields with commas between them, each ascending unless `desc` follows it. */
export const parseOrderBy = (text: string, fields: Fields): Parsed<OrderBy> =>
  parsed({ text, at: 0 }, (reader: Reader) => {
    const ordered = Object.keys(fields).filter((name) => fields[name]?.ordered)
    const orderBy = [readOne(reader, ordered)]
    while (take(reader, COMMA) !== undefined) {
      const left = ordered.filter((name) => !orderBy.some((it) => it.field === name))
      orderBy.push(readOne(reader, left))
    }
    if (reader.at < text.length) misread(reader, reader.at, 'desc, a comma or the end')
    return orderBy
  })

function readOne(reader: Reader, names: readonly string[]): OrderBy[number] {
  skipSpace(reader)
  const { at } = reader
  const field = takeName(reader) ?? ''
  if (!names.includes(field)) {
    misread(reader, at, names.length === 0 ? 'no more fields' : `a field: ${names.join(', ')}`)
  }
  skipSpace(reader)
  const descending = takeWord(reader, 'desc')
  skipSpace(reader)
  return { field, descending }
}
