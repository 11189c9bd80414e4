import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { holdRuns, openSecond, ScriptedExecutor, type SecondServer } from '../support/doubles.ts'
import { catalogueOf, gateIn, historyOf, register, typesOf } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { type LosableLog, openLosableLog } from '../support/losable-log.ts'

/** CONTRACT, section 6. */
const STOPPED_MS = 1_000

const executor = new ScriptedExecutor()
const executorOfSecond = new ScriptedExecutor()
let ledger: TestLedger
let second: SecondServer
let log: LosableLog
beforeAll(async () => {
  log = await openLosableLog()
  ledger = await openReadyLedger({
    eventStoreDb: log.eventStoreDb,
    executors: executor.registry,
  })
  second = await openSecond(ledger, { executors: executorOfSecond.registry })
})
afterEach(async () => {
  executor.reset()
  executorOfSecond.reset()
  for (const scope of Object.keys((await ledger.ask('GET', '/v1/switch')).body.scopes)) {
    await flip(scope, 'DRY_RUN_ONLY')
  }
})
afterAll(async () => {
  await second.close()
  await ledger.close()
  await log.close()
})

const flip = (scope: string, state: string): Promise<Reply> =>
  ledger.ask('PUT', `/v1/switch/${encodeURIComponent(scope)}`, { state, reason: 'a test' })

/** A run that goes on until it is told to stop, and when that was. */
function endless(one: ScriptedExecutor): { started: Promise<void>; stopped: Promise<number> } {
  const { promise: started, resolve: begin } = deferred<void>()
  const { promise: stopped, resolve: stop } = deferred<number>()
  one.onRun = (_, signal) =>
    new Promise((_resolve, reject) => {
      begin()
      signal.addEventListener('abort', () => {
        stop(performance.now())
        reject(new Error('heeded its signal'))
      })
    })
  return { started, stopped }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

async function expectHalted(reply: Reply, revision: number): Promise<void> {
  expect(reply).toMatchObject({
    status: 423,
    body: { code: 'kill-switch-engaged', stage: 'admission', reached: null, eventsAppended: 1 },
  })
  expect(gateIn(reply.body.gates, 'kill-switch')).toMatchObject({ outcome: 'fail', revision })
  expect(typesOf(await historyOf(ledger, reply.body.dispatchId))).toEqual(['Refused'])
}

describe('a halt while executors run', () => {
  it('stops them in every process within a second, and their calls are refused by the switch', async () => {
    const { command, manifests } = catalogueOf('halted-all')
    await register(ledger, manifests)
    const runs = [endless(executor), endless(executorOfSecond)]
    const calls = [
      ledger.dispatch(command({ occurrence: 'first' })),
      second.dispatch(command({ occurrence: 'second' })),
    ]
    await Promise.all(runs.map((it) => it.started))
    const halt = await flip('global', 'HALTED')
    const haltedAtMs = performance.now()
    for (const { stopped } of runs) expect((await stopped) - haltedAtMs).toBeLessThan(STOPPED_MS)
    for (const reply of await Promise.all(calls)) await expectHalted(reply, halt.body.revision)
  })

  it.each(['contract:halted-one.echo', 'executor:simulator'])(
    'in the scope %s stops its own',
    async (scope) => {
      const { command, manifests } = catalogueOf('halted-one')
      await ledger.ask('POST', '/v1/catalogue', { manifests })
      const { started, stopped } = endless(executor)
      const call = ledger.dispatch(command({ occurrence: scope }))
      await started
      const halt = await flip(scope, 'HALTED')
      const haltedAtMs = performance.now()
      expect((await stopped) - haltedAtMs).toBeLessThan(STOPPED_MS)
      await expectHalted(await call, halt.body.revision)
    },
  )

  it('lets what is out of its scope run on, and records it', async () => {
    const { command, manifests } = catalogueOf('out-of-scope')
    const halted = catalogueOf('in-scope')
    await register(ledger, [...manifests, ...halted.manifests])
    const { started, release } = holdRuns(executor)
    const goesOn = ledger.dispatch(command())
    await started
    const own = endless(executorOfSecond)
    const stopped = second.dispatch(halted.command())
    await own.started
    const halt = await flip('contract:in-scope.echo', 'HALTED')
    await expectHalted(await stopped, halt.body.revision)
    release()
    expect(await goesOn).toMatchObject({ status: 201, body: { reached: 'DryRunRecorded' } })
    expect(executor.runs).toBe(1)
  })

  it('does not wait for an executor that does not heed its signal', async () => {
    const { command, manifests } = catalogueOf('deaf')
    await register(ledger, manifests)
    const { started, release } = holdRuns(executor)
    const call = ledger.dispatch(command())
    await started
    const halt = await flip('global', 'HALTED')
    await expectHalted(await call, halt.body.revision)
    release()
  })

  it('stops the simulator, and the next run is unharmed', async () => {
    const real = await openSecond(ledger)
    try {
      const { command, manifests } = catalogueOf('spinning', { limits: { timeMs: 25_000 } })
      await register(real, manifests)
      expect((await real.dispatch(command())).status).toBe(201)
      const call = real.dispatch(command({ params: { spin: true } }))
      const endedAt = call.then(() => performance.now())
      // Answered behind it by the same processes: so it runs.
      expect((await real.dispatch(command({ occurrence: 'beside' }))).status).toBe(201)
      const halt = await flip('contract:spinning.echo', 'HALTED')
      const haltedAtMs = performance.now()
      expect((await endedAt) - haltedAtMs).toBeLessThan(STOPPED_MS)
      await expectHalted(await call, halt.body.revision)
      await flip('contract:spinning.echo', 'DRY_RUN_ONLY')
      expect((await real.dispatch(command({ occurrence: 'after' }))).status).toBe(201)
    } finally {
      await real.close()
    }
  })
})

describe('a process that cannot read the switch', () => {
  it('stops what it runs, answers that it could not tell, and records nothing', async () => {
    const { command, manifests } = catalogueOf('blind')
    await register(ledger, manifests)
    const { started, stopped } = endless(executor)
    const call = ledger.dispatch(command())
    await started
    await log.lose(ledger)
    const blindAtMs = performance.now()
    try {
      expect((await stopped) - blindAtMs).toBeLessThan(STOPPED_MS)
      const { status, body } = await call
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'store-unavailable' })
      expect(body.eventsAppended).toBe(0)
    } finally {
      await log.giveBack(ledger)
    }
    expect(await historyOf(ledger, (await call).body.dispatchId)).toEqual([])
  })
})
