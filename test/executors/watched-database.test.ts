import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type DatabaseWatch, watchDatabase } from '../support/watched-database.ts'

let database: TestDatabase
let watch: DatabaseWatch
beforeAll(async () => {
  database = await createDatabase()
  await database.query(`
    create schema shop;
    create table shop.orders (id int primary key, word text);
    insert into shop.orders select n, 'order ' || n from generate_series(1, 9) n;
    create sequence shop.numbers;
    create function shop.one() returns int language sql return 1;
    select lo_from_bytea(4242, 'a large object')`)
  watch = watchDatabase(database)
})
afterAll(() => database.drop())

async function changedBy(change: () => Promise<unknown>): Promise<readonly string[]> {
  const before = await watch.look()
  const digest = await watch.digest()
  await change()
  const after = await watch.look()
  const changed = Object.keys({ ...before, ...after }).filter((it) => before[it] !== after[it])
  expect((await watch.digest()) === digest).toBe(changed.length === 0)
  return changed
}

const ROWS = 'rows of shop.orders'

/** Not seen because this server has none: prepared transactions and logical replication slots. */
const WRITES: readonly (readonly [what: string, sql: string, where: string])[] = [
  ['a row more', `insert into shop.orders values (10, 'x')`, ROWS],
  ['a row less', 'delete from shop.orders where id = 10', ROWS],
  ['a row written as it was', 'update shop.orders set word = word where id = 1', ROWS],
  ['a row that was locked', 'select from shop.orders where id = 1 for update', ROWS],
  [
    'a write that was rolled back',
    `begin; insert into shop.orders values (11, 'x'); rollback`,
    'counts of written rows',
  ],
  ['a sequence', `select nextval('shop.numbers')`, 'sequence shop.numbers'],
  [
    'a number taken and rolled back',
    `begin; select setval('shop.numbers', 40); rollback; select nextval('shop.numbers')`,
    'sequence shop.numbers',
  ],
  ['a large object', 'select lo_create(4243)', 'large objects'],
  ['its contents', `select lo_put(4242, 0, 'A')`, 'contents of large objects'],
  ['an empty large object gone', 'select lo_unlink(4243)', 'large objects'],
  ['a table', 'create table shop.more (id int)', 'relations'],
  ['a privilege', 'grant select on shop.orders to public', 'relations'],
  ['a column', 'alter table shop.more add column word text', 'columns'],
  [
    'a function',
    'create or replace function shop.one() returns int language sql return 2',
    'functions',
  ],
  ['a schema', 'create schema more', 'schemas'],
  ['a type', `create type shop.mood as enum ('good')`, 'types'],
  ['a view', 'create view shop.words as select word from shop.orders', 'rules'],
  [
    'a trigger',
    'create trigger same before update on shop.orders for each row execute function suppress_redundant_updates_trigger()',
    'triggers',
  ],
  ['a constraint', 'alter table shop.orders add check (id > 0)', 'constraints'],
  ['a policy', 'create policy all_rows on shop.orders using (true)', 'policies'],
  ['an extension', 'create extension tablefunc schema shop', 'extensions'],
  ['a comment', `comment on table shop.orders is 'x'`, 'comments'],
  [
    'a default privilege',
    'alter default privileges grant select on tables to public',
    'default privileges',
  ],
  [
    'a foreign server',
    'create foreign data wrapper far; create server far foreign data wrapper far',
    'foreign servers',
  ],
]

describe('the watch over a database', () => {
  it('sees nothing where nothing but reading happened', async () => {
    const read = () => database.query('select count(*) from shop.orders; select shop.one()')
    expect(await changedBy(read)).toEqual([])
  })

  it.each(WRITES)('sees %s', async (_what, sql, where) => {
    expect(await changedBy(() => database.query(sql))).toContain(where)
  })

  it('sees a setting of the database', async () => {
    const name = new URL(database.ownerUrl).pathname.slice(1)
    const set = () => database.admin(`alter database ${name} set work_mem = '5MB'`)
    expect(await changedBy(set)).toEqual(['settings of the database'])
  })

  it('sees an advisory lock for as long as it is held', async () => {
    const holder = new pg.Client({ connectionString: database.runtimeUrl })
    await holder.connect()
    const before = await watch.digest()
    const lock = () => holder.query('select pg_advisory_lock(1)')
    expect(await changedBy(lock)).toEqual(['advisory locks'])
    await holder.query('select pg_advisory_unlock(1)')
    expect(await watch.digest()).toBe(before)
    await holder.end()
  })
})
