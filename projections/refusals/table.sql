-- What was asked, one row per dispatch: see project.ts.
create table rm_refusals_v1.commands (
  dispatch_id      uuid primary key,
  contract_id      text not null,
  contract_version int not null,
  target           text not null,
  output_namespace text not null
);

create table rm_refusals_v1.refusals (
  position         bigint primary key,
  refusal_id       uuid not null,
  dispatch_id      uuid not null,
  mode             text not null,
  code             text not null,
  rule             int not null,
  stage            text not null,
  gate             text,
  control_revision int not null,
  recorded_at      timestamptz(3) not null
);

create or replace view analytics.refusals_v1 as
select r.refusal_id, r.dispatch_id, c.contract_id, c.contract_version, c.target, c.output_namespace,
  r.mode, r.code, r.rule, r.stage, r.gate, r.control_revision, r.position, r.recorded_at
from rm_refusals_v1.refusals r join rm_refusals_v1.commands c using (dispatch_id);

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
