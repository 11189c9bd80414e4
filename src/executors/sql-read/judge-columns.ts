import { isObject, type Json, type JsonObject } from '../../../domain/json.ts'
import { ALLOWED_FUNCTIONS } from './allowed-names.ts'

/** Columns by the name that a function in FROM goes by. */
export type FunctionColumns = ReadonlyMap<string, ReadonlySet<string>>

/** How `json_each` and WITH ORDINALITY call theirs. No function of Postgres is called so. */
export const COLUMNS_OF_THEIR_OWN: readonly string[] = ['key', 'value', 'ordinality']

/**
 * What each function in FROM calls its columns. Postgres reads `x.f` as `f(x)` where x has no
 * column f, and x may be any value when it is the row of a function that gives one: a name behind
 * it must be known to be a column. Of two functions that go by one name, the columns of both.
 */
export function functionColumnsIn(statement: Json): FunctionColumns {
  const found = new Map<string, ReadonlySet<string>>()
  visit(statement, (node) => {
    const [name, columns] = columnsOf(node)
    const known = found.get(name)
    const both = known === undefined ? columns : columns.filter((it) => known.has(it))
    found.set(name, new Set([...both, ...COLUMNS_OF_THEIR_OWN]))
  })
  return found
}

function visit(value: Json, see: (rangeFunction: JsonObject) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item as Json, see)
  if (!isObject(value)) return
  for (const [name, inner] of Object.entries(value)) {
    if (name === 'RangeFunction' && isObject(inner)) see(inner)
    visit(inner, see)
  }
}

type Text = Readonly<{ String?: { sval?: string } }>
type RangeFunction = Readonly<{
  alias?: { aliasname?: string; colnames?: readonly Text[] }
  functions?: readonly { List?: { items?: readonly { FuncCall?: JsonObject }[] } }[]
}>

/** Theirs is called `value`, whatever they go by: each has one parameter OUT, and that has a name. */
export const NAMING_THEIR_COLUMN: readonly string[] = [
  'json_array_elements',
  'json_array_elements_text',
  'jsonb_array_elements',
  'jsonb_array_elements_text',
]

/** Without a list of its own, the column of a function is called as the function goes by. */
function columnsOf(node: JsonObject): readonly [name: string, columns: readonly string[]] {
  const name = nameOf(node) ?? ''
  const { alias } = node as RangeFunction
  const listed = alias?.colnames?.map((it) => it.String?.sval ?? '')
  const own = NAMING_THEIR_COLUMN.includes(functionIn(node) ?? '') ? [] : [name]
  return [name, listed ?? own]
}

/** Its alias, or the name of the function. What goes by neither is named by rules of the grammar. */
const nameOf = (node: JsonObject): string | undefined =>
  (node as RangeFunction).alias?.aliasname ?? functionIn(node)

function functionIn(node: JsonObject): string | undefined {
  const [called] = (node as RangeFunction).functions?.[0]?.List?.items ?? []
  return textsOf(called?.FuncCall?.['funcname']).at(-1)
}

/** Why a node may call a function though it looks like a column, or null. */
export function whyBadColumn(
  type: string,
  node: JsonObject,
  known: FunctionColumns,
): string | null {
  if (type === 'RangeFunction' && nameOf(node) === undefined) {
    return 'what stands in FROM needs an alias'
  }
  const name = calledBy(type, node, known)
  if (name === undefined || ALLOWED_FUNCTIONS.has(name)) return null
  return `the field or function ${name} is not allowed`
}

function calledBy(type: string, node: JsonObject, known: FunctionColumns): string | undefined {
  if (type === 'ColumnRef') return behindFunction(node, known)
  return type === 'A_Indirection' ? fieldOf(node) : undefined
}

/** `x.f`, where x goes by the name of a function in FROM that has no such column. */
function behindFunction({ fields }: JsonObject, known: FunctionColumns): string | undefined {
  const [last, owner] = textsOf(fields).toReversed()
  const columns = owner === undefined ? undefined : known.get(owner)
  return last === undefined || columns === undefined || columns.has(last) ? undefined : last
}

/** `(x).f`, which is a field of a row only where x is one. */
const fieldOf = ({ indirection }: JsonObject): string | undefined =>
  textsOf(indirection).find((it) => it !== undefined && !ALLOWED_FUNCTIONS.has(it))

const textsOf = (nodes: Json | undefined): readonly (string | undefined)[] =>
  ((nodes ?? []) as readonly Text[]).map((it) =>
    it.String === undefined ? undefined : (it.String.sval ?? ''),
  )
