import pg from 'pg'
import type { TestDatabase } from './database.ts'
import { createSqlSource, type Login } from './sql-source.ts'
import { watchDatabase } from './watched-database.ts'

/** What a request says, by how it is run. */
export const MODES = [
  ['dry', { prefer: 'tx=rollback' }],
  ['real', {}],
] as const
export const [[, DRY], [, REAL]] = MODES
export const MARKER = { 'preference-applied': 'tx=rollback' }

/** A database for the toolkit of services, and what others can see of it. */
export type DryRunShop = Readonly<{
  database: TestDatabase
  /** Owns the schema `shop`, and is no superuser. */
  login: Login
  openPool(options?: pg.PoolConfig): pg.Pool
  /**
   * All that others can see, and where it stands. Rows that were written and undone are counted as
   * written, and leave versions that nobody sees: VACUUM takes them away.
   */
  seen(): Promise<unknown>
  /** The ids of what was added to the nine orders that are there. */
  newOrders(): Promise<readonly number[]>
  /** Takes away what was added. */
  reset(): Promise<void>
  drop(): Promise<void>
}>

const SCHEMA = `
  create table shop.orders (id int primary key, word text not null);
  insert into shop.orders select n, 'order ' || n from generate_series(1, 9) n;
  create table shop.notes (
    order_id int references shop.orders deferrable initially deferred,
    note text unique deferrable initially deferred);
  insert into shop.notes values (1, 'first');
  create sequence shop.numbers;
  create function shop.note(text) returns void language sql
    as 'insert into shop.notes values (2, $1)';
  create procedure shop.settle() language plpgsql as
    $$ begin insert into shop.orders values (10, 'settled'); commit; end $$;
  create function shop.forbid() returns trigger language plpgsql as
    $$ begin raise 'not by the end of the day'; end $$;
  create constraint trigger late after update on shop.notes deferrable initially deferred
    for each row execute function shop.forbid()`

/** A statement that adds an order: one with an id over nine. */
export const order = (id: number): string => `insert into shop.orders values (${id}, 'a new one')`

export async function openDryRunShop(): Promise<DryRunShop> {
  const source = await createSqlSource()
  const { database } = source
  const login = await source.login()
  await database.query(`create schema shop authorization ${login.name}`)
  const owner = new pg.Client(login.url)
  await owner.connect()
  await owner.query(SCHEMA)
  await owner.end()
  const watch = watchDatabase(database)
  return {
    database,
    login,
    openPool: (options = {}) => new pg.Pool({ connectionString: login.url, ...options }),
    async seen() {
      await database.query('vacuum (freeze) shop.orders, shop.notes')
      const { 'counts of written rows': _, ...rest } = await watch.look()
      return rest
    },
    async newOrders() {
      const sql = 'select id from shop.orders where id > 9 order by id'
      return (await database.query<{ id: number }>(sql)).map((it) => it.id)
    },
    async reset() {
      await database.query('delete from shop.orders where id > 9')
    },
    drop: () => source.drop(),
  }
}
