/** A read model as people page through it, the last row first. */
export type List<R extends PlacedRow = PlacedRow> = Readonly<{
  name: string
  schema: string
  /** The select list without the place, and the tables it is taken from. */
  columns: string
  from: string
  /** The column that orders the rows: a position, so no two rows share it. */
  place: string
  /** The column with the output namespace that a row belongs to. */
  namespace: string
  decode(row: R): unknown
}>

/** What every row of a page has beside its own columns; `place` is null where there is no row. */
export type PlacedRow = Readonly<{ follower_position: number; place: number | null }>

export type PageOf = Readonly<{
  pageSize: number
  /** Rows before this place, or from the last one on. */
  before: number | null
  /** Namespaces at or below one of these prefixes alone; null for all. */
  within: readonly string[] | null
}>

export type Query = Readonly<{ name?: string; text: string; values: readonly unknown[] }>

/**
 * One page, and one row more where there are more, with the follower position it is complete up
 * to: one statement, so both are of one moment. A filtered page is planned for its own prefixes.
 */
export function pageOf(list: List, { pageSize, before, within }: PageOf): Query {
  const text = `select f.position as follower_position, p.*
    from ${list.schema}.follower f
    left join lateral (
      select ${list.place} as place, ${list.columns} from ${list.from}
      where ${list.place} < $1 and ${isWithin(list.namespace, within)}
      order by ${list.place} desc limit $2
    ) p on true
    order by p.place desc`
  const values = [before ?? Number.MAX_SAFE_INTEGER, pageSize + 1, ...(within ?? [])]
  return within === null ? { name: `${list.name}_page`, text, values } : { text, values }
}

const FIRST_PREFIX = 3

/** By whole segments: between `/` and the character after it lies what is below the prefix. */
function isWithin(column: string, prefixes: readonly string[] | null): string {
  if (prefixes === null) return 'true'
  const namespace = `${column} collate "C"`
  const parts = prefixes.map((_, index) => {
    const prefix = `$${FIRST_PREFIX + index}::text`
    const below = `${namespace} > ${prefix} || '/' and ${namespace} < ${prefix} || '0'`
    return `${namespace} = ${prefix} or ${below}`
  })
  return parts.length === 0 ? 'false' : `(${parts.join(' or ')})`
}
