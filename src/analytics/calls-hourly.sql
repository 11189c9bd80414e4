create view analytics.calls_hourly_v1 as
select hour, contract_id, mode, outcome, code, appended, sum(calls)::bigint as calls
from ledger.calls_hourly
group by hour, contract_id, mode, outcome, code, appended;

comment on view analytics.calls_hourly_v1 is 'How many dispatch calls were answered with what, per hour: also those that wrote no event. Servers write every 5 s; one that is killed loses what it counted since.';
comment on column analytics.calls_hourly_v1.hour is 'Start of the hour, by the clock of the server that answered.';
comment on column analytics.calls_hourly_v1.contract_id is 'Id of the contract that was asked for; empty where none of that id is registered, and beyond 10,000 rows of one server in one hour.';
comment on column analytics.calls_hourly_v1.mode is 'PLAN_ONLY, VERIFY_ONLY, DRY_RUN or REAL_RUN, as asked for.';
comment on column analytics.calls_hourly_v1.outcome is 'created, advanced, replayed or refused; error where nothing could be judged or recorded.';
comment on column analytics.calls_hourly_v1.code is 'Code of the refusal or of the error; empty where there was none.';
comment on column analytics.calls_hourly_v1.appended is 'What the calls left in the log: events, none (a replay, a refusal that equals a recorded one or was not stored), or unknown where the store did not say.';
comment on column analytics.calls_hourly_v1.calls is 'How many calls.';
grant usage on schema analytics to ledger_analyst;
grant select on analytics.calls_hourly_v1 to ledger_analyst;
