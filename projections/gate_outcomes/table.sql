-- One row per event, its gates in the order of judging: [[gate, rule, outcome, revision]].
create table rm_gate_outcomes_v2.gate_outcomes (
  position         bigint primary key,
  event_id         uuid not null,
  event_type       text not null,
  dispatch_id      uuid not null,
  rule_set         int not null,
  control_revision int not null,
  gates            json not null,
  recorded_at      timestamptz(3) not null
);

create or replace view analytics.gate_outcomes_v1 as
select e.event_id, e.event_type, e.dispatch_id, g.place::int as place, g.it ->> 0 as gate,
  (g.it ->> 1)::int as rule, g.it ->> 2 as outcome, (g.it ->> 3)::int as revision,
  e.rule_set, e.control_revision, e.position, e.recorded_at
from rm_gate_outcomes_v2.gate_outcomes e
cross join lateral json_array_elements(e.gates) with ordinality as g(it, place);

comment on view analytics.gate_outcomes_v1 is 'One row per gate per event: what each gate said in the judgement that an event rests on.';
comment on column analytics.gate_outcomes_v1.event_id is 'Id of the event.';
comment on column analytics.gate_outcomes_v1.event_type is 'Planned, PreflightPassed, DryRunRecorded or Refused.';
comment on column analytics.gate_outcomes_v1.dispatch_id is 'UUIDv8 of the digest of the command.';
comment on column analytics.gate_outcomes_v1.place is 'Place of the gate in the order of judging, from 1.';
comment on column analytics.gate_outcomes_v1.gate is 'Name of the gate.';
comment on column analytics.gate_outcomes_v1.rule is 'Rule of the safety contract that the gate keeps, 0 to 9.';
comment on column analytics.gate_outcomes_v1.outcome is 'pass, fail, indeterminate or not_evaluated; only all-pass proceeds.';
comment on column analytics.gate_outcomes_v1.revision is 'Revision of the control event that decided; null where none did.';
comment on column analytics.gate_outcomes_v1.rule_set is 'Number of the rule set that judged.';
comment on column analytics.gate_outcomes_v1.control_revision is 'Revision of the control stream it was judged at; -1 while control was empty.';
comment on column analytics.gate_outcomes_v1.position is 'Position of the event in the log.';
comment on column analytics.gate_outcomes_v1.recorded_at is 'When the event was recorded.';
grant usage on schema analytics to ledger_analyst;
grant select on analytics.gate_outcomes_v1 to ledger_analyst;
