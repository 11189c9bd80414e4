import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

describe('rule 5: the same command has the same id, and a re-call inserts 0 rows', () => {
  it('answers the second call from the log', async () => {
    const first = await ledger.dispatch(sampleCommand())
    expect(first).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
    const before = await ledger.countEvents()
    const second = await ledger.dispatch(sampleCommand())
    expect(second).toMatchObject({ status: 200, body: { outcome: 'replayed', eventsAppended: 0 } })
    expect(second.body.dispatchId).toBe(first.body.dispatchId)
    expect(second.body.event).toEqual(first.body.event)
    expect(await ledger.countEvents()).toBe(before)
  })

  it('lets one of a hundred equal calls create, and answers all of them alike', async () => {
    const command = sampleCommand({ occurrence: 'racing' })
    const replies = await Promise.all(Array.from({ length: 100 }, () => ledger.dispatch(command)))
    expect(replies.filter((it) => it.body.outcome === 'created')).toHaveLength(1)
    expect(replies.every((it) => it.status < 300)).toBe(true)
    expect(new Set(replies.map((it) => it.body.event.id)).size).toBe(1)
    const { dispatchId } = replies[0]?.body ?? {}
    const { body } = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/events`)
    expect(body.events).toHaveLength(3)
  })

  it('gives a command with another occurrence an id and a history of its own', async () => {
    const one = await ledger.dispatch(sampleCommand({ occurrence: 'one' }))
    const two = await ledger.dispatch(sampleCommand({ occurrence: 'two' }))
    expect(one.body.dispatchId).not.toBe(two.body.dispatchId)
    expect(two.body.outcome).toBe('created')
  })
})
