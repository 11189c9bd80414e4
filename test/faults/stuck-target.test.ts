import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { createHttp } from '../../src/executors/http/http.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { parseHttpAllow } from '../../src/http-allow.ts'
import { Busy } from '../../src/ports.ts'
import { dryReport, ScriptedExecutor } from '../support/doubles.ts'
import { historyOf, httpCatalogueOf, register, typesOf } from '../support/front-door.ts'
import { httpPlan } from '../support/http-plan.ts'
import { dryAnswer, openService, type Service } from '../support/http-service.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

/** More of one key's than may be at work, and of one origin's than it has lanes. */
const STUCK = LIMITS.keyRequestsAtWork + LIMITS.lanesOfOrigin

let stuck: Service
let good: Service
let ledger: TestLedger
beforeAll(async () => {
  stuck = await openService(() => undefined)
  good = await openService(dryAnswer())
  ledger = await openReadyLedger({ httpAllow: parseHttpAllow('127.0.0.0/8') })
})
afterAll(async () => {
  await ledger.close()
  await stuck.close()
  await good.close()
})

describe('a target that never answers', () => {
  it('has a bounded number of dry runs, and delays nobody who goes elsewhere with the same key', async () => {
    const limits = { contract: { limits: { timeMs: 20_000 } } }
    const toStuck = httpCatalogueOf('stuck', stuck.origin, limits)
    const toGood = httpCatalogueOf('good', good.origin)
    await register(ledger, [...toStuck.manifests, ...toGood.manifests])
    const calls = Array.from({ length: STUCK }, (_, n) =>
      ledger.dispatch(toStuck.command({ params: {}, occurrence: `n${n}` })),
    )
    await until(async () => stuck.heard.length === LIMITS.lanesOfOrigin || undefined)
    const begun = performance.now()
    const reply = await ledger.dispatch(toGood.command({ params: {} }))
    expect(reply.status).toBe(201)
    expect(performance.now() - begun).toBeLessThan(LIMITS.laneWaitMs / 3)
    expect(stuck.connections()).toBe(LIMITS.lanesOfOrigin)

    // A halt ends those that are under way and those that wait, as nothing that the target did.
    await ledger.setSwitch('HALTED')
    const ends = new Set((await Promise.all(calls)).map(({ body }) => body.code))
    expect(ends).toEqual(new Set(['kill-switch-engaged']))
    expect(stuck.heard).toHaveLength(LIMITS.lanesOfOrigin)
    await ledger.setSwitch('DRY_RUN_ONLY')
  })
})

describe('a dry run that finds no place to begin', () => {
  const executor = new ScriptedExecutor()
  let busy: TestLedger
  beforeAll(async () => {
    busy = await openReadyLedger({ executors: executor.registry })
    executor.io = true
  })
  afterAll(() => busy.close())

  it('could not be told of, leaves no observation, and may be asked for again at once', async () => {
    executor.onRun = () => {
      throw new Busy('all the places were taken')
    }
    const { status, headers, body } = await busy.dispatch(sampleCommand())
    expect({ status, code: body.code, retryable: body.retryable }).toEqual({
      status: 503,
      code: 'gate-indeterminate',
      retryable: true,
    })
    expect(headers['retry-after']).toBe('1')
    expect(typesOf(await historyOf(busy, body.dispatchId))).toEqual(['Planned', 'PreflightPassed'])
    executor.onRun = (plan) => dryReport(plan)
    expect((await busy.dispatch(sampleCommand())).body).toMatchObject({ outcome: 'advanced' })
  })
})

describe('the lanes to an origin', () => {
  const executor = () =>
    createHttp({ allow: parseHttpAllow('127.0.0.0/8'), reader: createSqlRead({}) })

  it('are refused at once when too many wait for them', async () => {
    const http = executor()
    const caller = new AbortController()
    const plan = httpPlan(stuck.origin)
    const asked = LIMITS.lanesOfOrigin + LIMITS.lanesWaiting
    const runs = Array.from({ length: asked }, () =>
      http.dryRun(plan, caller.signal).catch((error: unknown) => error),
    )
    await expect(http.dryRun(plan, caller.signal)).rejects.toBeInstanceOf(Busy)
    await expect(http.dryRun(httpPlan(good.origin), caller.signal)).resolves.toBeDefined()
    caller.abort()
    const ends = await Promise.all(runs)
    expect(ends.every((it) => (it as { code?: string }).code === 'aborted')).toBe(true)
    await http.close()
  })
})
