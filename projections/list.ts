import { alternativesOf, type Filter } from '../domain/filter/filter.ts'
import type { OrderBy } from '../domain/filter/parse-order-by.ts'
import { type Bind, bound, type Column, type Columns, conditionOf, isWithin } from './filter-sql.ts'

/** A read model as people page through it, the last row first. */
export type List<R extends PlacedRow = PlacedRow> = Readonly<{
  name: string
  schema: string
  /** The select list without the place, and the table it is taken from, with its alias. */
  columns: string
  from: string
  /** What rows can be found and ordered by, as the API names it. */
  fields: Columns
  /** The field that orders the rows where nothing else does: when they came to be. */
  time: string
  /** The column that orders rows of one moment: a position, so no two rows share it. */
  place: string
  /** The field with the output namespace that a row belongs to. */
  namespace: string
  decode(row: R): unknown
}>

/** What every row of a page has beside its own columns; the keys are null where there is no row. */
export type PlacedRow = Readonly<{ follower_position: number; key_1: unknown }>

/** One column of an order. */
export type Key = Readonly<{ field: Column; descending: boolean }>

export type PageOf = Readonly<{
  pageSize: number
  filter: Filter | null
  orderBy: OrderBy
  /** The keys of the row that the page comes after, or null for the first page. */
  after: readonly (string | number)[] | null
  /** Namespaces at or below one of these prefixes alone; null for all. */
  within: readonly string[] | null
}>

export type Query = Readonly<{ text: string; values: readonly unknown[] }>

/**
 * The whole order of a list: what is asked, then the list's own, in the direction of the last one
 * asked. It ends with the place, so no two rows are alike, and pages neither lose nor repeat one.
 */
export function keysOf({ fields, time, place }: List, orderBy: OrderBy): readonly Key[] {
  const descending = orderBy.at(-1)?.descending ?? true
  const asked = orderBy.map((it) => ({ ...it, field: columnOf(fields, it.field) }))
  const isTimed = orderBy.some((it) => it.field === time)
  return [
    ...asked.map(({ field, ...it }) => ({ field, descending: it.descending })),
    ...(isTimed ? [] : [{ field: columnOf(fields, time), descending }]),
    { field: { type: 'integer', column: place }, descending },
  ]
}

function columnOf(fields: Columns, name: string): Column {
  const field = fields[name]
  if (field === undefined) throw new Error(`there is no column for ${name}`)
  return field
}

/** What tells the place of a row in an order. */
export function placeOf(row: PlacedRow, keys: readonly Key[]): readonly string[] {
  return keys.map((_, index) => {
    const value = (row as Readonly<Record<string, unknown>>)[keyName(index)]
    return isMoment(value) ? value.toISOString() : String(value)
  })
}

const keyName = (index: number): string => `key_${index + 1}`
const isMoment = (value: unknown): value is { toISOString(): string } =>
  typeof value === 'object' && value !== null && 'toISOString' in value

/**
 * One page, and one row more where there are more, with the follower position it is complete up
 * to: one statement, so both are of one moment. Each alternative of a filter gives its own first
 * rows by the index that fits it; the first of all of them are the page. What a caller may see
 * bounds every alternative.
 */
export function pageOf(list: List, page: PageOf): Query {
  const { columns, from, place, schema } = list
  const keys = keysOf(list, page.orderBy)
  const values: unknown[] = []
  const bind: Bind = (value) => `$${values.push(value)}`
  const named = keys.map((it, index) => `${it.field.column} as ${keyName(index)}`).join(', ')
  const order = `order by ${keys.map((it, index) => `${keyName(index)} ${way(it)}`).join(', ')}`
  const inOrder = `${order} limit ${bind(page.pageSize + 1)}`
  const conditions = alternatives(list, page, bind)
  const next = beyond(keys, page.after, bind)
  const found = conditions.map(
    (it) => `(select ${named} from ${from} where ${it} and ${next} ${inOrder})`,
  )
  const first = found.length === 1 ? found[0] : `${found.join(' union ')} ${inOrder}`
  const text = `select f.position as follower_position, p.*
    from ${schema}.follower f
    left join lateral (
      select k.*, ${columns} from (${first}) k
      join ${from} on ${place} = k.${keyName(keys.length - 1)}
    ) p on true
    ${order}`
  return { text, values }
}

const way = ({ descending }: Key): string => (descending ? 'desc' : 'asc')

const PARTS_MAX = 64

/** Every way to be in the list: one of the prefixes that the caller may see, and one alternative. */
function alternatives(list: List, { filter, within }: PageOf, bind: Bind): readonly string[] {
  const asked =
    filter === null
      ? ['true']
      : alternativesOf(filter).map((it) => conditionOf(it, list.fields, bind))
  if (within === null) return asked
  const { column } = columnOf(list.fields, list.namespace)
  const prefixes = within.map((prefix) => isWithin(column, prefix, bind))
  const isMany = prefixes.length * asked.length > PARTS_MAX
  const visible =
    isMany || prefixes.length === 0 ? [`(${['false', ...prefixes].join(' or ')})`] : prefixes
  return visible.flatMap((one) => asked.map((it) => `${one} and ${it}`))
}

/** What comes after a row: neighbours that go one way are compared as one, as an index has them. */
function beyond(keys: readonly Key[], after: PageOf['after'], bind: Bind): string {
  if (after === null) return 'true'
  const [first, ...rest] = keys
  const turn = rest.findIndex((it) => it.descending !== first?.descending) + 1
  const alike = turn === 0 ? keys : keys.slice(0, turn)
  const columns = `(${alike.map((it) => it.field.column).join(', ')})`
  const place = `(${alike.map((it, index) => bound(bind, it.field, after[index] ?? '')).join(', ')})`
  const sign = first?.descending ? '<' : '>'
  if (turn === 0) return `${columns} ${sign} ${place}`
  const next = beyond(keys.slice(turn), after.slice(turn), bind)
  return `${columns} ${sign}= ${place} and (${columns} ${sign} ${place} or ${next})`
}
