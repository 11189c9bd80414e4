create table rm_dispatches_v2.dispatches (
  dispatch_id      uuid primary key,
  digest           text not null,
  contract_id      text not null,
  contract_version int not null,
  target           text not null,
  output_namespace text not null check (reached is null
    or ledger.is_dry_run_namespace(output_namespace)),
  occurrence       text not null,
  reached          text,
  verdict          text,
  output_digest    text,
  refusals         int not null,
  last_refusal     text,
  last_event       text,
  last_stage       text,
  last_gate        text,
  opened_position  bigint not null unique,
  opened_at        timestamptz(3) not null,
  position         bigint not null,
  changed_at       timestamptz(3) not null
);

-- Every field that a list is found by, in the order of the list. A namespace that was refused may be
-- too long for an index: what is compared is as long as the longest prefix, a slash and one more.
create index by_time on rm_dispatches_v2.dispatches (opened_at, opened_position);
create index by_change on rm_dispatches_v2.dispatches (changed_at, opened_at, opened_position);
create index by_contract on rm_dispatches_v2.dispatches (contract_id, opened_at, opened_position);
create index by_version on rm_dispatches_v2.dispatches
  (contract_version, contract_id, opened_at, opened_position);
create index by_target on rm_dispatches_v2.dispatches (target, opened_at, opened_position);
create index by_namespace on rm_dispatches_v2.dispatches
  ((left(output_namespace, 202) collate "C"), opened_at, opened_position);
create index by_first_segment on rm_dispatches_v2.dispatches
  ((split_part(left(output_namespace, 202) collate "C", '/', 1)), opened_at, opened_position);
create index by_occurrence on rm_dispatches_v2.dispatches (occurrence, opened_at, opened_position)
  where occurrence <> '';
create index by_reached on rm_dispatches_v2.dispatches (reached, opened_at, opened_position);
create index by_verdict on rm_dispatches_v2.dispatches (verdict, opened_at, opened_position);
create index by_refusal on rm_dispatches_v2.dispatches (last_refusal, opened_at, opened_position);
-- The planner takes values to be spread evenly. Were it to know that rows lie in the order of time, it
-- would walk by_time, and pass a million rows for a contract that nobody has used for a month.
alter table rm_dispatches_v2.dispatches
  alter column opened_at set statistics 0, alter column changed_at set statistics 0;

create or replace view analytics.dispatches_v1 as
select dispatch_id, digest, contract_id, contract_version, target, output_namespace, occurrence,
  reached, verdict, output_digest, refusals, last_refusal, opened_position, opened_at, position, changed_at,
  last_event, last_stage, last_gate
from rm_dispatches_v2.dispatches;

comment on view analytics.dispatches_v1 is 'One row per dispatch: what was asked, how far it came, what came out.';
comment on column analytics.dispatches_v1.dispatch_id is 'UUIDv8 of the digest of the command.';
comment on column analytics.dispatches_v1.digest is 'sha256 of the RFC 8785 text of the command.';
comment on column analytics.dispatches_v1.contract_id is 'Id of the contract.';
comment on column analytics.dispatches_v1.contract_version is 'Version of the contract.';
comment on column analytics.dispatches_v1.target is 'What the dispatch is aimed at.';
comment on column analytics.dispatches_v1.output_namespace is 'Where the output goes: a DRYRUN-NS: namespace once anything is reached.';
comment on column analytics.dispatches_v1.occurrence is 'Tells deliberate re-runs of the same command apart; usually empty.';
comment on column analytics.dispatches_v1.reached is 'Furthest event: Planned, PreflightPassed, DryRunRecorded; null where all was refused.';
comment on column analytics.dispatches_v1.verdict is 'would_succeed or would_fail once the dry run is recorded.';
comment on column analytics.dispatches_v1.output_digest is 'sha256 of the RFC 8785 text of the output.';
comment on column analytics.dispatches_v1.refusals is 'How many refusals are recorded.';
comment on column analytics.dispatches_v1.last_refusal is 'Code of the last recorded refusal.';
comment on column analytics.dispatches_v1.opened_position is 'Position of the first event.';
comment on column analytics.dispatches_v1.opened_at is 'When the first event was recorded.';
comment on column analytics.dispatches_v1.position is 'Position of the last event.';
comment on column analytics.dispatches_v1.changed_at is 'When the last event was recorded.';
comment on column analytics.dispatches_v1.last_event is 'Type of the last event that counts; null where all are void.';
comment on column analytics.dispatches_v1.last_stage is 'Where the last event refused: admission, preflight or execution; null where it did not.';
comment on column analytics.dispatches_v1.last_gate is 'The gate by which the last event refused; null where it did not.';
grant usage on schema analytics to ledger_analyst;
grant select on analytics.dispatches_v1 to ledger_analyst;
