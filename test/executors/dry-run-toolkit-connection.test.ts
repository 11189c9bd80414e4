import type pg from 'pg'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest'
import { type Client, NotRolledBack, transact } from '../../src/dry-run/index.ts'
import {
  DRY,
  type DryRunShop,
  MARKER,
  MODES,
  openDryRunShop,
  order,
  REAL,
} from '../support/dry-run-shop.ts'
import { until } from '../support/until.ts'

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

type Counts = Readonly<{ total: number; idle: number; waiting: number }>
const counts = (of: pg.Pool): Counts => ({
  total: of.totalCount,
  idle: of.idleCount,
  waiting: of.waitingCount,
})
const ONE_IDLE: Counts = { total: 1, idle: 1, waiting: 0 }
const NONE: Counts = { total: 0, idle: 0, waiting: 0 }

const pidOf = async (db: Pick<Client, 'query'>): Promise<number> =>
  Number((await db.query('select pg_backend_pid() as pid')).rows[0]?.['pid'])

/** A pool of one test's own. */
function openSmall(options: pg.PoolConfig = {}): pg.Pool {
  const small = shop.openPool({ max: 1, ...options })
  onTestFinished(() => small.end())
  return small
}

/** What was thrown and caught by nobody while a test ran: it would end a service. */
function uncaught(): readonly unknown[] {
  const errors: unknown[] = []
  const monitor = (error: unknown) => errors.push(error)
  process.on('uncaughtExceptionMonitor', monitor)
  onTestFinished(() => void process.off('uncaughtExceptionMonitor', monitor))
  return errors
}

describe.each(MODES)('the connection of a %s run', (_mode, request) => {
  it('is given back after success and after failure', async () => {
    const first = await pidOf(pool)
    await transact(pool, request, (db) => db.query(order(10)))
    await transact(pool, request, (db) => db.query(order(1)))
    await transact(pool, request, () => Promise.reject(new Error('by the work')))
    expect(await pidOf(pool)).toBe(first)
    expect(counts(pool)).toEqual(ONE_IDLE)
  })

  it('is given back by work that asked nothing of it', async () => {
    const { outcome } = await transact(pool, request, async () => 7)
    expect(outcome).toEqual({ status: 'fulfilled', value: 7 })
    expect(counts(pool)).toEqual(ONE_IDLE)
  })

  it('has no more listeners after it than before', async () => {
    const listeners = async () => {
      const client = await pool.connect()
      const names = client.eventNames().map((it) => [it, client.listenerCount(it)])
      client.release()
      return names
    }
    const before = await listeners()
    for (let run = 0; run < 12; run++) await transact(pool, request, pidOf)
    expect(await listeners()).toEqual(before)
  })

  it('is waited for, as long as the pool waits', async () => {
    const small = openSmall({ connectionTimeoutMillis: 1_000 })
    const holder = await small.connect()
    const asked: string[] = []
    const ask = async () => asked.push('asked')
    await expect(transact(small, request, ask)).rejects.toThrow('timeout exceeded')
    const waiting = transact(small, request, ask)
    expect(counts(small)).toEqual({ total: 1, idle: 0, waiting: 1 })
    holder.release()
    await waiting
    expect(asked).toEqual(['asked'])
    expect(counts(small)).toEqual(ONE_IDLE)
  })

  it.each([
    ['says so', false],
    ['keeps it to itself', true],
  ])('is destroyed when it breaks, and the work %s', async (_what, isSilent) => {
    const errors = uncaught()
    const broken = transact(pool, request, async (db) => {
      await db.query(order(10))
      const end = db.query('select pg_terminate_backend(pg_backend_pid())')
      await (isSilent ? end.catch(() => undefined) : end)
    })
    await expect(broken).rejects.toThrow()
    expect(counts(pool)).toEqual(NONE)
    expect(await shop.newOrders()).toEqual([])
    expect(await pidOf(pool)).toBeGreaterThan(0)
    expect(errors).toEqual([])
  })

  it('is destroyed when it breaks while the work waits for something else', async () => {
    const errors = uncaught()
    const broken = transact(pool, request, async (db) => {
      await db.query(order(10))
      const pid = await pidOf(db)
      const end = 'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1'
      await until(async () => (await shop.database.query(end, [pid])).length === 0)
    })
    await expect(broken).rejects.toThrow()
    expect(counts(pool)).toEqual(NONE)
    expect(errors).toEqual([])
  })

  it('stays with the work that gives it back itself, so that no other gets it', async () => {
    const small = openSmall()
    const eager = transact(small, request, async (db) => {
      await db.query('select 1')
      db.release()
    })
    const next = transact(small, REAL, (db) => db.query(order(11)))
    const [, ended] = await Promise.allSettled([eager, next])
    expect(ended).toMatchObject({ value: { outcome: { status: 'fulfilled' } } })
    expect(await shop.newOrders()).toEqual([11])
  })
})

