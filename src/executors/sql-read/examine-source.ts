import type pg from 'pg'
import type { Finding } from '../../ports.ts'
import {
  LEAVING_EXTENSIONS,
  LOOKING,
  type RoleFacts,
  readRoleFacts,
  type Strengths,
} from './role-facts.ts'
import { withShortConnection } from './short-connection.ts'

/** Statements that a login may run anyway, and what keeps dry runs from using them. */
type Habits = Readonly<{
  readOnlyByDefault: boolean
  definerFunctions: number
  schemas: readonly string[]
  /** Functions that leave, and that everybody may call. */
  leaving: readonly string[]
}>

const HABITS = `select (select reset_val = 'on' from pg_catalog.pg_settings
    where name = 'default_transaction_read_only') as "readOnlyByDefault",
  (select count(*)::int from pg_catalog.pg_proc where prosecdef
    and pronamespace <> 'pg_catalog'::regnamespace
    and pg_catalog.has_function_privilege(oid, 'EXECUTE')) as "definerFunctions",
  array(select nspname::text from pg_catalog.pg_namespace
    where nspname <> 'information_schema' and nspname not like 'pg\\_%' order by 1) as schemas,
  array(select d.objid::regprocedure::text from pg_catalog.pg_depend d
    join pg_catalog.pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_catalog.pg_proc'::regclass and d.deptype = 'e'
      and d.refclassid = 'pg_catalog.pg_extension'::regclass and e.extname = any ($1::text[])
      and pg_catalog.has_function_privilege('public', d.objid, 'EXECUTE') order by 1) as leaving`

/** What is there to be known of a source, or why it cannot be asked. */
export type SourceSeen =
  | Readonly<{ facts: RoleFacts; habits: Habits; unreachable: null }>
  | Readonly<{ facts: null; habits: null; unreachable: string }>

export async function lookAtSource(url: string): Promise<SourceSeen> {
  try {
    return await withShortConnection(url, look)
  } catch (error) {
    const { message, code } = error as { message?: string; code?: string }
    return { facts: null, habits: null, unreachable: message || code || 'no answer' }
  }
}

async function look(client: pg.ClientBase): Promise<SourceSeen> {
  await client.query(LOOKING)
  const [habits] = (await client.query<Habits>(HABITS, [LEAVING_EXTENSIONS])).rows
  if (habits === undefined) throw new Error('it says nothing of its settings')
  return { facts: await readRoleFacts(client), habits, unreachable: null }
}

/** Which list of strengths a finding is about, and what it says of a list that is empty. */
const CHECKS: readonly (readonly [check: string, list: keyof Strengths, none: string])[] = [
  ['attributes', 'attributes', 'no superuser, replication, createrole, createdb or bypassrls'],
  ['memberships', 'memberships', 'in no role that writes, runs programs or signals others'],
  ['ownership', 'owns', 'owns nothing, so it can grant itself nothing'],
  ['writes', 'writes', 'may write no table, advance no sequence and create nothing'],
  ['elsewhere', 'reaches', 'reads no foreign table and may call nothing that leaves this database'],
]

/** Whether dry runs may use a source, and why: one finding a reason. */
export function examineSource(name: string, seen: SourceSeen): readonly Finding[] {
  if (seen.unreachable !== null) return [unreachable(name, seen.unreachable)]
  const { facts, habits } = seen
  const remedy = `Use another login: dispatch-ledger doctor --source ${name} --sql prints one.`
  return [
    ok(`source ${name}`, describeServer(facts)),
    ...CHECKS.map(([check, list, none]): Finding => {
      const found = facts[list]
      return found.length === 0
        ? ok(check, none)
        : { check, status: 'problem', found: found.join(', '), todo: remedy }
    }),
    ok('transactions', readOnlyText(habits)),
    ok(
      'functions',
      `${habits.definerFunctions} that it may call run with the rights of their owners; a statement may name none of them, and READ ONLY binds them too`,
    ),
  ]
}

/** The same in one finding, for who looks at everything. */
export function summarizeSource(name: string, seen: SourceSeen): Finding {
  if (seen.unreachable !== null) return unreachable(name, seen.unreachable)
  const strengths = CHECKS.flatMap(([, list]) => seen.facts[list])
  const check = `source ${name}`
  if (strengths.length === 0) return ok(check, `${describeServer(seen.facts)}: it can only read`)
  return {
    check,
    status: 'problem',
    found: `${seen.facts.role} can do more than read: ${strengths.join(', ')}`,
    todo: `Look closer: dispatch-ledger doctor --source ${name}`,
  }
}

const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, todo: null })

const unreachable = (name: string, why: string): Finding => ({
  check: `source ${name}`,
  status: 'unknown',
  found: `it cannot be asked: ${why}`,
  todo: 'Mend its URL in LEDGER_SQL_SOURCES, or its database.',
})

function describeServer({ role, database, serverVersion, replica }: RoleFacts): string {
  const version = `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`
  const kind = replica ? 'a standby, which refuses every write itself' : 'a primary'
  return `${role} on ${database}, PostgreSQL ${version}, ${kind}`
}

const readOnlyText = ({ readOnlyByDefault }: Habits): string =>
  readOnlyByDefault
    ? 'READ ONLY by default, and each dry run asks for it again'
    : 'not READ ONLY by default; each dry run asks for it itself'
