import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ScriptedExecutor, ScriptedStore, storeGone } from '../support/doubles.ts'
import { eventsAfter, headOf, historyOf, typesOf, watch } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { type LosableLog, openLosableLog } from '../support/losable-log.ts'
import { sampleCommand } from '../support/sample.ts'

const executor = new ScriptedExecutor()
const store = new ScriptedStore()
let ledger: TestLedger
let log: LosableLog
beforeAll(async () => {
  log = await openLosableLog()
  const doubles = { executors: executor.registry, store: store.wrap }
  ledger = await openReadyLedger({ ...doubles, eventStoreDb: log.eventStoreDb })
})
afterEach(() => {
  executor.reset()
  store.reset()
})
afterAll(async () => {
  await ledger.close()
  await log.close()
})

const commandOf = (occurrence: string) => sampleCommand({ occurrence })

/** The answer of a call whose outcome is open: it shows nothing of what the executor gave. */
function expectUnknown({ status, body }: Reply): void {
  expect(status).toBe(503)
  expect(body).toMatchObject({
    code: 'store-unavailable',
    rule: 9,
    stage: null,
    retryable: true,
    whoMustAct: 'nobody',
    recorded: 'unknown',
  })
  expect(body).not.toHaveProperty('event')
  expect(JSON.stringify(body)).not.toContain('hello')
}

/** The event of an answer, member for member as it stands in the log. */
async function expectInTheLog({ body }: Reply): Promise<void> {
  const events = await historyOf(ledger, body.dispatchId)
  const found = events.find((it) => it.id === body.event.id)
  const { id, type, revision, position, recordedAt, data } = found
  expect(body.event).toEqual({ id, type, revision, position, recordedAt, data })
}

describe('rule 9: what could not be recorded did not happen', () => {
  it('gives no result while the store stays away, and starts afresh when it is back', async () => {
    store.failAppends(Number.POSITIVE_INFINITY)
    const { reply, events } = await watch(ledger, () => ledger.dispatch(commandOf('away')))
    expectUnknown(reply)
    expect(executor.runs).toBe(1)
    expect(store.appends).toBe(5)
    expect(events).toEqual([])
    store.reset()
    const again = await ledger.dispatch(commandOf('away'))
    expect(again).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
    expect(executor.runs).toBe(2)
  })

  it('sends the same append again after a failure, and records it once', async () => {
    store.failAppends(2)
    const { reply, events } = await watch(ledger, () => ledger.dispatch(commandOf('flaky')))
    expect(reply).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
    expect(typesOf(events)).toEqual(['Planned', 'PreflightPassed', 'DryRunRecorded'])
    expect(store.appends).toBe(3)
    expect(executor.runs).toBe(1)
    await expectInTheLog(reply)
  })

  it('stores no refusal either, and says so', async () => {
    store.failAppends(Number.POSITIVE_INFINITY)
    const command = sampleCommand({ outputNamespace: 'PROD:x' })
    const { reply, events } = await watch(ledger, () => ledger.dispatch(command))
    expectUnknown(reply)
    expect(reply.body).not.toHaveProperty('refusalId')
    expect(events).toEqual([])
  })

  it('starts no executor when the log cannot be read', async () => {
    store.onLoad = () => {
      throw storeGone('none')
    }
    const { status, body } = await ledger.dispatch(commandOf('unread'))
    expect(status).toBe(503)
    expect(body).toMatchObject({ code: 'store-unavailable', recorded: 'none' })
    expect(executor.runs).toBe(0)
  })

  it('holds on the log itself, where it takes no append: there is no result', async () => {
    const before = await headOf(ledger)
    store.onAppend = async (request, append) => {
      store.reset()
      await log.lose(ledger)
      return append(request)
    }
    try {
      expectUnknown(await ledger.dispatch(commandOf('denied')))
    } finally {
      await log.giveBack(ledger)
    }
    expect(await eventsAfter(ledger, before)).toEqual([])
    expect((await ledger.dispatch(commandOf('denied'))).body.eventsAppended).toBe(3)
  })
})

