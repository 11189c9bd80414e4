import { lookAtSource } from '../../src/executors/sql-read/examine-source.ts'
import type { SqlSource } from './sql-source.ts'

/** Extensions that can leave the database, run SQL text, read files or change pages. */
const TOOLS = `dblink tablefunc xml2 postgres_fdw file_fdw lo pg_prewarm pgstattuple pageinspect
  pg_surgery pg_visibility pg_buffercache pgrowlocks amcheck tsm_system_time`
  .split(/\s+/)
  .map((name) => `create extension ${name} schema tools;`)
  .join('\n')

/** Reading what the owner hung something onto: the SQL judge sees a relation, and no more. */
const VIEWS = `
  create view shop.noting as select shop.note() as id;
  create view shop.minding as select shop.note_as_owner() as id;
  create view shop.numbering as select nextval('shop.numbers') as number;
  create view shop.telling as select pg_notify('corpus', 'told')::text as told;
  create view shop.locking as select pg_advisory_lock(42)::text as locked;
  create view shop.sleeping as select pg_sleep(60)::text as slept;
  create view shop.storing as select lo_create(0) as id;
  create view shop.unlimiting as select set_config('statement_timeout', '0', false) as timeout;
  create view shop.unmarking as select set_config('dispatch_ledger.canary', '', false) as canary;
  create view shop.unlocking as select set_config('transaction_read_only', 'off', false) as off;
  create view shop.counting as select pg_current_xact_id()::text as xid;
  create view shop.messaging as select pg_logical_emit_message(true, 'corpus', 'x')::text as lsn;
  create view shop.ending as select shop.end_transaction() as ended;
`

/** A schema that somebody owns who thinks nothing of it: functions that write, in many disguises. */
const SHOP = `
  create schema tools;
  ${TOOLS}
  create schema shop;
  create table shop.orders (id int primary key, word text not null, paid boolean not null);
  insert into shop.orders select n, 'order ' || n, n % 2 = 0 from generate_series(1, 50) n;
  create sequence shop.numbers;
  select lo_from_bytea(4242, 'a large object');

  create function shop.note() returns int language sql
    begin atomic insert into shop.orders values (0, 'noted', false) returning id; end;
  create function shop.note_as_owner() returns int language plpgsql security definer as
    'begin insert into shop.orders values (-1, ''noted'', false); return 1; end';
  create function shop.end_transaction() returns int language plpgsql as
    'begin commit; return 1; end';
  create procedure shop.commit_between() language plpgsql as
    'begin insert into shop.orders values (-2, ''noted'', false); commit; end';
  create function shop.add(int, int) returns int language plpgsql as
    'begin perform shop.note_as_owner(); return $1 + $2; end';
  create operator shop.+ (leftarg = int, rightarg = int, function = shop.add);
  create function shop.is_fine(int) returns boolean language plpgsql as
    'begin perform shop.note_as_owner(); return true; end';
  create domain shop.fine as int check (shop.is_fine(value));
  create collation shop.plain (provider = builtin, locale = 'C');

  create type shop.mood as enum ('good', 'bad');
  create function shop.mood_as_json(shop.mood) returns json language plpgsql as
    'begin perform shop.note_as_owner(); return ''1''; end';
  create cast (shop.mood as json) with function shop.mood_as_json(shop.mood);
  create table shop.moods (mood shop.mood);
  insert into shop.moods values ('good');
  create function shop.remember(shop.moods) returns int language sql return shop.note_as_owner();

  create table shop.guarded (id int);
  insert into shop.guarded values (1);
  alter table shop.guarded enable row level security;
  create policy guard on shop.guarded using (shop.is_fine(id));
  ${VIEWS}
`

/** Made after the reader has its privileges: what lies in another place it may not even read. */
const FAR = `
  create schema far;
  create server files foreign data wrapper file_fdw;
  create foreign table far.file (line text) server files options (filename 'postgresql.conf');
  create foreign table far.program (line text) server files options (program 'true');
  create server elsewhere foreign data wrapper postgres_fdw;
  create user mapping for public server elsewhere;
  create foreign table far.orders (id int) server elsewhere options (schema_name 'shop');
`

/** The login that reads the shop, in a database that has all the tools to do more. */
export async function createHostileShop(source: SqlSource) {
  await source.database.query(SHOP)
  // As doctor --sql has it: a login that may call these is refused, whatever it asks.
  const { habits } = await lookAtSource(source.database.ownerUrl)
  const leaving = habits?.leaving ?? []
  const reader = await source.reader('shop')
  await source.database.query(FAR)
  await source.database.query(
    leaving.map((it) => `revoke execute on function ${it} from public;`).join('\n'),
  )
  await source.database.query(`grant usage on schema tools, far to ${reader.name}`)
  return reader
}
