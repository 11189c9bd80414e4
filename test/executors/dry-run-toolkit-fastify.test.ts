import { Readable } from 'node:stream'
import Fastify, { type FastifyReply, type RouteHandlerMethod } from 'fastify'
import type pg from 'pg'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  expectTypeOf,
  it,
  onTestFinished,
} from 'vitest'
import { type Client, dryRun } from '../../src/dry-run/index.ts'
import {
  DRY,
  type DryRunShop,
  MARKER,
  openDryRunShop,
  order,
  REAL,
} from '../support/dry-run-shop.ts'

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

/** A service that answers every POST as `handler` does. */
async function serviceOf(handler: RouteHandlerMethod) {
  const app = Fastify()
  await app.register(dryRun, { pool })
  app.post('/', handler)
  onTestFinished(() => app.close())
  return app
}

/** What one request is answered, and whether the answer claims that it was dry. */
async function asked(handler: RouteHandlerMethod, request: Record<string, string> = DRY) {
  const app = await serviceOf(handler)
  const answer = await app.inject({ method: 'POST', url: '/', headers: request })
  return { status: answer.statusCode, body: answer.body, marker: markerOf(answer.headers) }
}

const markerOf = (headers: Readonly<Record<string, unknown>>): unknown =>
  headers['preference-applied']
const SAID = MARKER['preference-applied']

const adding = (id: number) => async (db: Client) => {
  await db.query(order(id))
  return { added: id }
}

/** Work that a dry run cannot undo. */
const committing = (id: number) => async (db: Client) => {
  await db.query(`${order(id)}; commit`)
  return { added: id }
}

const swallowing = (promise: Promise<unknown>): Promise<void> =>
  promise.then(
    () => undefined,
    () => undefined,
  )

describe('the answer of a handler', () => {
  it.each([
    ['dry', DRY, SAID, []],
    ['real', REAL, undefined, [10]],
  ])('to a %s request is what its work gave', async (_mode, request, marker, stored) => {
    const answer = await asked((_, reply) => reply.transact(adding(10)), request)
    expect(answer).toEqual({ status: 200, body: '{"added":10}', marker })
    expect(await shop.newOrders()).toEqual(stored)
  })

  it.each([
    ['dry', DRY, SAID, []],
    ['real', REAL, undefined, [10]],
  ])('to a %s request keeps the status of its work', async (_mode, request, marker, stored) => {
    const refuse = (_: unknown, reply: FastifyReply) =>
      reply.transact(async (db) => {
        reply.code(409).header('x-reason', 'too few')
        return adding(10)(db)
      })
    expect(await asked(refuse, request)).toEqual({ status: 409, body: '{"added":10}', marker })
    expect(await shop.newOrders()).toEqual(stored)
  })

  it.each([
    ['dry', DRY, SAID],
    ['real', REAL, undefined],
  ])('to a %s request is the error that its work threw', async (_mode, request, marker) => {
    const fail = (_: unknown, reply: FastifyReply) =>
      reply.transact(async (db) => {
        await adding(10)(db)
        throw Object.assign(new Error('no such user'), { statusCode: 404 })
      })
    expect(await asked(fail, request)).toMatchObject({
      status: 404,
      body: expect.stringContaining('no such user'),
      marker,
    })
    expect(await shop.newOrders()).toEqual([])
  })

  it.each([
    ['', undefined],
    ['null', null],
    ['0', 0],
    ['a text', 'a text'],
    ['[{"a":1}]', [{ a: 1 }]],
  ])('is "%s", with the marker', async (body, value) => {
    const answer = await asked((_, reply) => reply.transact(async () => value))
    expect(answer).toEqual({ status: 200, body, marker: SAID })
  })

  it('has no marker where no work was run', async () => {
    const idle = await asked(async () => ({}))
    expect(idle).toEqual({ status: 200, body: '{}', marker: undefined })
    const app = await serviceOf((_, reply) => reply.transact(adding(10)))
    const lost = await app.inject({ method: 'POST', url: '/elsewhere', headers: DRY })
    expect([lost.statusCode, markerOf(lost.headers)]).toEqual([404, undefined])
  })

  it('has no marker when there is no connection for the work', async () => {
    const service = await serviceOf((_, reply) => reply.transact(adding(10)))
    await pool.end()
    const { statusCode, headers } = await service.inject({ method: 'POST', url: '/', headers: DRY })
    expect([statusCode, markerOf(headers)]).toEqual([500, undefined])
    pool = shop.openPool()
  })

  it('has the type of what the work gives', () => {
    const typed = async (reply: FastifyReply) => {
      expectTypeOf(await reply.transact(adding(10))).toEqualTypeOf<{ added: number }>()
      await reply.transact(async (db) => expectTypeOf(db).toEqualTypeOf<Client>())
      await reply.transact(async (db: pg.PoolClient) => db.listenerCount('error'))
    }
    expectTypeOf(typed).returns.resolves.toBeVoid()
  })
})

