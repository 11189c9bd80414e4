-- Up Migration

set local role ledger_owner;

-- As text: a body in "begin atomic" leaves no source, so that the doctor could not see it changed.
create or replace function ledger.is_dry_run_namespace(namespace text) returns boolean
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select length(namespace) <= 200
    and namespace ~ '^DRYRUN-NS:[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$'
    and namespace !~ '[^:/]{64}'
    and split_part(namespace, '/', 9) = ''
    and namespace not like '%..%'
$$;

reset role;