describe('work that ends the transaction of a dry run', () => {
  it.each([
    ['commit'],
    ['end'],
    ['rollback'],
    ['abort'],
    ['commit; begin'],
    ['rollback; begin'],
    ['commit and chain'],
    ['rollback and chain'],
    ['commit; begin; savepoint dry_run'],
    ['commit; begin; select 1 / 0'],
    ['commit; call shop.settle()'],
    ['commit; do $$ begin delete from shop.orders where id = 11; commit; end $$'],
    ['commit; discard all'],
    ['commit; set session characteristics as transaction read only'],
    [`prepare transaction 'of a dry run'`],
  ])('is found out, and costs its connection: %s', async (sql) => {
    let pid = 0
    const dry = transact(pool, DRY, async (db) => {
      pid = await pidOf(db)
      await db.query(order(11))
      // Where this fails, it fails after it has ended the transaction.
      await db.query(sql).catch(() => undefined)
    })
    await expect(dry).rejects.toThrow(NotRolledBack)
    expect(counts(pool)).toEqual(NONE)
    expect(await pidOf(pool)).not.toBe(pid)
  })

  it('is found out in a real run as well: it is told as no success', async () => {
    const real = transact(pool, REAL, (db) => db.query('rollback'))
    await expect(real).rejects.toThrow('RELEASE SAVEPOINT can only be used in transaction blocks')
    expect(counts(pool)).toEqual(NONE)
  })

  it('is found out when it throws as well', async () => {
    const dry = transact(pool, DRY, async (db) => {
      await db.query(`${order(10)}; commit`)
      throw new Error('by the work')
    })
    await expect(dry).rejects.toThrow(NotRolledBack)
  })

  it('is found out behind an answer that came too late', async () => {
    const hasty = openSmall({ query_timeout: 100 })
    const dry = transact(hasty, DRY, async (db) => {
      await db.query(`${order(10)}; commit; begin; select pg_sleep(0.15)`).catch(() => undefined)
    })
    await expect(dry).rejects.toThrow(NotRolledBack)
  })
})

/** So many that not all can be taken in before the transaction ends. */
async function addOrders(db: Client, from = 10): Promise<void> {
  for (let id = from; id < from + 9; id++) await db.query(order(id))
}

describe('a query that the work left behind', () => {
  type Leave = (db: Client, over: Promise<void>) => Promise<unknown>
  const LEFT: readonly (readonly [what: string, leave: Leave])[] = [
    ['in a loop that nobody waits for', (db) => addOrders(db)],
    ['in loops side by side', (db) => Promise.all([10, 20, 30].map((it) => addOrders(db, it)))],
    ['for the time after the answer', (db, over) => over.then(() => db.query(order(10)))],
    [
      'with a function of the client',
      (db, over) => {
        const query = db.query.bind(db)
        return over.then(() => query(order(10)))
      },
    ],
  ]

  it.each(LEFT)('%s is refused, and adds nothing to a dry run', async (_what, leave) => {
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    let left: Promise<PromiseSettledResult<unknown>[]> = Promise.resolve([])
    const { headers } = await transact(pool, DRY, async (db) => {
      left = Promise.allSettled([leave(db, over)])
    })
    end()
    expect(await left).toMatchObject([{ status: 'rejected' }])
    expect(headers).toEqual(MARKER)
    expect(await shop.newOrders()).toEqual([])
  })

  it('beside one that failed is refused', async () => {
    let left: Promise<unknown> = Promise.resolve()
    const { headers, outcome } = await transact(pool, DRY, async (db) => {
      const adding = addOrders(db)
      left = Promise.allSettled([adding])
      const failing = db.query('select 1').then(() => Promise.reject(new Error('no such user')))
      await Promise.all([adding, failing])
    })
    await left
    expect(headers).toEqual(MARKER)
    expect(outcome).toEqual({ status: 'rejected', reason: new Error('no such user') })
    expect(await shop.newOrders()).toEqual([])
  })

  it.each(MODES)('by a %s run gets into no other transaction', async (_mode, request) => {
    const small = openSmall()
    let late: () => Promise<unknown> = () => Promise.resolve()
    await transact(small, request, async (db) => {
      late = () => db.query(order(10))
    })
    const { outcome } = await transact(small, REAL, async (db) => {
      const [left] = await Promise.allSettled([late()])
      await db.query(order(11))
      return left.status
    })
    expect(outcome).toEqual({ status: 'fulfilled', value: 'rejected' })
    expect(await shop.newOrders()).toEqual([11])
  })
  it('is refused by its promise, where the one who waits for it can catch it', async () => {
    let late: () => Promise<unknown> = () => Promise.resolve()
    await transact(pool, DRY, async (db) => {
      late = () => db.query(order(10)).catch(() => 'caught')
    })
    await expect(late()).resolves.toBe('caught')
  })

  it('on a client that a listener was added to is refused', async () => {
    let late: () => Promise<unknown> = () => Promise.resolve()
    await transact(pool, DRY, async (db: pg.PoolClient) => {
      const chained = db.on('notice', () => undefined).removeAllListeners('notice')
      late = async () => chained.query(order(10))
    })
    const [left] = await Promise.allSettled([late()])
    expect([left.status, await shop.newOrders()]).toEqual(['rejected', []])
  })
})
