import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'
import { openSecond, ScriptedStore, type SecondServer } from '../support/doubles.ts'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { headOf } from '../support/front-door.ts'
import { newPrefix, openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let fake: FakeEventStoreDb
let ledger: TestLedger
let second: SecondServer
const script = new ScriptedStore()
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
  const eventStoreDb = { url: fake.url, prefix: newPrefix() }
  ledger = await openReadyLedger({ eventStoreDb, store: script.wrap })
  second = await openSecond(ledger)
})
afterAll(async () => {
  await second.close()
  await ledger.close()
  await fake.stop()
})

/** A row of the list of dispatches, complete up to all that was recorded. */
async function listed(dispatchId: string) {
  const position = await headOf(ledger)
  const { body } = await ledger.ask('GET', `/v1/dispatches?pageSize=1000&minPosition=${position}`)
  return body.dispatches.find((it: { dispatchId: string }) => it.dispatchId === dispatchId)
}

it('says that its guarantee is fenced', async () => {
  const { body } = await ledger.ask('GET', '/v1/switch')
  expect(body.guarantee).toBe('fenced')
})

it('lives one life: created, advanced, replayed, and listed', async () => {
  const command = sampleCommand({ occurrence: 'one-life' })
  const planned = await ledger.dispatch({ ...command, mode: 'PLAN_ONLY' })
  expect(planned).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 1 } })
  const run = await ledger.dispatch(command)
  expect(run).toMatchObject({ status: 200, body: { outcome: 'advanced', eventsAppended: 2 } })
  const again = await second.dispatch(command)
  expect(again).toMatchObject({ status: 200, body: { outcome: 'replayed', eventsAppended: 0 } })
  expect(again.body.event).toEqual(run.body.event)
  const { dispatchId, position } = run.body
  expect(await listed(dispatchId)).toMatchObject({ reached: 'DryRunRecorded', position })
})

it('refuses what a halt of another process overtook, and shows it void wherever it is shown', async () => {
  const command = sampleCommand({ occurrence: 'overtaken' })
  const flip = (state: string) =>
    second.ask('PUT', '/v1/switch/global', { state, reason: 'a race' })
  script.onAppend = async (request, append) => {
    script.onAppend = (it, go) => go(it)
    await flip('HALTED')
    return append(request)
  }
  const refused = await ledger.dispatch(command)
  expect(refused).toMatchObject({
    status: 423,
    body: { code: 'kill-switch-engaged', reached: null },
  })
  const { dispatchId } = refused.body
  const { body } = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/events`)
  const marks = body.events.map((it: { type: string; void?: true }) => [it.type, it.void])
  const voids = ['Planned', 'PreflightPassed', 'DryRunRecorded'].map((type) => [type, true])
  expect(marks).toEqual([...voids, ['Refused', undefined]])
  const after = body.events[0].position - 1
  const log = await ledger.ask('GET', `/v1/events?after=${after}`)
  expect(log.body.events.map((it: { void?: true }) => it.void)).toEqual([
    true,
    true,
    true,
    undefined,
  ])
  const why = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/explain`)
  expect(why.body.steps.map((it: { void?: true }) => it.void)).toEqual([
    true,
    true,
    true,
    undefined,
  ])
  expect(await listed(dispatchId)).toMatchObject({ reached: null, verdict: null })
  const outputs = await ledger.ask('GET', '/v1/outputs?pageSize=1000')
  expect(JSON.stringify(outputs.body)).not.toContain(dispatchId)

  expect((await flip('DRY_RUN_ONLY')).status).toBe(200)
  const run = await ledger.dispatch(command)
  expect(run).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
  expect(await listed(dispatchId)).toMatchObject({ reached: 'DryRunRecorded' })
})

it('answers 503 while the server is gone, and goes on by itself', async () => {
  const command = sampleCommand({ occurrence: 'gone' })
  await fake.kill()
  expect(await ledger.dispatch(command)).toMatchObject({
    status: 503,
    body: { code: 'store-unavailable' },
  })
  await fake.revive()
  await until(async () => (await ledger.dispatch(command)).status < 300)
  const { body } = await ledger.dispatch(command)
  expect(body).toMatchObject({ outcome: 'replayed', eventsAppended: 0 })
  expect(await listed(body.dispatchId)).toMatchObject({ reached: 'DryRunRecorded' })
}, 60_000)

it('gives the demo, with its log there', async () => {
  const env = { LEDGER_STORE: 'eventstoredb', EVENTSTORE_URL: fake.url }
  const { code, stdout, stderr } = await runCli(['demo'], { env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('The log is in EventStoreDB, prefix demo-')
  expect(stdout).toContain('Every outcome was the expected one.')
}, 120_000)
