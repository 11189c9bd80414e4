-- Up Migration

set local role ledger_owner;

-- lz4 costs a tenth of what an append costs; pglz costs more than the rest of it. Where the server
-- has no lz4 (the bundled one is built without), the text is stored as it is.
do $$ begin
  if (select attcompression = 'l' from pg_attribute
      where attrelid = 'ledger.commits'::regclass and attname = 'events') is not true then
    alter table ledger.commits alter column events set storage external;
  end if;
end $$;

-- Appends each request that is where it believes to be. Per request, in this order:
--   appended  the commit at expected + 1 is of this very call (its position is given again), or it went in now
--   conflict  the stream is not at the expected revision
--   stale     a control event came after the control revision it was judged at
-- One request's conflict never harms another. At most one request per stream, and an append to
-- `control` comes alone: the others of its statement would be judged by what it just changed.
create or replace function ledger.append(
  streams text[], expected int[], counts int[], call_ids uuid[], control_revisions int[], bodies text[]
) returns table (
  ordinal bigint, outcome text, "position" bigint, revision int, control_revision int, recorded_at timestamptz
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  head  ledger.head;
  at    timestamptz(3);
  added bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'ledger.append needs READ COMMITTED, not %', current_setting('transaction_isolation');
  end if;
  if 'control' = any (streams) and cardinality(streams) > 1 then
    raise exception 'an append to control travels alone';
  end if;
  -- Only a refusal lets nothing pass, so only a refusal need not name what it was judged at.
  if exists (select from unnest(streams, control_revisions, bodies) as r(stream, control_revision, body)
      where r.stream <> 'control' and r.control_revision is null
        and exists (select from json_array_elements(r.body::json) e where e ->> 'type' <> 'Refused')) then
    raise exception 'only refusals are appended without a control revision';
  end if;
  -- A statement of its own: what follows sees everything committed before the lock was granted.
  select * into strict head from ledger.head for update;
  at := greatest(head.recorded_at, date_trunc('milliseconds', clock_timestamp()));

  return query
  with request as materialized (
    select r.*,
      (select c.position from ledger.commits c
        where c.stream = r.stream and c.revision = r.expected + 1 and c.call_id = r.call_id) as known,
      coalesce((select c.revision + c.count - 1 from ledger.commits c
        where c.stream = r.stream order by c.revision desc limit 1), -1) as current
    from unnest(streams, expected, counts, call_ids, control_revisions, bodies)
      with ordinality as r(stream, expected, count, call_id, control_revision, body, ordinal)
  ), judged as materialized (
    select request.*, case
      when request.known is not null then 'known'
      when request.current <> request.expected then 'conflict'
      when request.control_revision <> head.control_revision then 'stale'
      else 'new' end as verdict
    from request
  ), fresh as materialized (
    select judged.*, head.position + sum(judged.count) over (order by judged.ordinal) as at_position
    from judged where judged.verdict = 'new'
  ), written as (
    insert into ledger.commits (position, stream, revision, count, call_id, recorded_at, events)
    select fresh.at_position, fresh.stream, fresh.expected + 1, fresh.count, fresh.call_id, at, fresh.body
    from fresh
  ), tip as (
    update ledger.head set
      position = (select max(fresh.at_position) from fresh),
      recorded_at = at,
      control_revision = coalesce(
        (select fresh.expected + fresh.count from fresh where fresh.stream = 'control'), head.control_revision),
      control_event_id = coalesce(
        (select (fresh.body::json -> -1 ->> 'id')::uuid from fresh where fresh.stream = 'control'), head.control_event_id)
    where exists (select from fresh)
  )
  select judged.ordinal,
    case when judged.verdict in ('known', 'new') then 'appended' else judged.verdict end,
    coalesce(judged.known, fresh.at_position)::bigint,
    judged.current,
    head.control_revision,
    coalesce((select c.recorded_at from ledger.commits c where c.position = judged.known), at)
  from judged left join fresh using (ordinal)
  order by judged.ordinal;

  -- One notification per statement, and a hint only: followers poll as well.
  select h.position - head.position into added from ledger.head h;
  if added > 0 then
    perform pg_notify('ledger', '');
  end if;
end $$;

reset role;
