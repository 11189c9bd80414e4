-- Up Migration

-- Who may read what was read. Nobody logs in as it: CREATE ROLE … LOGIN IN ROLE ledger_auditor.
do $$ begin
  create role ledger_auditor nologin;
exception when duplicate_object or unique_violation then null;
end $$;

set local role ledger_owner;
grant usage on schema ledger to ledger_auditor;
grant select on ledger.events to ledger_auditor;

alter table ledger.access_keys
  add column created_by   text not null default 'owner',
  add column revoked_by   text,
  add column last_used_at timestamptz(3);
comment on column ledger.access_keys.created_by is 'key:<id> of the key that made it, or owner: made at the database.';
comment on column ledger.access_keys.last_used_at is 'Written at most once a minute by each server, and when it stops.';

-- What a key may do is settled when it is made. Two things happen to it later: it is used, and it is
-- revoked, once and for ever. It is never removed, so every actor of the log keeps its name.
create function ledger.keep_key() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    if (new.id, new.name, new.secret_sha256, new.scopes, new.namespace_prefixes, new.created_at, new.created_by, new.expires_at)
        is not distinct from
        (old.id, old.name, old.secret_sha256, old.scopes, old.namespace_prefixes, old.created_at, old.created_by, old.expires_at)
      and (old.revoked_at is null
        or (new.revoked_at, new.revoked_by) is not distinct from (old.revoked_at, old.revoked_by))
      and (old.last_used_at is null or coalesce(new.last_used_at >= old.last_used_at, false)) then
      return new;
    end if;
  end if;
  raise exception '% on ledger.access_keys is refused: a key is never changed, revoke it and make another', tg_op
    using errcode = 'insufficient_privilege';
end $$;
create trigger settled before update on ledger.access_keys
  for each row execute function ledger.keep_key();
create trigger never_removed before delete or truncate on ledger.access_keys
  for each statement execute function ledger.keep_key();

create function ledger.create_key(
  id text, name text, secret_sha256 bytea, scopes text[], namespace_prefixes text[], expires_at timestamptz, created_by text
) returns setof ledger.access_keys
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into ledger.access_keys (id, name, secret_sha256, scopes, namespace_prefixes, expires_at, created_by)
  values ($1, $2, $3, $4, $5, $6, $7) returning *
$$;
comment on function ledger.create_key is 'Makes a key. Its text is hashed before it comes here.';

create function ledger.revoke_key(id text, revoked_by text) returns setof ledger.access_keys
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  update ledger.access_keys k set
    revoked_at = coalesce(k.revoked_at, clock_timestamp()),
    revoked_by = case when k.revoked_at is null then $2 else k.revoked_by end
  where k.id = $1 returning *
$$;
comment on function ledger.revoke_key is 'Revokes a key for ever. The first time counts; an unknown id gives no row.';

-- Rows are locked in one order: two servers that write at the same moment wait, and never deadlock.
create function ledger.touch_keys(ids text[], used_at timestamptz[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  with used as materialized (
    select k.id, least(u.used_at, clock_timestamp()) as used_at
    from ledger.access_keys k join unnest($1, $2) as u(id, used_at) on u.id = k.id
    order by k.id for no key update of k
  )
  update ledger.access_keys k set last_used_at = greatest(k.last_used_at, used.used_at)
  from used where k.id = used.id
$$;
comment on function ledger.touch_keys is 'Notes when keys were last used; an earlier time than the known one changes nothing.';

-- Who read the log, and which part. A row is written before the first byte of an answer is sent.
create table ledger.access_log (
  id             bigint generated always as identity primary key,
  at             timestamptz(3) not null default clock_timestamp(),
  actor          text not null,
  call_id        uuid not null,
  route          text not null,
  asked          text not null,
  after_position bigint not null,
  until_position bigint,
  count          int
);
comment on table ledger.access_log is 'Reads and exports of events, one row each. Written by ledger.log_access alone; never changed, never removed.';
comment on column ledger.access_log.actor is 'key:<id>, as in the metadata of events.';
comment on column ledger.access_log.route is 'The route, and in which form it answered.';
comment on column ledger.access_log.asked is 'The query as it was sent, a JSON object as text.';
comment on column ledger.access_log.after_position is 'Only later events were read.';
comment on column ledger.access_log.until_position is 'No later event was read; null for a live tail, which has no end.';
comment on column ledger.access_log.count is 'How many events; null where the answer is streamed.';
create trigger append_only before update or delete or truncate on ledger.access_log
  for each statement execute function ledger.refuse_change();
grant select on ledger.access_log to ledger_auditor;

create function ledger.log_access(
  actor text, call_id uuid, route text, asked text, after_position bigint, until_position bigint, count int
) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into ledger.access_log (actor, call_id, route, asked, after_position, until_position, count)
  values ($1, $2, $3, $4, $5, $6, $7)
$$;
comment on function ledger.log_access is 'The only way into the access log.';

revoke all on function ledger.keep_key, ledger.create_key, ledger.revoke_key, ledger.touch_keys, ledger.log_access from public;
grant execute on function ledger.create_key, ledger.revoke_key, ledger.touch_keys, ledger.log_access to ledger_writer;

reset role;
