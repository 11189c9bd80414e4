import { loadModule, parseSync } from 'libpg-query'
import { isObject, type Json, type JsonObject } from '../../../domain/json.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { ALLOWED_FUNCTIONS, ALLOWED_TYPES, CATALOG } from './allowed-names.ts'
import { ALLOWED_NODES } from './allowed-nodes.ts'
import { type FunctionColumns, functionColumnsIn, whyBadColumn } from './judge-columns.ts'

export type JudgedSql =
  | Readonly<{
      allowed: true
      /** Schemas of the relations that it reads. */
      schemas: readonly string[]
      /** How many parameters it takes: `$1` to `$n`, each of them somewhere. */
      params: number
    }>
  /** `why` names what was found, never a value in it. */
  | Readonly<{ allowed: false; why: string }>

class SqlNotAllowed extends Error {}

await loadModule()

/**
 * Judges a statement by the tree that the parser of Postgres makes of it: one SELECT, made of
 * nothing but what the allow-lists name.
 *
 * Trust: what passes calls no function and names no type or operator that is not listed. It does
 * not see what the owner of the database hung onto reading: views, policies, casts, operators of
 * own types. Those meet the role, the READ ONLY transaction and the evidence.
 */
export function judgeSql(sql: string): JudgedSql {
  try {
    return { allowed: true, ...namesIn(sql) }
  } catch (cause) {
    if (cause instanceof RangeError) return { allowed: false, why: 'it nests too deeply' }
    if (cause instanceof SqlNotAllowed) return { allowed: false, why: cause.message }
    throw cause
  }
}

function namesIn(sql: string): { schemas: readonly string[]; params: number } {
  if (sql.length > LIMITS.sqlLength) throw new SqlNotAllowed('it is too long')
  // The parser stops at it without a word, and the server does not.
  if (sql.includes('\0')) throw new SqlNotAllowed('it holds a NUL character')
  const statement = onlyStatement(sql)
  const found: Found = { schemas: new Set(), params: new Set() }
  const functionColumns = functionColumnsIn(statement)
  walkWrapped(statement, { found, functionColumns, names: new Set() })
  return { schemas: [...found.schemas].toSorted(), params: countOf(found.params) }
}

function onlyStatement(sql: string): JsonObject {
  const statements = parsed(sql)
  const [first] = statements
  if (first === undefined || statements.length > 1) {
    throw new SqlNotAllowed(`it is ${statements.length} statements, not one`)
  }
  const [type] = Object.keys(first.stmt)
  if (type !== 'SelectStmt') throw new SqlNotAllowed(`it is no SELECT: ${type}`)
  return first.stmt
}

function parsed(sql: string): readonly { stmt: JsonObject }[] {
  try {
    return (parseSync(sql) as unknown as { stmts?: readonly { stmt: JsonObject }[] }).stmts ?? []
  } catch (cause) {
    throw new SqlNotAllowed('it does not parse', { cause })
  }
}

/** The server cannot know the type of a parameter that stands nowhere. */
function countOf(params: ReadonlySet<number>): number {
  for (let number = 1; number <= params.size; number++) {
    if (!params.has(number)) throw new SqlNotAllowed(`it has no $${number}, but a later one`)
  }
  return params.size
}

type Found = Readonly<{ schemas: Set<string>; params: Set<number> }>
/** What a walk has found, and the names of WITH queries that a relation without a schema may mean. */
type Walk = Readonly<{
  found: Found
  functionColumns: FunctionColumns
  names: ReadonlySet<string>
}>

/** A node with its type around it, or a list of such. */
function walkWrapped(value: Json, at: Walk): void {
  if (Array.isArray(value)) {
    for (const item of value) walkWrapped(item as Json, at)
    return
  }
  // A hole in a list of the parser: `{}`.
  if (isObject(value) && Object.keys(value).length === 0) return
  const [entry, ...more] = isObject(value) ? Object.entries(value) : []
  if (entry === undefined || more.length > 0 || !isObject(entry[1])) {
    throw new SqlNotAllowed('it holds something that is no node')
  }
  walk(entry[0], entry[1], at)
}

