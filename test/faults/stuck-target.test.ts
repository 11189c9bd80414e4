import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { parseHttpAllow } from '../../src/http-allow.ts'
import { httpCatalogueOf, register } from '../support/front-door.ts'
import { dryAnswer, openService, type Service } from '../support/http-service.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { until } from '../support/until.ts'

/** More of one key's than may be at work, and of one origin's than it has lanes. */
const STUCK = LIMITS.keyRequestsAtWork + LIMITS.lanes

/** What waits for an answer at the stuck one. */
const held: ServerResponse[] = []
let stuck: Service
let good: Service
let ledger: TestLedger
beforeAll(async () => {
  stuck = await openService((_, response) => held.push(response))
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
    await until(async () => stuck.heard.length === LIMITS.lanes || undefined)
    const begun = performance.now()
    const reply = await ledger.dispatch(toGood.command({ params: {} }))
    expect(reply.status).toBe(201)
    expect(performance.now() - begun).toBeLessThan(LIMITS.laneWaitMs / 3)
    expect(stuck.connections()).toBe(LIMITS.lanes)

    // A halt ends those that are under way, as nothing that the target did, and those that wait never begin.
    await ledger.setSwitch('HALTED')
    for (const response of held) dryAnswer()(response.req, response)
    const ends = new Set((await Promise.all(calls)).map(({ body }) => body.code))
    expect(ends).toEqual(new Set(['kill-switch-engaged']))
    expect(stuck.heard).toHaveLength(LIMITS.lanes)
    await ledger.setSwitch('DRY_RUN_ONLY')
  })
})
