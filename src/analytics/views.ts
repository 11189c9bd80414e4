import type pg from 'pg'
import { ask } from './ask.ts'

/** A view that analysts read, in the words of the comments that stand on it. */
export type AnalyticsView = Readonly<{
  name: string
  description: string
  columns: readonly Readonly<{ name: string; type: string; description: string }>[]
}>

const COLUMNS = `
  select c.relname as view, obj_description(c.oid, 'pg_class') as description, a.attname as name,
    format_type(a.atttypid, a.atttypmod) as type, col_description(c.oid, a.attnum) as comment
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relnamespace = to_regnamespace('analytics') and c.relkind in ('v', 'm')
  order by c.relname, a.attnum`

type ColumnRow = Readonly<{
  view: string
  description: string | null
  name: string
  type: string
  comment: string | null
}>

/** Every view of the schema analytics, as the database has it. */
export async function listViews(pool: pg.Pool): Promise<readonly AnalyticsView[]> {
  const rows = await ask<ColumnRow>(pool, COLUMNS)
  const names = [...new Set(rows.map((row) => row.view))]
  return names.map((view) => {
    const columns = rows.filter((row) => row.view === view)
    return {
      name: view,
      description: columns[0]?.description ?? '',
      columns: columns.map(({ name, type, comment }) => ({
        name,
        type,
        description: comment ?? '',
      })),
    }
  })
}
