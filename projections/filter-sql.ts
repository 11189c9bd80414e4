import type { Field } from '../domain/filter/field.ts'
import type { Filter } from '../domain/filter/filter.ts'

/** A field with the SQL of its column. A namespace is compared by bytes: `collate "C"`. */
export type Column = Field & Readonly<{ column: string }>
export type Columns = Readonly<Record<string, Column>>

/** Takes a value, and gives the name of the parameter that it is bound to. */
export type Bind = (value: string | number) => string

const CASTS: Readonly<Record<Field['type'], string>> = {
  text: 'text',
  uuid: 'uuid',
  integer: 'bigint',
  time: 'timestamptz',
  namespace: 'text',
}

/** A value of a field: bound, never part of the text. */
export const bound = (bind: Bind, { type }: Field, value: string | number): string =>
  `${bind(value)}::${CASTS[type]}`

/**
 * The condition that a filter is. `not` goes down to the comparisons: there a null is false, above
 * them SQL would make a third thing of it, which is neither in a list nor in its opposite.
 */
export function conditionOf(filter: Filter, columns: Columns, bind: Bind, holds = true): string {
  if (filter.kind === 'not') return conditionOf(filter.part, columns, bind, !holds)
  if (filter.kind === 'and' || filter.kind === 'or') {
    const word = (filter.kind === 'and') === holds ? 'and' : 'or'
    const parts = filter.parts.map((part) => conditionOf(part, columns, bind, holds))
    return `(${parts.join(` ${word} `)})`
  }
  const field = columns[filter.field]
  if (field === undefined) throw new Error(`there is no column for ${filter.field}`)
  const { column, nullable } = field
  if (filter.kind === 'present') return `${column} is ${holds ? 'not null' : 'null'}`
  const { operator, value } = filter
  const condition =
    operator === 'within'
      ? isWithin(column, String(value), bind)
      : `${column} ${operator} ${bound(bind, field, value)}`
  if (holds) return condition
  return nullable ? `(${condition}) is not true` : `not (${condition})`
}

/**
 * At or below a prefix, by whole segments: between `/` and the character after it lies what is
 * below. The first segment has an index of its own, in the order of the list.
 */
export function isWithin(column: string, prefix: string, bind: Bind): string {
  const [first = ''] = prefix.split('/')
  const isFirst = `split_part(${column}, '/', 1) = ${bind(first)}::text`
  const whole = `${bind(prefix)}::text`
  const below = `${column} > ${whole} || '/' and ${column} < ${whole} || '0'`
  return `(${isFirst} and (${column} = ${whole} or ${below}))`
}
