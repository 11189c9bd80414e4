import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Client, transact } from '../../src/dry-run/index.ts'
import {
  DRY,
  type DryRunShop,
  MARKER,
  MODES,
  openDryRunShop,
  order,
  REAL,
} from '../support/dry-run-shop.ts'
import { listening } from '../support/http-service.ts'
import { createListener } from '../support/listener.ts'

let shop: DryRunShop
let pool: pg.Pool
beforeAll(async () => {
  shop = await openDryRunShop()
})
afterAll(() => shop.drop())
beforeEach(() => {
  pool = shop.openPool()
})
afterEach(async () => {
  await pool.end()
  await shop.reset()
})

const dryRunOf = (sql: string) => transact(pool, DRY, (db) => db.query(sql))

describe('a request is a dry run that prefers', () => {
  it.each([
    ['tx=rollback'],
    ['respond-async, tx=rollback, wait=10'],
    ['tx=commit, tx=rollback'],
    ['tx=rollback, tx=commit'],
    ['\t tx=rollback \t,,'],
    ['note="a, b", tx=rollback'],
    ['note="\\"", tx=rollback'],
    [['return=minimal', 'tx=rollback']],
    // What is not understood would be committed, so it is read as RFC 7240 lets it be written.
    ['TX=rollback'],
    ['tx=Rollback'],
    ['tx="rollback"'],
    ['tx = rollback'],
    ['tx=rollback; now'],
    [['note="a', 'tx=rollback']],
  ])('%j', async (prefer) => {
    const { headers, outcome } = await transact(pool, { prefer }, (db) => db.query(order(10)))
    expect([headers, outcome.status]).toEqual([MARKER, 'fulfilled'])
    expect(await shop.newOrders()).toEqual([])
  })
})

describe('a request is a real one that says', () => {
  it.each([
    [{}],
    [{ prefer: undefined }],
    [{ prefer: '' }],
    [{ prefer: 'tx=commit' }],
    [{ prefer: 'return=minimal, wait=10' }],
    [{ prefer: 'tx=rollbacks' }],
    [{ prefer: 'no-tx=rollback' }],
    [{ prefer: 'note=1; tx=rollback' }],
    [{ prefer: 'note="never ended, tx=rollback' }],
    [{ prefer: '"tx=rollback"' }],
    [{ prefer: 'note="a, tx=rollback, b"' }],
    [{ prefer: 'note="a\\", tx=rollback, b"' }],
    [{ 'preference-applied': 'tx=rollback' }],
  ])('%j', async (request) => {
    const { headers, outcome } = await transact(pool, request, (db) => db.query(order(10)))
    expect([headers, outcome.status]).toEqual([{}, 'fulfilled'])
    expect(await shop.newOrders()).toEqual([10])
  })
})

describe('a dry run', () => {
  it.each([
    ['an insert', order(10)],
    ['an update', `update shop.orders set word = 'another'`],
    ['a delete', 'delete from shop.orders where id > 1'],
    ['a lock on a row', 'select from shop.orders for update'],
    ['an emptied table', 'truncate shop.orders, shop.notes'],
    ['a function that writes', `select shop.note('second')`],
    ['several statements', `${order(10)}; delete from shop.notes; ${order(11)}`],
    ['a COPY that was read', `${order(10)}; copy shop.orders to stdout`],
    ['a cursor', `${order(10)}; declare it cursor with hold for select 1; fetch it`],
    ['a table', 'create table shop.more as select * from shop.orders'],
    ['a table less', 'drop table shop.orders cascade'],
    ['a column', 'alter table shop.orders add column more text default now()'],
    ['a function less', 'drop function shop.note'],
    ['a large object', `select lo_from_bytea(4242, 'large')`],
    ['a lock of the transaction', 'select pg_advisory_xact_lock(7)'],
    ['a savepoint', `savepoint a; ${order(10)}; release a`],
    ['a savepoint gone back to', `savepoint a; ${order(10)}; rollback to a; ${order(11)}`],
  ])('leaves nothing of %s', async (_what, sql) => {
    const before = await shop.seen()
    const { headers, outcome } = await dryRunOf(sql)
    expect([headers, outcome.status]).toEqual([MARKER, 'fulfilled'])
    expect(await shop.seen()).toEqual(before)
  })

  it.each([
    ['a row that is there already', '23505', order(1)],
    ['a row without what it needs', '23502', 'insert into shop.orders values (10)'],
    ['an error after a write', '22012', `${order(10)}; select 1 / 0`],
    ['a COPY that was given nothing', '57014', `${order(10)}; copy shop.orders from stdin`],
    ['a procedure that commits', '2D000', 'call shop.settle()'],
    ['a block that commits', '2D000', `do $$ begin ${order(10)}; commit; end $$`],
    ['a session made as new', '25001', `${order(10)}; discard all`],
    ['a savepoint of another', '3B001', `${order(10)}; release dry_run`],
  ])('leaves nothing of %s, and says which error it was', async (_what, code, sql) => {
    const before = await shop.seen()
    expect(await dryRunOf(sql)).toMatchObject({
      headers: MARKER,
      outcome: { status: 'rejected', reason: { code } },
    })
    expect(await shop.seen()).toEqual(before)
  })

  it('gives what the work gave, which saw what it had written', async () => {
    const { outcome } = await transact(pool, DRY, async (db) => {
      await db.query(order(10))
      return (await db.query('select word from shop.orders where id = 10')).rows
    })
    expect(outcome).toEqual({ status: 'fulfilled', value: [{ word: 'a new one' }] })
  })

  it('leaves its session as it was', async () => {
    const settings = 'select name, setting from pg_settings order by name'
    const before = (await pool.query(settings)).rows
    await dryRunOf(`set session characteristics as transaction read only; set work_mem = '1MB'`)
    expect((await pool.query(settings)).rows).toEqual(before)
  })

  it('tells nobody what it notifies', async () => {
    const listener = await createListener(shop.login, 'orders')
    await dryRunOf(`notify orders, 'dry'`)
    await transact(pool, REAL, (db) => db.query(`notify orders, 'real'`))
    expect(await listener.heard()).toEqual(['real'])
    await listener.end()
  })
})

