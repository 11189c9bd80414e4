-- Rule 3: whatever the log may hold, a row here lies in a dry-run namespace.
create table rm_outputs_v2.outputs (
  position         bigint primary key,
  event_id         uuid not null,
  dispatch_id      uuid not null,
  output_namespace text collate "C" not null check (ledger.is_dry_run_namespace(output_namespace)),
  verdict          text not null,
  output           text not null,
  output_digest    text not null,
  executor_type    text not null,
  executor_build   int not null,
  recorded_at      timestamptz(3) not null
);

-- Every field that a list is found by, in the order of the list.
create index by_time on rm_outputs_v2.outputs (recorded_at, position);
create index by_dispatch on rm_outputs_v2.outputs (dispatch_id);
create index by_namespace on rm_outputs_v2.outputs (output_namespace, recorded_at, position);
create index by_first_segment on rm_outputs_v2.outputs
  ((split_part(output_namespace collate "C", '/', 1)), recorded_at, position);
create index by_verdict on rm_outputs_v2.outputs (verdict, recorded_at, position);
create index by_executor on rm_outputs_v2.outputs (executor_type, recorded_at, position);
-- For the planner rows lie in no order: see the table of the dispatches.
alter table rm_outputs_v2.outputs alter column recorded_at set statistics 0;

create or replace view analytics.outputs_v1 as
select output_namespace, dispatch_id, verdict, output, output_digest, executor_type, executor_build,
  event_id, position, recorded_at
from rm_outputs_v2.outputs;

comment on view analytics.outputs_v1 is 'One row per recorded dry run: what came out.';
comment on column analytics.outputs_v1.output_namespace is 'The DRYRUN-NS: namespace that the output belongs to.';
comment on column analytics.outputs_v1.dispatch_id is 'UUIDv8 of the digest of the command.';
comment on column analytics.outputs_v1.verdict is 'would_succeed or would_fail.';
comment on column analytics.outputs_v1.output is 'The output as RFC 8785 JSON text; output::jsonb reads into it.';
comment on column analytics.outputs_v1.output_digest is 'sha256 of the column output, as sha256:<hex>.';
comment on column analytics.outputs_v1.executor_type is 'Which executor ran.';
comment on column analytics.outputs_v1.executor_build is 'Raised by the author of the executor when the same plan could give another output.';
comment on column analytics.outputs_v1.event_id is 'Id of the DryRunRecorded event.';
comment on column analytics.outputs_v1.position is 'Position of the DryRunRecorded event in the log.';
comment on column analytics.outputs_v1.recorded_at is 'When it was recorded.';
grant usage on schema analytics to ledger_analyst;
grant select on analytics.outputs_v1 to ledger_analyst;
