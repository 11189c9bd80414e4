-- Up Migration

set local role ledger_owner;

-- What calls were answered, counted: a replay and a refusal equal to an earlier one write no event.
-- Not a part of the log: the owner may remove old rows.
create table ledger.calls_hourly (
  hour        timestamptz(0) not null check (extract(epoch from hour)::bigint % 3600 = 0),
  contract_id text not null,
  mode        text not null,
  outcome     text not null,
  code        text not null,
  appended    text not null check (appended in ('events', 'none', 'unknown')),
  server      uuid not null,
  calls       bigint not null check (calls > 0),
  primary key (hour, contract_id, mode, outcome, code, appended, server)
);
comment on table ledger.calls_hourly is 'Calls by what they were answered, per hour and server. Written by ledger.count_calls alone; people read analytics.calls_hourly_v1.';
-- Without it a tenth of the rows is taken for the groups, and all of them are hashed and sorted for a page.
create statistics ledger.calls_hourly_groups (ndistinct)
  on hour, contract_id, mode, outcome, code, appended from ledger.calls_hourly;
comment on column ledger.calls_hourly.server is 'Drawn at each start of a server. Rows of its own keep servers from waiting for each other.';
comment on column ledger.calls_hourly.calls is 'What this server has counted in this hour so far, not what came since it last wrote.';

-- A server writes the whole count of its hour, so the same write twice, or an old one late, changes nothing.
create function ledger.count_calls(server uuid, counted json) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into ledger.calls_hourly as c (hour, contract_id, mode, outcome, code, appended, server, calls)
  select r.hour, r.contract_id, r.mode, r.outcome, r.code, r.appended, $1, r.calls
  from json_populate_recordset(null::ledger.calls_hourly, $2) as r
  on conflict (hour, contract_id, mode, outcome, code, appended, server)
    do update set calls = excluded.calls where c.calls < excluded.calls
$$;
comment on function ledger.count_calls is 'The only way to count calls: for each row what a server has counted so far in its hour.';

revoke all on function ledger.count_calls from public;
grant execute on function ledger.count_calls to ledger_writer;
grant select on ledger.calls_hourly to ledger_projector;

reset role;