describe.each(MODES)('a %s run', (_mode, request) => {
  it.each([
    ['a deferred foreign key', '23503', `insert into shop.notes values (99, 'of nothing')`],
    ['a deferred unique constraint', '23505', `insert into shop.notes values (2, 'first')`],
    ['a deferred trigger', 'P0001', `update shop.notes set note = 'other'`],
    ['what it deferred itself', '23503', 'set constraints all deferred; delete from shop.orders'],
  ])('fails by %s', async (_what, code, sql) => {
    const before = await shop.seen()
    const { outcome } = await transact(pool, request, (db) => db.query(sql))
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code } })
    expect(await shop.seen()).toEqual(before)
  })

  it('fails where the work kept an error to itself', async () => {
    const { outcome } = await transact(pool, request, async (db) => {
      await db.query(order(10))
      await db.query('select 1 / 0').catch(() => undefined)
      return 'all is well'
    })
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '25P02' } })
    expect(await shop.newOrders()).toEqual([])
  })

  it('goes on after an error that the work undid', async () => {
    const { outcome } = await transact(pool, request, async (db) => {
      await db.query('savepoint a')
      await db.query('select 1 / 0').catch(() => db.query('rollback to a'))
      return 'all is well'
    })
    expect(outcome).toEqual({ status: 'fulfilled', value: 'all is well' })
  })

  it.each([
    ['at once', false],
    ['later', true],
  ])('keeps nothing of work that throws %s, and gives what was thrown', async (_when, isLater) => {
    const thrown = new RangeError('by the work')
    const { outcome } = await transact(pool, request, (db) => {
      if (!isLater) throw thrown
      return db.query(order(10)).then(() => Promise.reject(thrown))
    })
    expect(outcome.status === 'rejected' && outcome.reason).toBe(thrown)
    expect(await shop.newOrders()).toEqual([])
  })
})

it.each([
  ['its isolation', 'set transaction isolation level serializable'],
  ['a snapshot to share', 'select pg_export_snapshot()'],
])('the work that asks for %s ends alike, dry or real', async (_what, sql) => {
  const [dry, real] = await Promise.all(
    MODES.map(([, request]) => transact(pool, request, (db) => db.query(sql))),
  )
  expect(dry?.outcome.status).toBe(real?.outcome.status)
})

/** The documents say that what left the transaction stays. */
describe('not undone by a dry run', () => {
  it('is a number that it took from a sequence', async () => {
    const next = `select nextval('shop.numbers')::int as n`
    await pool.query(`select setval('shop.numbers', 40)`)
    await dryRunOf(next)
    expect((await pool.query(next)).rows).toEqual([{ n: 42 }])
  })

  it('is what it wrote on another connection, or through another pool', async () => {
    const other = shop.openPool()
    const { headers } = await transact(pool, DRY, async () => {
      await pool.query(order(10))
      await other.query(order(11))
    })
    await other.end()
    expect(headers).toEqual(MARKER)
    expect(await shop.newOrders()).toEqual([10, 11])
  })

  it('is a lock of its session', async () => {
    await dryRunOf('select pg_advisory_lock(7)')
    const { rows } = await pool.query('select pg_advisory_unlock(7) as held')
    expect(rows).toEqual([{ held: true }])
  })
})

describe('a service of node:http', () => {
  const STATEMENTS: Readonly<Record<string, string>> = {
    '/add': order(10),
    '/again': order(1),
    '/end': `${order(11)}; commit`,
  }
  let service: Awaited<ReturnType<typeof listening>>
  beforeAll(async () => {
    const server = createServer((request, response) => {
      const work = (db: Client) => db.query(STATEMENTS[request.url ?? ''] ?? '')
      transact(pool, request.headers, work).then(
        ({ headers, outcome }) =>
          response.writeHead(outcome.status === 'fulfilled' ? 200 : 409, headers).end(),
        () => response.writeHead(500).end(),
      )
    })
    service = await listening(server)
  })
  afterAll(() => service.close())

  /** Each text of a list is sent as a line of its own. */
  async function asked(path: string, headers: Record<string, string | string[]> = {}) {
    const sent = get(`http://127.0.0.1:${service.port}${path}`, { headers })
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.resume()
    return [answer.statusCode, answer.headers['preference-applied']]
  }

  it('keeps its word', async () => {
    expect(await asked('/add', DRY)).toEqual([200, 'tx=rollback'])
    expect(await asked('/again', DRY)).toEqual([409, 'tx=rollback'])
    expect(await shop.newOrders()).toEqual([])
    expect(await asked('/end', DRY)).toEqual([500, undefined])
    expect(await asked('/add')).toEqual([200, undefined])
    expect(await shop.newOrders()).toEqual([10, 11])
  })

  it('finds the preference in any of several lines', async () => {
    const dry = { PREFER: ['return=minimal', 'wait=10, tx=rollback'] }
    expect(await asked('/add', dry)).toEqual([200, 'tx=rollback'])
    const real = { Prefer: ['return=minimal', '"tx=rollback"'] }
    expect(await asked('/add', real)).toEqual([200, undefined])
    expect(await shop.newOrders()).toEqual([10])
  })
})
