import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSecond, ScriptedExecutor, type SecondServer } from '../support/doubles.ts'
import { catalogueOf, register, retire } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand, sampleTarget } from '../support/sample.ts'

/** `insufficient_privilege`: what Postgres and the append-only triggers answer. */
const DENIED = '42501'

let ledger: TestLedger
let runtime: pg.Client
beforeAll(async () => {
  ledger = await openReadyLedger()
  await ledger.database.query(`
    create schema shop;
    create table shop.orders (id int primary key, word text not null);
    insert into shop.orders select n, 'order ' || n from generate_series(1, 50) n;
    create table public.payments (id int primary key, amount numeric);
    insert into public.payments values (1, 12.50), (2, 0.01);
    create sequence shop.numbers;
  `)
  runtime = new pg.Client({ connectionString: ledger.database.runtimeUrl })
  await runtime.connect()
})
afterAll(async () => {
  await runtime.end()
  await ledger.close()
})

/** Every byte of the business tables, with the transaction that wrote each row and its place. */
const business = () =>
  ledger.database.query(`
    select 'orders' as source, xmin::text, xmax::text, ctid::text, orders::text as row from shop.orders
    union all
    select 'payments', xmin::text, xmax::text, ctid::text, payments::text from public.payments
    union all
    select 'numbers', xmin::text, xmax::text, ctid::text, last_value || ' ' || log_cnt || ' ' || is_called from shop.numbers
    order by 1, 4`)

/** Every table, view and function outside the schemas that the ledger owns. */
const furniture = () =>
  ledger.database.query(`
    select 'relation' as kind, c.oid::text, c.relfilenode::text, n.nspname, c.relname, c.relacl::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('ledger', 'analytics', 'rm_dispatches_v2', 'pg_catalog', 'pg_toast')
    union all
    select 'function', p.oid::text, p.xmin::text, n.nspname, p.proname, p.proacl::text
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname not in ('ledger', 'pg_catalog')
    order by 1, 2`)

describe('rule 4: business tables are never mutated', () => {
  it('every kind of call leaves them byte for byte as they were', async () => {
    const before = { rows: await business(), furniture: await furniture() }
    expect(before.rows).toHaveLength(53)
    const statuses: number[] = []
    for (const mode of ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'REAL_RUN']) {
      const asked = ['say', 'fail', 'throw', 'nothing'].map((word) =>
        sampleCommand({
          occurrence: mode,
          params: word === 'say' ? { say: "'; drop table shop.orders; --" } : { [word]: true },
        }),
      )
      const replies = await Promise.all(asked.map((it) => ledger.dispatch({ ...it, mode })))
      statuses.push(...replies.map((it) => it.status))
    }
    await register(ledger, [sampleTarget(2)])
    await retire(ledger, 'target', 'sample/one', 2)
    await ledger.ask('POST', '/v1/explain', sampleCommand({ target: 'sample/two' }))
    await ledger.dispatch(sampleCommand({ outputNamespace: 'PROD:orders' }))
    expect(new Set(statuses)).toEqual(new Set([201, 403, 422, 502]))
    expect({ rows: await business(), furniture: await furniture() }).toEqual(before)
  })

  it.each([
    'select * from shop.orders',
    'select * from public.payments',
    'insert into public.payments values (3, 1)',
    'update public.payments set amount = 0',
    'delete from public.payments',
    'truncate public.payments',
    'drop table public.payments',
    'alter table public.payments add column stolen int',
    "select nextval('shop.numbers')",
    'create table public.anything (id int)',
    'create function public.anything() returns int language sql as $$ select 1 $$',
    "copy public.payments to program 'cat'",
    "select pg_read_file('PG_VERSION')",
  ])('the login of the server may not: %s', async (text) => {
    await expect(runtime.query(text)).rejects.toMatchObject({ code: DENIED })
  })
})

