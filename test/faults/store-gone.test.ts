import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

/** Cuts every connection to the ledger's database, and lets none come back. */
async function cut(): Promise<void> {
  const name = new URL(ledger.database.ownerUrl).pathname.slice(1)
  await ledger.database.admin(`alter database ${name} allow_connections false`)
  await ledger.database.admin(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
    [name],
  )
}

const mend = (): Promise<unknown> =>
  ledger.database.admin(
    `alter database ${new URL(ledger.database.ownerUrl).pathname.slice(1)} allow_connections true`,
  )

describe('a store that goes away in the middle', () => {
  it('is answered 503 store-unavailable, leaves nothing half-written, and comes back by itself', async () => {
    await ledger.dispatch(sampleCommand({ occurrence: 'before' }))
    const before = await ledger.countEvents()
    await cut()
    const refused = await ledger.dispatch(sampleCommand({ occurrence: 'during' }))
    expect(refused).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable', rule: 9, retryable: true, recorded: 'none' },
    })
    expect((await ledger.ask('GET', '/readyz')).status).toBe(503)
    expect((await ledger.ask('GET', '/livez')).status).toBe(200)
    await mend()
    expect(await ledger.countEvents()).toBe(before)
    const answered = await until(async () => {
      const reply = await ledger.dispatch(sampleCommand({ occurrence: 'during' }))
      return reply.status < 300 && reply
    })
    expect(answered.body).toMatchObject({ outcome: 'created', eventsAppended: 3 })
    await until(async () => (await ledger.ask('GET', '/readyz')).status === 200)
  })

  it('leaves whole commits behind when it goes while dispatches are under way', async () => {
    const commands = Array.from({ length: 40 }, (_, n) => sampleCommand({ occurrence: `cut-${n}` }))
    const storm = Promise.all(commands.map((command) => ledger.dispatch(command)))
    await cut()
    const replies = await storm
    await mend()
    const codes = new Set(replies.filter((it) => it.status >= 300).map((it) => it.body.code))
    expect([...codes].filter((code) => code !== 'store-unavailable')).toEqual([])
    for (const [index, command] of commands.entries()) {
      const again = await until(async () => {
        const reply = await ledger.dispatch(command)
        return reply.status < 300 && reply
      })
      if ((replies[index]?.status ?? 500) < 300) expect(again.body.outcome).toBe('replayed')
      const events = await ledger.ask('GET', `/v1/dispatches/${again.body.dispatchId}/events`)
      expect(events.body.events).toHaveLength(3)
    }
  })

  it('lets the read model catch up to what was recorded meanwhile', async () => {
    const { headers } = await ledger.ask('GET', '/v1/switch')
    const list = await until(async () => {
      const path = `/v1/dispatches?pageSize=1000&minPosition=${String(headers['ledger-position'])}`
      const reply = await ledger.ask('GET', path)
      return reply.status === 200 && reply
    })
    expect(list.body.dispatches).toHaveLength(42)
  })
})