describe('rule 9: an answer that was lost is found again', () => {
  it.each([1, 4])('after %i lost answers of one append', async (lost) => {
    store.loseAnswers(lost)
    const occurrence = `lost-${lost}`
    const { reply, events } = await watch(ledger, () => ledger.dispatch(commandOf(occurrence)))
    expect(reply).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
    expect(events).toHaveLength(3)
    expect(executor.runs).toBe(1)
    await expectInTheLog(reply)
    expect(reply.body.position).toBe(events[2].position)
  })

  it('by the same command, when every answer of the first call was lost', async () => {
    store.loseAnswers(5)
    const { reply, events } = await watch(ledger, () => ledger.dispatch(commandOf('all-lost')))
    expectUnknown(reply)
    expect(typesOf(events)).toEqual(['Planned', 'PreflightPassed', 'DryRunRecorded'])
    store.reset()
    const again = await ledger.dispatch(commandOf('all-lost'))
    expect(again).toMatchObject({ status: 200, body: { outcome: 'replayed', eventsAppended: 0 } })
    await expectInTheLog(again)
    expect(executor.runs).toBe(1)
  })

  it('for an advance, with the events of this call alone in eventsAppended', async () => {
    await ledger.dispatch({ ...commandOf('advance'), mode: 'PLAN_ONLY' })
    store.loseAnswers(1)
    const { status, body } = await ledger.dispatch(commandOf('advance'))
    expect(status).toBe(200)
    expect(body).toMatchObject({ outcome: 'advanced', eventsAppended: 2 })
  })

  it('for a refusal, whose id is the event that stands in the log', async () => {
    store.loseAnswers(1)
    const command = sampleCommand({ occurrence: 'refused', params: { say: 1 } })
    const { reply, events } = await watch(ledger, () => ledger.dispatch(command))
    expect(reply.status).toBe(422)
    expect(reply.body).toMatchObject({ recorded: 'event', eventsAppended: 1 })
    expect(events.map((it) => it.id)).toEqual([reply.body.refusalId])
  })

  it('with the state after it: another call may have gone on in between', async () => {
    store.onAppend = async (request, append) => {
      store.reset()
      await append(request)
      const other = await ledger.dispatch(commandOf('overtaken'))
      expect(other.body).toMatchObject({ outcome: 'advanced', eventsAppended: 2 })
      throw storeGone()
    }
    const { body } = await ledger.dispatch({ ...commandOf('overtaken'), mode: 'PLAN_ONLY' })
    const events = await historyOf(ledger, body.dispatchId)
    expect(events).toHaveLength(3)
    expect(body).toMatchObject({
      outcome: 'created',
      eventsAppended: 1,
      reached: 'DryRunRecorded',
      position: events[2].position,
      event: { id: events[0].id, type: 'Planned' },
    })
  })

  it('and where it cannot be read back, the answer does not say that nothing was recorded', async () => {
    store.onAppend = async (request, append) => {
      await append(request)
      store.onAppend = async (again, appendAgain) => {
        const result = await appendAgain(again)
        store.onLoad = () => {
          throw storeGone('none')
        }
        return result
      }
      throw storeGone()
    }
    const before = await headOf(ledger)
    const { status, body } = await ledger.dispatch(commandOf('blind'))
    store.reset()
    expect(status).toBe(503)
    expect(await eventsAfter(ledger, before)).toHaveLength(3)
    expect(['event', 'unknown']).toContain(body.recorded)
  })

  it('for a flip of the switch and for a catalogue', async () => {
    const lose: ScriptedStore['onAppendControl'] = async (request, append) => {
      await append(request)
      store.reset()
      throw storeGone()
    }
    for (const state of ['HALTED', 'DRY_RUN_ONLY']) {
      store.onAppendControl = lose
      const { reply, events } = await watch(ledger, () => ledger.setSwitch(state))
      expect(reply).toMatchObject({ status: 200, body: { state } })
      expect(events.map((it) => it.id)).toEqual([reply.body.eventId])
    }
    store.onAppendControl = lose
    const manifest = { kind: 'Fixture', id: 'lost.words', version: 1, data: null }
    const { reply, events } = await watch(ledger, () =>
      ledger.ask('POST', '/v1/catalogue', { manifests: [manifest] }),
    )
    expect(reply.status).toBe(201)
    expect(typesOf(events)).toEqual(['ManifestRegistered'])
  })
})

describe('rule 9: no result is returned without its event', () => {
  it('however the store fails under many calls at once', async () => {
    let asked = 0
    store.onAppend = async (request, append) => {
      const turn = asked++ % 5
      if (turn === 1) throw storeGone()
      const result = await append(request)
      if (turn === 3) throw storeGone()
      return result
    }
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ledger.dispatch(commandOf(`storm-${n % 20}`))),
    )
    store.reset()
    for (const reply of replies) {
      expect([200, 201, 503]).toContain(reply.status)
      if (reply.status < 300) await expectInTheLog(reply)
    }
    for (let n = 0; n < 20; n++) {
      const { body } = await ledger.dispatch(commandOf(`storm-${n}`))
      expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
        'Planned',
        'PreflightPassed',
        'DryRunRecorded',
      ])
    }
  })
})
