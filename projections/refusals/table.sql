-- What was asked, one row per dispatch: see project.ts.
create table rm_refusals_v2.commands (
  dispatch_id      uuid primary key,
  contract_id      text not null,
  contract_version int not null,
  target           text not null,
  output_namespace text not null
);

create table rm_refusals_v2.refusals (
  position         bigint primary key,
  refusal_id       uuid not null,
  dispatch_id      uuid not null,
  mode             text not null,
  code             text not null,
  rule             int not null,
  stage            text not null,
  gate             text,
  control_revision int not null,
  recorded_at      timestamptz(3) not null,
  contract_id      text not null,
  contract_version int not null,
  target           text not null,
  output_namespace text not null
);

-- The row of `commands` is there: a batch fills it first. Without one the refusal is not taken.
create function rm_refusals_v2.take_over_command() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  select c.contract_id, c.contract_version, c.target, c.output_namespace
    into new.contract_id, new.contract_version, new.target, new.output_namespace
    from rm_refusals_v2.commands c where c.dispatch_id = new.dispatch_id;
  return new;
end $$;
create trigger take_over_command before insert on rm_refusals_v2.refusals
  for each row execute function rm_refusals_v2.take_over_command();

-- Every field that a list is found by, in the order of the list; for namespaces, and for what the
-- planner may know, see the table of the dispatches.
create index by_time on rm_refusals_v2.refusals (recorded_at, position);
create index by_id on rm_refusals_v2.refusals (refusal_id);
create index by_dispatch on rm_refusals_v2.refusals (dispatch_id, recorded_at, position);
create index by_contract on rm_refusals_v2.refusals (contract_id, recorded_at, position);
create index by_version on rm_refusals_v2.refusals
  (contract_version, contract_id, recorded_at, position);
create index by_target on rm_refusals_v2.refusals (target, recorded_at, position);
create index by_namespace on rm_refusals_v2.refusals
  ((left(output_namespace, 202) collate "C"), recorded_at, position);
create index by_first_segment on rm_refusals_v2.refusals
  ((split_part(left(output_namespace, 202) collate "C", '/', 1)), recorded_at, position);
create index by_mode on rm_refusals_v2.refusals (mode, recorded_at, position);
create index by_code on rm_refusals_v2.refusals (code, recorded_at, position);
create index by_rule on rm_refusals_v2.refusals (rule, recorded_at, position);
create index by_stage on rm_refusals_v2.refusals (stage, recorded_at, position);
create index by_gate on rm_refusals_v2.refusals (gate, recorded_at, position);
alter table rm_refusals_v2.refusals alter column recorded_at set statistics 0;

create or replace view analytics.refusals_v1 as
select refusal_id, dispatch_id, contract_id, contract_version, target, output_namespace,
  mode, code, rule, stage, gate, control_revision, position, recorded_at
from rm_refusals_v2.refusals;

comment on view analytics.refusals_v1 is 'One row per recorded refusal: what was asked, and which gate said no.';
comment on column analytics.refusals_v1.refusal_id is 'Id of the Refused event.';
comment on column analytics.refusals_v1.dispatch_id is 'UUIDv8 of the digest of the command.';
comment on column analytics.refusals_v1.contract_id is 'Id of the contract that was asked for; it may never have been registered.';
comment on column analytics.refusals_v1.contract_version is 'Version of the contract that was asked for.';
comment on column analytics.refusals_v1.target is 'What the dispatch is aimed at.';
comment on column analytics.refusals_v1.output_namespace is 'Output namespace as asked for; a refused one may be no dry-run namespace.';
comment on column analytics.refusals_v1.mode is 'PLAN_ONLY, VERIFY_ONLY, DRY_RUN or REAL_RUN, as asked for in the refused call.';
comment on column analytics.refusals_v1.code is 'Why, as a stable code.';
comment on column analytics.refusals_v1.rule is 'Rule of the safety contract that was kept, 0 to 9.';
comment on column analytics.refusals_v1.stage is 'Where in the call: admission, preflight or execution.';
comment on column analytics.refusals_v1.gate is 'The gate that refused.';
comment on column analytics.refusals_v1.control_revision is 'Revision of the control stream it was judged at; -1 while control was empty.';
comment on column analytics.refusals_v1.position is 'Position of the Refused event in the log.';
comment on column analytics.refusals_v1.recorded_at is 'When it was recorded.';
grant usage on schema analytics to ledger_analyst;
grant select on analytics.refusals_v1 to ledger_analyst;