describe('an answer claims nothing', () => {
  it.each<readonly [string, (reply: FastifyReply) => Promise<unknown>]>([
    ['when the work committed', (reply) => reply.transact(committing(10))],
    [
      'when the work committed and threw',
      (reply) =>
        reply.transact(async (db) => {
          await committing(10)(db)
          throw Object.assign(new Error('no such user'), { statusCode: 404 })
        }),
    ],
  ])('%s: it is a 500', async (_when, run) => {
    expect(await asked((_, reply) => run(reply))).toMatchObject({ status: 500, marker: undefined })
    expect(await shop.newOrders()).toEqual([10])
  })

  it.each<readonly [string, (reply: FastifyReply) => Promise<unknown>]>([
    ['the only work', (reply) => swallowing(reply.transact(committing(10)))],
    [
      'the first of two',
      async (reply) => {
        await swallowing(reply.transact(committing(10)))
        await reply.transact(adding(11))
      },
    ],
    [
      'the second of two',
      async (reply) => {
        await reply.transact(adding(11))
        await reply.transact(committing(10))
      },
    ],
    [
      'the second of two, whose error was kept',
      async (reply) => {
        await reply.transact(adding(11))
        await swallowing(reply.transact(committing(10)))
      },
    ],
    [
      'one of two side by side',
      (reply) =>
        swallowing(
          Promise.allSettled([reply.transact(committing(10)), reply.transact(adding(11))]),
        ),
    ],
    ['work within work', (reply) => reply.transact(() => reply.transact(committing(10)))],
    [
      'work that nobody waited for',
      async (reply) => {
        await reply.transact(adding(11))
        await new Promise<void>((began) => {
          const late = reply.transact(async (db) => {
            began()
            return committing(10)(db)
          })
          const ended = swallowing(late)
          onTestFinished(() => ended)
        })
      },
    ],
  ])('when %s was not undone', async (_which, run) => {
    expect((await asked((_, reply) => run(reply))).marker).toBeUndefined()
  })

  it('when the handler passes on the claim of somebody else', async () => {
    const passedOn = await asked(async (_, reply) => {
      reply.headers(MARKER)
      return reply.transact(adding(10))
    }, {})
    expect(passedOn).toMatchObject({ status: 200, marker: undefined })
    expect(await shop.newOrders()).toEqual([10])
  })

  it('when it was sent while the work ran', async () => {
    const early = await asked(async (_, reply) => {
      await swallowing(
        reply.transact(async (db) => {
          await committing(10)(db)
          void reply.send({ sent: 'early' })
        }),
      )
      return reply
    })
    expect(early).toEqual({ status: 200, body: '{"sent":"early"}', marker: undefined })
  })

  it('when it was sent while a second work ran', async () => {
    const early = await asked(async (_, reply) => {
      await reply.transact(adding(11))
      await swallowing(
        reply.transact(async (db) => {
          void reply.send({ sent: 'early' })
          return committing(10)(db)
        }),
      )
      return reply
    })
    expect(early).toEqual({ status: 200, body: '{"sent":"early"}', marker: undefined })
  })

  it('when a stream wrote after its work was over', async () => {
    async function* texts(db: Client) {
      yield 'begun, '
      await db.query(order(10))
      yield 'written'
    }
    const run = asked((_, reply) => reply.transact(async (db) => Readable.from(texts(db))))
    const [answer] = await Promise.allSettled([run])
    const marker = answer.status === 'fulfilled' ? answer.value.marker : undefined
    const isUndone = (await shop.newOrders()).length === 0
    expect(marker === undefined || isUndone).toBe(true)
  })
})

describe('several works', () => {
  it('of one request have one marker when all were undone', async () => {
    const answer = await asked(async (_, reply) => {
      await Promise.all([reply.transact(adding(10)), reply.transact(adding(11))])
      return reply.transact((db) => reply.transact(adding(13)).then(() => adding(12)(db)))
    })
    expect(answer).toEqual({ status: 200, body: '{"added":12}', marker: SAID })
    expect(await shop.newOrders()).toEqual([])
  })

  it('of requests side by side are kept apart', async () => {
    const service = await serviceOf((request, reply) =>
      reply.transact(adding(Number((request.query as { id: string }).id))),
    )
    const ids = Array.from({ length: 24 }, (_, index) => 10 + index)
    const answers = await Promise.all(
      ids.map(async (id) => {
        const headers = id % 2 === 0 ? DRY : REAL
        const answer = await service.inject({ method: 'POST', url: `/?id=${id}`, headers })
        return [answer.body, markerOf(answer.headers)]
      }),
    )
    expect(answers).toEqual(ids.map((id) => [`{"added":${id}}`, id % 2 === 0 ? SAID : undefined]))
    expect(await shop.newOrders()).toEqual(ids.filter((id) => id % 2 === 1))
  })
})
