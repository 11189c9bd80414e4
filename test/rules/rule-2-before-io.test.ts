import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dryReport, ScriptedExecutor, ScriptedStore } from '../support/doubles.ts'
import { historyOf, register, typesOf } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand, sampleTarget } from '../support/sample.ts'

/** An executor that reaches out: what it does cannot be taken back, so it may not begin too early. */
const executor = new ScriptedExecutor()
const store = new ScriptedStore()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry, store: store.wrap })
  executor.io = true
})
afterEach(async () => {
  executor.reset()
  executor.io = true
  store.reset()
  await ledger.setSwitch('DRY_RUN_ONLY')
})
afterAll(() => ledger.close())

const idOf = async (command: object): Promise<string> =>
  (await ledger.ask('POST', '/v1/explain', command)).body.dispatchId

describe('rule 2: an executor that reaches out', () => {
  it('runs only once all that was judged before it is recorded', async () => {
    const command = sampleCommand({ occurrence: 'recorded-first' })
    const id = await idOf(command)
    let seen: string[] = []
    executor.onRun = async (plan) => {
      seen = typesOf(await historyOf(ledger, id))
      return dryReport(plan)
    }
    const { status, body } = await ledger.dispatch(command)
    expect(seen).toEqual(['Planned', 'PreflightPassed'])
    expect({ status, outcome: body.outcome, eventsAppended: body.eventsAppended }).toEqual({
      status: 201,
      outcome: 'created',
      eventsAppended: 3,
    })
    expect(store.appends).toBe(2)
  })

  it('leaves all that was reached when it fails', async () => {
    executor.onRun = () => {
      throw new Error('on purpose')
    }
    const { body } = await ledger.dispatch(sampleCommand({ occurrence: 'fails' }))
    expect(body).toMatchObject({ code: 'executor-failed', eventsAppended: 3 })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
      'Refused',
    ])
  })

  it('never begins after a halt that came between its judgement and its run', async () => {
    store.onAppend = async (request, append) => {
      store.reset()
      await ledger.setSwitch('HALTED')
      return append(request)
    }
    const { status, body } = await ledger.dispatch(sampleCommand({ occurrence: 'halted' }))
    expect({ status, code: body.code, runs: executor.runs }).toEqual({
      status: 423,
      code: 'kill-switch-engaged',
      runs: 0,
    })
  })

  it('nor where its preflight had been recorded before', async () => {
    const command = sampleCommand({ occurrence: 'halted-later' })
    await ledger.dispatch({ ...command, mode: 'VERIFY_ONLY' })
    let asked = 0
    executor.onFacts = async () => {
      asked += 1
      await ledger.setSwitch('HALTED')
      return { isolation: 'process' }
    }
    const { status } = await ledger.dispatch(command)
    expect({ status, asked, runs: executor.runs }).toEqual({ status: 423, asked: 1, runs: 0 })
  })

  it('is judged once more when something else moved in control, and then runs', async () => {
    const command = sampleCommand({ occurrence: 'moved' })
    await ledger.dispatch({ ...command, mode: 'VERIFY_ONLY' })
    let asked = 0
    executor.onFacts = async () => {
      asked += 1
      if (asked === 1) await register(ledger, [{ ...sampleTarget(), id: 'elsewhere/one' }])
      return { isolation: 'process' }
    }
    const { body } = await ledger.dispatch(command)
    expect({ outcome: body.outcome, asked, runs: executor.runs }).toEqual({
      outcome: 'advanced',
      asked: 2,
      runs: 1,
    })
  })

  it('never runs twice in one call: a report from before a halt is dropped with the call', async () => {
    executor.onRun = async (plan) => {
      await ledger.setSwitch('HALTED')
      await ledger.setSwitch('DRY_RUN_ONLY')
      return dryReport(plan)
    }
    const { status, body } = await ledger.dispatch(sampleCommand({ occurrence: 'twice' }))
    expect({ status, code: body.code, runs: executor.runs }).toEqual({
      status: 503,
      code: 'contended',
      runs: 1,
    })
    expect(typesOf(await historyOf(ledger, body.dispatchId))).toEqual([
      'Planned',
      'PreflightPassed',
    ])
  })

  it('uses its report again where only the append was lost', async () => {
    let appends = 0
    store.onAppend = async (request, append) => {
      appends += 1
      if (appends !== 2) return append(request)
      await register(ledger, [{ ...sampleTarget(), id: 'elsewhere/two' }])
      return append(request)
    }
    const { status } = await ledger.dispatch(sampleCommand({ occurrence: 'lost' }))
    expect({ status, runs: executor.runs, appends }).toEqual({ status: 201, runs: 1, appends: 3 })
  })
})
