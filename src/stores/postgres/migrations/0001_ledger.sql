-- Up Migration

-- Roles belong to the cluster and may be there already. None of them can log in.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['ledger_owner', 'ledger_writer', 'ledger_projector', 'ledger_analyst'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin', role_name);
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
  -- Since 16, whoever makes a role may grant it but not act as it.
  if current_setting('server_version_num')::int >= 160000 then
    if not (pg_has_role(current_user, 'ledger_owner', 'set') and pg_has_role(current_user, 'ledger_owner', 'usage')) then
      execute format('grant ledger_owner to %I with inherit true, set true', current_user);
    end if;
  elsif not pg_has_role(current_user, 'ledger_owner', 'member') then
    execute format('grant ledger_owner to %I', current_user);
  end if;
  execute format('grant create on database %I to ledger_owner, ledger_projector', current_database());
end $$;

alter schema ledger owner to ledger_owner;
set local role ledger_owner;
revoke all on schema ledger from public;
grant usage on schema ledger to ledger_writer, ledger_projector;

-- The log. One row is one commit: what one append wrote. Text keeps the exact bytes of the events.
create table ledger.commits (
  position    bigint primary key check (position > 0),
  stream      text collate "C" not null,
  revision    int not null check (revision >= 0),
  count       int not null check (count > 0),
  call_id     uuid not null,
  recorded_at timestamptz(3) not null,
  events      text not null,
  unique (stream, revision)
);
comment on table ledger.commits is 'The log, one row per append. Written by ledger.append alone; never changed, never removed.';
comment on column ledger.commits.position is 'Position of the last event of this commit. Positions only order.';
comment on column ledger.commits.revision is 'Revision of the first event of this commit in its stream.';
comment on column ledger.commits.call_id is 'Drawn once per call: the same one at the same place is the same append.';
comment on column ledger.commits.events is 'JSON array of { id, type, data, metadata: { schemaVersion, correlationId, actor } }, exact text.';

-- The bundled server is built without lz4; where it exists it halves the cost of an append.
do $$ begin
  alter table ledger.commits alter column events set compression lz4;
exception when feature_not_supported then null;
end $$;

-- The tip of the log, one row. Whoever appends locks it, so commit order is position order.
create table ledger.head (
  position         bigint not null,
  control_revision int not null,
  control_event_id uuid,
  recorded_at      timestamptz(3)
);
create unique index head_is_one_row on ledger.head ((true));
insert into ledger.head values (0, -1, null, null);
comment on table ledger.head is 'The tip of the log and of the stream control. Written by ledger.append alone.';

create function ledger.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% on %.% is refused: the log is append-only', tg_op, tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete or truncate on ledger.commits
  for each statement execute function ledger.refuse_change();
create trigger one_row_for_ever before insert or delete or truncate on ledger.head
  for each statement execute function ledger.refuse_change();

-- Appends each request that is where it believes to be. Per request, in this order:
--   appended  the commit at expected + 1 is of this very call (its position is given again), or it went in now
--   conflict  the stream is not at the expected revision
--   stale     a control event came after the control revision it was judged at
-- One request's conflict never harms another. At most one request per stream, and an append to
-- `control` comes alone: the others of its statement would be judged by what it just changed.
create function ledger.append(
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
  if exists (select from unnest(bodies, counts) as r(body, count)
      where json_array_length(r.body::json) <> r.count) then
    raise exception 'an append holds another number of events than it says';
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
comment on function ledger.append is 'The only way into the log.';

-- The commits of streams after a revision, and the tip of control, in one snapshot. A stream
-- without such commits gives one row of nulls, so that the tip is always there.
create function ledger.load(streams text[], after int[]) returns table (
  ordinal bigint, control_revision int, control_event_id uuid,
  "position" bigint, stream text, revision int, count int, call_id uuid, recorded_at timestamptz, events text
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select r.ordinal, h.control_revision, h.control_event_id,
    c.position, r.stream, c.revision, c.count, c.call_id, c.recorded_at, c.events
  from unnest(streams, after) with ordinality as r(stream, after, ordinal)
  cross join ledger.head h
  left join lateral (
    select * from ledger.commits
    where commits.stream = r.stream
      and commits.revision >= coalesce((select m.revision from ledger.commits m
        where m.stream = r.stream and m.revision <= r.after + 1 order by m.revision desc limit 1), 0)
      and commits.revision + commits.count - 1 > r.after
  ) c on true
  order by r.ordinal, c.revision
$$;

create view ledger.events as
select
  (e.value ->> 'id')::uuid as id,
  c.stream,
  c.revision + e.ordinality::int - 1 as revision,
  c.position - c.count + e.ordinality as position,
  e.value ->> 'type' as type,
  c.recorded_at,
  e.value -> 'data' as data,
  e.value -> 'metadata' ->> 'actor' as actor,
  e.value -> 'metadata' ->> 'correlationId' as correlation_id,
  (e.value -> 'metadata' ->> 'schemaVersion')::int as schema_version,
  c.call_id
from ledger.commits c
cross join lateral json_array_elements(c.events::json) with ordinality as e(value, ordinality);
comment on view ledger.events is 'One row per event of the log.';

revoke all on function ledger.append, ledger.load, ledger.refuse_change from public;
grant execute on function ledger.append, ledger.load to ledger_writer;
grant select on ledger.commits, ledger.head, ledger.events to ledger_writer, ledger_projector;

-- Access keys. The secret is 256 random bits, kept as its sha256; writing is the owner's.
create table ledger.access_keys (
  id                 text primary key check (id ~ '^[a-z0-9]{12}$'),
  name               text not null check (length(name) between 1 and 100),
  secret_sha256      bytea not null check (length(secret_sha256) = 32),
  scopes             text[] not null,
  namespace_prefixes text[] not null default '{}',
  created_at         timestamptz(3) not null default clock_timestamp(),
  expires_at         timestamptz(3),
  revoked_at         timestamptz(3)
);
comment on table ledger.access_keys is 'Who may call. Secrets are hashed; namespace_prefixes match by whole segments.';
grant select on ledger.access_keys to ledger_writer;

reset role;
grant select on ledger.migrations to ledger_writer;
