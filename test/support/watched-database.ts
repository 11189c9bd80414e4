import { digestOf } from '../../src/identity.ts'
import type { TestDatabase } from './database.ts'
import { until } from './until.ts'

/** What was seen, by what it was seen of. */
export type Watched = Readonly<Record<string, unknown>>

export type DatabaseWatch = Readonly<{
  look(): Promise<Watched>
  /** The same as long as nothing in the database has changed. */
  digest(): Promise<string>
}>

/**
 * Watches all that a statement could change in a database: every row with the transaction that
 * wrote it and its place, sequences, large objects, the catalogue, the counts of written rows,
 * advisory locks, prepared transactions and replication slots.
 *
 * Not what the cluster has once: its transaction counter and snapshots, roles, settings, files and
 * write-ahead log move with the databases of other tests. Nor what autovacuum writes by itself:
 * statistics of the planner, and the size of a table as pg_class has it.
 *
 * A session counts the rows that it wrote when it ends, or after some seconds: end what should be
 * counted. The superuser's own are waited for.
 */
export function watchDatabase(database: TestDatabase): DatabaseWatch {
  const look = async (): Promise<Watched> => {
    const relations = await until(async () => settled(await database.query<Settled>(RELATIONS)))
    const queries = [...Object.entries(CATALOGUE), ...relations.map((it) => queryOf(it))]
    const columns = queries.map(([what, sql]) => `(${sql}) as "${what.replaceAll('"', '""')}"`)
    const [seen = {}] = await database.query<Watched>(`select ${columns.join(', ')}`)
    return seen
  }
  return { look, digest: async () => digestOf(JSON.stringify(await look())) }
}

type Relation = Readonly<{ kind: string; name: string }>
type Settled = Readonly<{ others: number; relations: readonly Relation[] }>

const settled = ([row]: readonly Settled[]): readonly Relation[] | false =>
  row?.others === 0 && row.relations

/** Postgres itself renders each row, so that a table may have any column. */
const queryOf = ({ kind, name }: Relation): readonly [what: string, sql: string] =>
  kind === 'S'
    ? [`sequence ${name}`, `select concat_ws(' ', last_value, log_cnt, is_called) from ${name}`]
    : [
        `rows of ${name}`,
        `select md5(string_agg(concat_ws(' ', xmin, xmax, ctid, watched_row), chr(10) order by ctid))
          from only ${name} watched_row`,
      ]

/** Tables and sequences, and how many sessions of the superuser there are that could still count. */
const RELATIONS = `select
  (select count(*)::int from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
      and backend_type = 'client backend') as others,
  (select coalesce(json_agg(json_build_object('kind', c.relkind,
      'name', format('%I.%I', n.nspname, c.relname)) order by n.nspname, c.relname), '[]')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
      and c.relkind in ('r', 'm', 'S')) as relations`

/** A row that is written gets another xmin and another place. */
const rowsOf = (catalogue: string, columns = 'it.xmin, it.ctid'): string =>
  `select md5(string_agg(concat_ws(' ', ${columns}), chr(10) order by it.ctid)) from ${catalogue} it`

/** Of pg_class without what vacuum and analyze write in place. */
const CLASS = `to_jsonb(it) - '{relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid}'::text[]`

const here = (column: string): string =>
  `${column} = (select oid from pg_database where datname = current_database())`

const CATALOGUE: Readonly<Record<string, string>> = {
  relations: `select md5(string_agg((${CLASS})::text, chr(10) order by it.oid)) from pg_class it`,
  columns: rowsOf('pg_attribute'),
  functions: rowsOf('pg_proc'),
  schemas: rowsOf('pg_namespace'),
  types: rowsOf('pg_type'),
  rules: rowsOf('pg_rewrite'),
  triggers: rowsOf('pg_trigger'),
  constraints: rowsOf('pg_constraint'),
  policies: rowsOf('pg_policy'),
  extensions: rowsOf('pg_extension'),
  comments: rowsOf('pg_description'),
  'default privileges': rowsOf('pg_default_acl'),
  'foreign servers': rowsOf('pg_foreign_server'),
  'settings of the database': `${rowsOf('pg_db_role_setting')} where ${here('it.setdatabase')}`,
  'large objects': rowsOf('pg_largeobject_metadata'),
  'contents of large objects': rowsOf(
    'pg_largeobject',
    'it.xmin, it.loid, it.pageno, md5(it.data)',
  ),
  'counts of written rows': `select md5(string_agg(concat_ws(' ', relid, n_tup_ins, n_tup_upd, n_tup_del),
    chr(10) order by relid)) from pg_stat_user_tables`,
  'advisory locks': `select count(*)::int from pg_locks
    where locktype = 'advisory' and ${here('database')}`,
  'prepared transactions': `select count(*)::int from pg_prepared_xacts
    where database = current_database()`,
  'replication slots': `select count(*)::int from pg_replication_slots
    where database = current_database()`,
}