function walk(type: string, node: JsonObject, outer: Walk): void {
  const fields = Object.hasOwn(ALLOWED_NODES, type) ? ALLOWED_NODES[type] : undefined
  if (fields === undefined) throw new SqlNotAllowed(`${type} is not allowed`)
  judgeNode(type, node, outer)
  const at = type === 'SelectStmt' ? walkWith(node, outer) : outer
  for (const [field, value] of Object.entries(node)) {
    const kind = Object.hasOwn(fields, field) ? fields[field] : undefined
    if (kind === undefined) throw new SqlNotAllowed(`${type}.${field} is not allowed`)
    if (field === 'withClause') continue
    if (kind === 'nodes') walkWrapped(value, at)
    else if (kind !== 'plain') walk(kind, value as JsonObject, at)
    else if (typeof value === 'object') throw new SqlNotAllowed(`${type}.${field} is not plain`)
  }
}

/**
 * A query of a WITH sees the names before it, with RECURSIVE all of them; what stands after the
 * WITH sees all. A name that is not seen means a relation, though a query is called the same.
 */
function walkWith({ withClause }: JsonObject, outer: Walk): Walk {
  if (withClause === undefined) return outer
  const { ctes, recursive, ...more } = withClause as JsonObject & { ctes: readonly JsonObject[] }
  const unknown = Object.keys(more).find(
    (field) => !Object.hasOwn(ALLOWED_NODES['WithClause'] ?? {}, field),
  )
  if (unknown !== undefined) throw new SqlNotAllowed(`WithClause.${unknown} is not allowed`)
  const nameOf = (cte: JsonObject) => textOf((cte['CommonTableExpr'] as JsonObject)['ctename'])
  const names = new Set(outer.names)
  if (recursive === true) for (const cte of ctes) names.add(nameOf(cte))
  for (const cte of ctes) {
    walkWrapped(cte, { ...outer, names: new Set(names) })
    names.add(nameOf(cte))
  }
  return { ...outer, names }
}

/** What the shape of a node does not tell: names. */
function judgeNode(type: string, node: JsonObject, at: Walk): void {
  const { found, functionColumns, names } = at
  const why = whyBadColumn(type, node, functionColumns)
  if (why !== null) throw new SqlNotAllowed(why)
  switch (type) {
    case 'FuncCall':
      return judgeName('function', namesOf(node['funcname']), ALLOWED_FUNCTIONS)
    case 'TypeName':
      return judgeName('type', namesOf(node['names']), ALLOWED_TYPES)
    case 'A_Expr':
      return judgeLocal('operator', namesOf(node['name']))
    case 'SubLink':
      return judgeLocal('operator', namesOf(node['operName']))
    case 'CollateClause':
      return judgeLocal('collation', namesOf(node['collname']))
    case 'RangeVar':
      return judgeRelation(node, found, names)
    case 'ParamRef':
      found.params.add(Number(node['number'] ?? 0))
  }
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')

const namesOf = (value: Json | undefined): readonly string[] =>
  ((value ?? []) as readonly { String?: { sval?: string } }[]).map((it) => it.String?.sval ?? '')

const localName = (names: readonly string[]): string | null => {
  const local = names.length === 2 && names[0] === CATALOG ? names.slice(1) : names
  return local.length === 1 ? (local[0] ?? '') : null
}

function judgeName(what: string, names: readonly string[], allowed: ReadonlySet<string>): void {
  if (allowed.has(localName(names) ?? '')) return
  throw new SqlNotAllowed(`the ${what} ${names.join('.')} is not allowed`)
}

/** With `search_path` at pg_catalog, a name without a schema is one of Postgres itself. */
function judgeLocal(what: string, names: readonly string[]): void {
  if (names.length === 0 || localName(names) !== null) return
  throw new SqlNotAllowed(`the ${what} ${names.join('.')} is not allowed`)
}

function judgeRelation(node: JsonObject, found: Found, names: ReadonlySet<string>): void {
  const { schemaname, relname } = node
  if (typeof schemaname === 'string') found.schemas.add(schemaname)
  else if (!names.has(textOf(relname))) {
    throw new SqlNotAllowed(`the relation ${textOf(relname)} needs its schema before it`)
  }
}
