-- The schema of the log as lines of text, for comparison with what the migrations make. A grant to
-- the owner of a thing is left out, it may do everything anyway. The migrating login owns the
-- migrations table and is named by that, since it is another one everywhere.
with ours as (
  select oid, nspname, nspowner, nspacl from pg_namespace where nspname = 'ledger'
), relation as (
  select c.* from pg_class c join ours on ours.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), routine as (
  select p.*, format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as signature
  from pg_proc p join ours on ours.oid = p.pronamespace
), migrating as (
  select relowner from relation where relname = 'migrations'
), granted as (
  select 'schema ledger' as thing, nspowner as owner, a.* from ours, aclexplode(nspacl) a
  union all
  select format('%I', relname), relowner, a.* from relation, aclexplode(relacl) a
  union all
  select format('%I (%I)', relname, attname), relowner, a.*
  from relation join pg_attribute t on t.attrelid = relation.oid, aclexplode(t.attacl) a
  union all
  select signature, proowner, a.* from routine, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
), owned as (
  select 'schema ledger' as thing, nspowner as owner from ours
  union all
  select format('%s %I%s',
    case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end,
    relname, case when relrowsecurity then ', row security' else '' end), relowner
  from relation
  union all
  select format('function %s%s%s, body %s', signature, case when prosecdef then ', security definer' else '' end,
    coalesce(', ' || array_to_string(proconfig, ', '), ''), md5(prosrc)), proowner
  from routine
)
select line from (
  select format('%s, owned by %s', thing,
    case when owner = (select relowner from migrating) then 'the migrating login' else pg_get_userbyid(owner) end) as line
  from owned
  union all
  select format('column %I.%I %s%s%s', relname, attname, format_type(atttypid, atttypmod),
    case when attnotnull then ' not null' else '' end, coalesce(' default ' || pg_get_expr(adbin, adrelid), ''))
  from relation join pg_attribute a on a.attrelid = relation.oid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where relkind <> 'S' and attnum > 0 and not attisdropped
  union all
  select format('constraint on %I: %s', relname, pg_get_constraintdef(c.oid))
  from relation join pg_constraint c on c.conrelid = relation.oid where contype in ('c', 'f', 'p', 'u', 'x')
  union all
  select pg_get_indexdef(indexrelid) from relation join pg_index i on i.indrelid = relation.oid
  union all
  select format('%s%s', pg_get_triggerdef(t.oid), case tgenabled when 'O' then '' else ', enabled ' || tgenabled::text end)
  from relation join pg_trigger t on t.tgrelid = relation.oid where not tgisinternal
  union all
  select format('rule %I on %I', rulename, relname)
  from relation join pg_rewrite r on r.ev_class = relation.oid where rulename <> '_RETURN'
  union all
  select format('grant %s on %s to %s%s', privilege_type, thing,
    case when grantee = 0 then 'public' else pg_get_userbyid(grantee) end,
    case when is_grantable then ' with grant option' else '' end)
  from granted where grantee <> owner
  union all
  select format('role %I%s', rolname, concat(
    case when rolcanlogin then ' login' end, case when rolsuper then ' superuser' end,
    case when rolcreaterole then ' createrole' end, case when rolcreatedb then ' createdb' end,
    case when rolreplication then ' replication' end, case when rolbypassrls then ' bypassrls' end))
  from pg_roles where rolname in ('ledger_owner', 'ledger_writer', 'ledger_projector', 'ledger_analyst', 'ledger_auditor')
) lines
order by line collate "C"