describe('rule 4: the ledger writes only its own tables, and those only by appending', () => {
  it.each([
    "insert into ledger.commits select 999, 'x', 0, 1, gen_random_uuid(), now(), '[]'",
    "update ledger.commits set events = '[]'",
    'delete from ledger.commits',
    'truncate ledger.commits',
    'update ledger.head set position = 0',
    'delete from ledger.head',
    "update ledger.access_keys set scopes = '{}'",
    "insert into ledger.access_keys (id, name, secret_sha256, scopes) values ('aaaaaaaaaaaa', 'x', sha256('x'), '{}')",
    'delete from ledger.migrations',
    'alter table ledger.commits disable trigger all',
    'drop trigger append_only on ledger.commits',
    'alter table ledger.commits owner to current_user',
    'create table ledger.anything (id int)',
    'create or replace function ledger.load(text[], int[]) returns int language sql as $$ select 1 $$',
    'drop function ledger.append',
    'set role ledger_owner',
    'set session_replication_role = replica',
  ])('the login of the server may not: %s', async (text) => {
    await expect(runtime.query(text)).rejects.toMatchObject({ code: DENIED })
  })

  it('the login of the server has nothing to grant', async () => {
    const acl = `select relname, relacl::text from pg_class where relname in ('commits', 'head')`
    const before = await ledger.database.query(acl)
    await runtime.query('grant all on ledger.commits, ledger.head to public')
    expect(await ledger.database.query(acl)).toEqual(before)
  })

  it.each(['ledger_writer', 'ledger_projector'])('nor may it as %s', async (role) => {
    await runtime.query(`set role ${role}`)
    try {
      for (const text of ['delete from ledger.commits', 'update ledger.head set position = 0']) {
        await expect(runtime.query(text)).rejects.toMatchObject({ code: DENIED })
      }
      const orders = runtime.query('select from shop.orders')
      await expect(orders).rejects.toMatchObject({ code: DENIED })
    } finally {
      await runtime.query('reset role')
    }
  })

  it.each([
    "update ledger.commits set events = '[]'",
    'delete from ledger.commits',
    'truncate ledger.commits',
    'insert into ledger.head values (0, -1, null, null)',
    'delete from ledger.head',
  ])('not even the owner of the database may: %s', async (text) => {
    await expect(ledger.database.query(text)).rejects.toMatchObject({ code: DENIED })
  })
})

describe('rule 4: an executor that could do more than read is never started', () => {
  const executor = new ScriptedExecutor()
  const { manifests, command } = catalogueOf('unsafe')
  let server: SecondServer
  beforeAll(async () => {
    await register(ledger, manifests)
    server = await openSecond(ledger, { executors: executor.registry })
  })
  afterEach(() => executor.reset())
  afterAll(() => server.close())

  it.each([
    ['declares side effects', { sideEffects: 'some' }, 409, 'executor-unsafe'],
    ['is not sure about its side effects', { sideEffects: 'maybe' }, 409, 'executor-unsafe'],
    ['shows no facts', { onFacts: () => null }, 503, 'gate-indeterminate'],
    ['shows facts that are no object', { onFacts: () => 'trust me' }, 503, 'gate-indeterminate'],
  ])('one that %s', async (name, change, status, code) => {
    Object.assign(executor, change)
    const reply = await server.dispatch(command({ occurrence: name.replaceAll(' ', '-') }))
    expect(reply.status).toBe(status)
    expect(reply.body).toMatchObject({ code, rule: 4, stage: 'preflight', reached: 'Planned' })
    expect(executor.runs).toBe(0)
  })

  it('a contract that does not declare sideEffects: none cannot be registered', async () => {
    for (const sideEffects of ['some', '', null, undefined]) {
      const undeclared = catalogueOf('undeclared', { sideEffects: sideEffects as string })
      const { status, body } = await ledger.ask('POST', '/v1/catalogue', {
        manifests: undeclared.manifests,
      })
      expect({ status, code: body.code }).toEqual({ status: 422, code: 'manifest-invalid' })
    }
  })
})
