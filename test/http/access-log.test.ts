import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const rows = () => ledger.database.query('select * from ledger.access_log order by id')

describe('a read of the log', () => {
  it('is noted with who, when, what and how much', async () => {
    const before = (await rows()).length
    const reply = await ledger.ask('GET', '/v1/events?after=1&limit=2')
    expect(reply.status).toBe(200)
    const [row, ...more] = (await rows()).slice(before)
    expect(more).toEqual([])
    expect(row).toMatchObject({
      at: expect.any(Date),
      actor: `key:${ledger.key.split('_')[1]}`,
      call_id: reply.headers['x-request-id'],
      route: 'GET /v1/events page',
      after_position: '1',
      until_position: String(reply.body.next),
      count: 2,
    })
    expect(JSON.parse(row?.['asked'])).toMatchObject({ after: 1, limit: 2 })
  })

  it('is not answered when it cannot be noted', async () => {
    const { query } = ledger.database
    await query('revoke execute on function ledger.log_access from ledger_writer')
    try {
      const { status, body } = await ledger.ask('GET', '/v1/events')
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'store-unavailable' })
      expect(body).not.toHaveProperty('events')
    } finally {
      await query('grant execute on function ledger.log_access to ledger_writer')
    }
    expect((await ledger.ask('GET', '/v1/events')).status).toBe(200)
  })

  it('is not noted when the key may not read: nothing was read', async () => {
    const before = await rows()
    const key = await ledger.newKey({ scopes: ['dispatch:read'] })
    expect((await ledger.ask('GET', '/v1/events', undefined, { key })).status).toBe(403)
    expect(await rows()).toEqual(before)
  })
})

describe('the access log', () => {
  it.each([
    "update ledger.access_log set actor = 'key:other'",
    'delete from ledger.access_log',
    'truncate ledger.access_log',
  ])('is never changed, by nobody: %s', async (text) => {
    const before = await rows()
    const message = expect.stringContaining('append-only')
    await expect(ledger.database.query(text)).rejects.toMatchObject({ code: '42501', message })
    expect(before.length).toBeGreaterThan(0)
    expect(await rows()).toEqual(before)
  })

  it('is read by auditors, together with the events, and by nobody else', async () => {
    const as = (role: string, text: string) => ledger.database.query(`set role ${role}; ${text}`)
    await as('ledger_auditor', 'select * from ledger.access_log')
    await as('ledger_auditor', 'select * from ledger.events')
    for (const text of ['select * from ledger.access_keys', 'select * from ledger.commits']) {
      await expect(as('ledger_auditor', text)).rejects.toMatchObject({ code: '42501' })
    }
    for (const role of ['ledger_writer', 'ledger_projector', 'ledger_analyst']) {
      const read = as(role, 'select * from ledger.access_log')
      await expect(read).rejects.toMatchObject({ code: '42501' })
    }
  })
})
