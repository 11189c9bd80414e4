-- Up Migration

set local role ledger_owner;

-- The grammar without its counts: as '{0,62}' inside '{0,7}' each look at a row took 65 us.
create function ledger.is_dry_run_namespace(namespace text) returns boolean
language sql immutable parallel safe
begin atomic
  select length(namespace) <= 200
    and namespace ~ '^DRYRUN-NS:[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$'
    and namespace !~ '[^:/]{64}'
    and split_part(namespace, '/', 9) = ''
    and namespace not like '%..%';
end;
comment on function ledger.is_dry_run_namespace is 'Rule 3: up to 8 segments of up to 63 characters after DRYRUN-NS:, 200 in all, never "..".';
revoke all on function ledger.is_dry_run_namespace from public;
grant execute on function ledger.is_dry_run_namespace to ledger_projector;

reset role;
