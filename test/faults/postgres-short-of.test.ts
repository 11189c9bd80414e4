import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { dispatchAppend, newStream } from '../conformance/appends.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { historyOf } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

describe('a Postgres that is short of something', () => {
  let ledger: TestLedger
  beforeAll(async () => {
    ledger = await openReadyLedger()
  })
  afterAll(() => ledger.close())
  const nameOf = () => new URL(ledger.database.ownerUrl).pathname.slice(1)
  const dispatch = (occurrence: string) => ledger.dispatch(sampleCommand({ occurrence }))
  const fullyRecorded = async (occurrence: string) => {
    const { body } = await until(async () => {
      const reply = await dispatch(occurrence)
      return reply.status < 300 && reply
    })
    expect(await historyOf(ledger, body.dispatchId)).toHaveLength(3)
  }

  describe('disk', () => {
    // What a server without room reports: https://www.postgresql.org/docs/current/errcodes-appendix.html
    beforeAll(async () => {
      await dispatch('before')
      await ledger.database.query(`create function public.no_room() returns trigger language plpgsql as $$
        begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
        create trigger no_room before insert on ledger.commits execute function public.no_room()`)
    })
    afterAll(() => ledger.database.query('drop function public.no_room cascade'))

    it('answers 503 store-unavailable, and has written nothing', async () => {
      const before = await ledger.countEvents()
      const { status, body } = await dispatch('no-room')
      expect([status, body.code]).toEqual([503, 'store-unavailable'])
      expect(await ledger.countEvents()).toBe(before)
    })

    it('lets reads and replays go on', async () => {
      expect((await ledger.ask('GET', '/v1/switch')).status).toBe(200)
      expect((await ledger.ask('GET', '/v1/events')).status).toBe(200)
      expect((await dispatch('before')).body.outcome).toBe('replayed')
    })
  })

  describe('connections', () => {
    afterEach(() => ledger.database.admin(`alter database ${nameOf()} connection limit -1`))

    it('answers 503 store-unavailable until there are some again', async () => {
      await ledger.database.admin(`alter database ${nameOf()} connection limit 0`)
      await ledger.database.admin(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
        [nameOf()],
      )
      const { status, body } = await dispatch('no-connection')
      expect([status, body.code]).toEqual([503, 'store-unavailable'])
      await ledger.database.admin(`alter database ${nameOf()} connection limit -1`)
      await fullyRecorded('no-connection')
    })
  })

  it('time gives later events no earlier time', async () => {
    const future = '2100-01-01T00:00:00.000Z'
    await ledger.database.query(`update ledger.head set recorded_at = '${future}'`)
    const { body } = await dispatch('clock-set-back')
    expect(body.event.recordedAt).toBe(future)
    const next = await dispatch('clock-set-back-2')
    expect(next.body.event.recordedAt).toBe(future)
    expect(next.body.position).toBeGreaterThan(body.position)
  })
})

describe('a lock that somebody holds', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  it('ends an append by its statement time-out, whose outcome is then asked for again', async () => {
    const holder = new pg.Client({ connectionString: database.ownerUrl })
    await holder.connect()
    await holder.query('begin')
    await holder.query('select from ledger.head for update')
    const store = createPostgresEventStore(database.runtimeUrl)
    try {
      const request = dispatchAppend(newStream())
      await expect(store.appendDispatch(request)).rejects.toMatchObject({
        code: 'store-unavailable',
        recorded: 'unknown',
        message: expect.stringContaining('statement timeout'),
      })
      await holder.query('rollback')
      expect(await store.appendDispatch(request)).toMatchObject({
        outcome: 'appended',
        position: 1,
      })
      expect((await store.head()).position).toBe(1)
    } finally {
      await holder.end()
      await store.close()
    }
  })
})
