import type { Plan } from '../../../domain/dispatch/plan.ts'
import type { Json, JsonObject } from '../../../domain/json.ts'
import { valueAt } from '../../../domain/json-pointer.ts'
import { type Executor, ExecutorFailure, type Report } from '../../ports.ts'
import { DEFAULT_SCHEMAS } from './allowed-names.ts'
import { type JudgedSql, judgeSql } from './judge-sql.ts'
import { type Asked, createSource, type Source } from './source.ts'

/** What a contract of this type is made of: `$1` is what the first pointer finds in the params. */
type Program = Readonly<{ sql: string; bind?: readonly string[] }>
/** What a target of this type has beside the others. */
type SqlTarget = Plan['target'] & Readonly<{ source: string; schemas?: readonly string[] }>

/**
 * The executor of type `sql-read`: the one SELECT of a contract, asked of a named database.
 *
 * Trust: the parser of Postgres and allow-lists decide what may be asked; the role of the login and
 * a READ ONLY transaction what could happen anyway; and what the server says afterwards shows that
 * nothing did. No one of them is trusted alone. It does not promise that two runs read the same
 * rows: others write.
 *
 * | failure  | code              | the run gave no report because |
 * |----------|-------------------|---|
 * | threw    | source-unknown    | the target names a source that this server does not have |
 * | threw    | no-program        | the contract's program is not `{ sql, bind }`, or a pointer finds nothing |
 * | threw    | no-connection     | the source takes no connections |
 * | threw    | connection-lost   | the connection broke |
 * | threw    | no-limits, no-evidence | the database answered with nothing where it had to answer |
 * | threw    | an SQLSTATE       | the database could not or would not: 25006 is a write in READ ONLY |
 * | timeout  | time              | it took longer than the plan allows |
 * | timeout  | aborted           | the caller gave up |
 * | limit    | rows, output      | it gave more than the plan allows |
 * | not-json | duplicate-column  | two columns have one name |
 * | not-json | a code of errors.md | a column of type json holds what the ledger cannot keep |
 */
export function createSqlRead(
  sourceUrls: Readonly<Record<string, string>>,
): Executor & { close(): Promise<void> } {
  const sources = new Map(
    Object.entries(sourceUrls).map(([name, url]) => [name, createSource(url)] as const),
  )
  const sourceOf = ({ target }: Plan): Source | undefined =>
    sources.get((target as SqlTarget).source)
  return {
    type: 'sql-read',
    sideEffects: 'none',
    build: 1,
    io: true,
    async facts(plan) {
      const sql = sqlFacts(plan)
      const found = sql['allowed'] === true ? await sourceOf(plan)?.facts() : undefined
      return { sql, source: found === undefined ? null : { ...found } }
    },
    async dryRun(plan, signal) {
      const begun = performance.now()
      const source = sourceOf(plan)
      if (source === undefined) throw new ExecutorFailure('threw', 'source-unknown')
      const reply = await source.ask(questionOf(plan), signal)
      return { ...reply, stats: { durationMs: performance.now() - begun } } satisfies Report
    },
    async close() {
      await Promise.all([...sources.values()].map((source) => source.close()))
    },
  }
}

/** Judgements by statement, the oldest go first. The same text is judged the same for ever. */
const KEPT_MAX = 500
const kept = new Map<string, JudgedSql>()

function judgedOnce(sql: string): JudgedSql {
  const judged = kept.get(sql) ?? judgeSql(sql)
  kept.set(sql, judged)
  const [oldest] = kept.keys()
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest)
  return judged
}

/** `{ allowed: true, schemas }`, or `{ allowed: false, why }`. Nobody is asked who may not be. */
function sqlFacts({ program, target }: Plan): JsonObject {
  const judged = judgedOnce((program as Program).sql)
  if (!judged.allowed) return judged
  const { schemas: offered = DEFAULT_SCHEMAS } = target as SqlTarget
  const foreign = judged.schemas.find((it) => !offered.includes(it))
  if (foreign === undefined) return { allowed: true, schemas: judged.schemas }
  return { allowed: false, why: `the target does not offer the schema ${foreign}` }
}

/** Why nobody could register a statement with what is bound to it, or null when one can. */
export function whyBadSqlProgram(program: JsonObject): string | null {
  const { sql, bind = [] } = program as Program
  const judged = judgeSql(sql)
  if (!judged.allowed) return `its SQL is not allowed: ${judged.why}`
  if (judged.params === bind.length) return null
  return `its SQL takes ${judged.params} parameters, and ${bind.length} are bound`
}

function questionOf({ program, params, limits }: Plan): Asked {
  const { sql, bind = [] } = program as Partial<Program>
  if (typeof sql !== 'string' || !Array.isArray(bind))
    throw new ExecutorFailure('threw', 'no-program')
  return { sql, values: bind.map((pointer) => boundValue(params, String(pointer))), limits }
}

/** Never a part of the SQL. Objects and arrays are bound as their JSON text, null as NULL. */
function boundValue(params: JsonObject, pointer: string): string | null {
  const value: Json | undefined = valueAt(params, pointer)
  if (value === undefined) throw new ExecutorFailure('threw', 'no-program')
  if (value === null || typeof value === 'string') return value
  return JSON.stringify(value)
}
