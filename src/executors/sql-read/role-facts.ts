import type pg from 'pg'
import { LIMITS } from '../../../domain/limits.ts'

/** Of these each can do what no dry run may: write, run programs, or reach into other sessions. */
const DANGEROUS_ROLES = [
  'pg_checkpoint',
  'pg_create_subscription',
  'pg_execute_server_program',
  'pg_maintain',
  'pg_read_server_files',
  'pg_signal_autovacuum_worker',
  'pg_signal_backend',
  'pg_use_reserved_connections',
  'pg_write_all_data',
  'pg_write_server_files',
]

/** Extensions with functions that everybody may call, and that act where no transaction can witness it. */
export const LEAVING_EXTENSIONS: readonly string[] = [
  'aws_lambda',
  'dblink',
  'http',
  'pg_background',
  'pg_cron',
  'pg_net',
  'pg_prewarm',
]

/** What a login can do beyond reading: every list is empty for one that only reads. */
export type Strengths = Readonly<{
  /** Of the login, or of any role that it can become. */
  attributes: readonly string[]
  /** Built-in roles that can do more than read. */
  memberships: readonly string[]
  owns: readonly string[]
  writes: readonly string[]
  /** What lies outside of the transaction: foreign tables that it can read, functions that leave. */
  reaches: readonly string[]
}>

export type RoleFacts = Strengths &
  Readonly<{
    role: string
    database: string
    /** PostgreSQL's number: 180004 is 18.4. */
    serverVersion: number
    /** It is a standby, which refuses every write itself. */
    replica: boolean
  }>

/** A list in evidence names this many at most: the first by name. */
const NAMED_MAX = 5

/**
 * One statement over the catalogue, on the login itself and on every role that it is a member of,
 * whether it inherits from it or would have to SET ROLE first.
 *
 * Of system catalogues only their owners could write, and those are superusers. `MAINTAIN` came
 * with Postgres 17. What everybody may do by default is not looked at: temporary tables, and
 * functions that stay in the transaction, which the allow-list of the SQL judge keeps away.
 */
const ROLE_FACTS = `
with recursive mine as (
  select * from pg_catalog.pg_roles where pg_catalog.pg_has_role(session_user, oid, 'member')
),
relations as (
  select c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) as name,
    exists (select from pg_catalog.pg_inherits where inhrelid = c.oid) as child
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
),
readable as (
  select relations.oid from relations, mine
  where pg_catalog.has_table_privilege(mine.oid, relations.oid, 'SELECT')
  union select d.refobjid from readable
    join pg_catalog.pg_rewrite r on r.ev_class = readable.oid
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    where d.refclassid = 'pg_catalog.pg_class'::regclass
),
strengths(kind, name) as (
  select 'attributes', has.name from mine, lateral (values
    (rolsuper, 'superuser'), (rolreplication, 'replication'), (rolcreaterole, 'createrole'),
    (rolcreatedb, 'createdb'), (rolbypassrls, 'bypassrls')) as has(it, name) where has.it
  union select 'attributes', 'another role at login' where current_user <> session_user
  union select 'memberships', rolname from mine where rolname = any ($1::text[])
  union select 'owns', pg_catalog.pg_describe_object(classid, objid, objsubid)
    from pg_catalog.pg_shdepend, mine
    where refclassid = 'pg_catalog.pg_authid'::regclass and refobjid = mine.oid and deptype = 'o'
      and dbid in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
  union select 'writes', 'create in database ' || current_database() from mine
    where pg_catalog.has_database_privilege(mine.oid, current_database(), 'CREATE')
  union select 'writes', 'create in schema ' || nspname from pg_catalog.pg_namespace n, mine
    where pg_catalog.has_schema_privilege(mine.oid, n.oid, 'CREATE')
  union select 'writes', 'write ' || name from relations, mine
    where relkind <> 'S' and (pg_catalog.has_table_privilege(mine.oid, relations.oid,
        'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER' || case
          when current_setting('server_version_num')::int >= 170000 then ', MAINTAIN' else '' end)
      or pg_catalog.has_any_column_privilege(mine.oid, relations.oid, 'INSERT, UPDATE'))
  union select 'writes', 'advance ' || name from relations, mine
    where relkind = 'S' and pg_catalog.has_sequence_privilege(mine.oid, relations.oid, 'USAGE, UPDATE')
  union select 'writes', 'set ' || parname from pg_catalog.pg_parameter_acl, mine
    where pg_catalog.has_parameter_privilege(mine.oid, parname, 'SET, ALTER SYSTEM')
  union select 'writes', 'large object ' || l.oid
    from pg_catalog.pg_largeobject_metadata l, pg_catalog.aclexplode(lomacl) a
    where a.privilege_type = 'UPDATE' and (a.grantee = 0 or a.grantee in (select oid from mine))
  union select 'writes', 'grant ' || relations.name
    from relations join pg_catalog.pg_class c using (oid), pg_catalog.aclexplode(c.relacl) a
    where a.is_grantable and a.grantee in (select oid from mine)
      and a.grantee <> c.relowner
  union select 'reaches', 'function ' || p.oid::regprocedure::text
    from pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a join mine on mine.oid = a.grantee
    where p.pronamespace = 'pg_catalog'::regnamespace and mine.rolname !~ '^pg_'
      and a.grantee <> p.proowner
  union select 'reaches', 'server ' || srvname from pg_catalog.pg_foreign_server s, mine
    where pg_catalog.has_server_privilege(mine.oid, s.oid, 'USAGE')
  union select 'reaches', 'foreign data wrapper ' || fdwname
    from pg_catalog.pg_foreign_data_wrapper w, mine
    where pg_catalog.has_foreign_data_wrapper_privilege(mine.oid, w.oid, 'USAGE')
  union select 'reaches', 'function ' || d.objid::regprocedure::text
    from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid, mine
    where d.classid = 'pg_catalog.pg_proc'::regclass
      and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
      and e.extname = any ($2::text[])
      and pg_catalog.has_function_privilege(mine.oid, d.objid, 'EXECUTE')
  union select 'reaches', 'foreign table ' || name from relations, mine
    where relkind = 'f'
      and (child or relations.oid in (select oid from readable))
),
named as (
  select kind, name, row_number() over (partition by kind order by name collate "C") as number
  from strengths
),
lists as (
  select kind, array_agg(name order by number) as names from named
  where number <= ${NAMED_MAX} group by kind
)
select session_user::text as role, current_database()::text as database,
  current_setting('server_version_num')::int as "serverVersion",
  pg_catalog.pg_is_in_recovery() as replica,
  (select coalesce(json_object_agg(kind, names), '{}') from lists) as strengths`

type Row = Omit<RoleFacts, keyof Strengths> & { readonly strengths: Partial<Strengths> }

/** For a session that looks: nobody can put something in the way of the names it looks by. */
export const LOOKING = `select set_config('search_path', 'pg_catalog, pg_temp', false),
  set_config('default_transaction_read_only', 'on', false),
  set_config('statement_timeout', '${LIMITS.statementTimeMs}', false)`

/** What the login of a connection can do, as the database says at this moment. */
export async function readRoleFacts(client: pg.ClientBase): Promise<RoleFacts> {
  const query = {
    name: 'role-facts',
    text: ROLE_FACTS,
    values: [DANGEROUS_ROLES, LEAVING_EXTENSIONS],
  }
  const [row] = (await client.query<Row>(query)).rows
  if (row === undefined) throw new Error('the database says nothing of the login')
  const { strengths, ...facts } = row
  const none = { attributes: [], memberships: [], owns: [], writes: [], reaches: [] }
  return { ...facts, ...none, ...strengths }
}
