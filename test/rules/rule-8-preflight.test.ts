import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { JsonObject } from '../../domain/json.ts'
import { dryReport, ScriptedExecutor } from '../support/doubles.ts'
import {
  catalogueOf,
  gateIn,
  historyOf,
  register,
  retire,
  typesOf,
  watch,
} from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const executor = new ScriptedExecutor()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry })
})
afterEach(() => executor.reset())
afterAll(() => ledger.close())

const sha256 = (manifest: JsonObject): string =>
  `sha256:${createHash('sha256').update(canonicalJson(manifest)).digest('hex')}`

describe('rule 8: nothing but a Refused is written before contract, fixture and target are there', () => {
  const gone = catalogueOf('gone')
  const other = catalogueOf('other', { executor: 'telepathy', program: {}, baseline: [] })
  beforeAll(async () => {
    const noFixture = { ...gone.contract, id: 'gone.no-fixture', fixture: 'gone.retired@1' }
    const retired = { ...gone.contract, id: 'gone.retired' }
    await register(ledger, [
      ...gone.manifests,
      { ...gone.fixture, id: 'gone.retired' },
      noFixture,
      retired,
      { ...gone.target(), id: 'gone/retired' },
      { ...gone.target(), id: 'gone/other-type', executor: 'telepathy' },
      { ...gone.target(), id: 'gone/one/deeper' },
      { ...other.target(), executor: 'telepathy' },
      other.fixture,
      other.contract,
    ])
    await retire(ledger, 'fixture', 'gone.retired')
    await retire(ledger, 'contract', 'gone.retired')
    await retire(ledger, 'target', 'gone/retired')
  })

  it.each([
    ['an unknown contract', { contract: { id: 'gone.none', version: 1 } }, 'contract-missing', 409],
    ['another version', { contract: { id: 'gone.echo', version: 2 } }, 'contract-missing', 409],
    [
      'a retired contract',
      { contract: { id: 'gone.retired', version: 1 } },
      'contract-retired',
      409,
    ],
    [
      'a retired fixture',
      { contract: { id: 'gone.no-fixture', version: 1 } },
      'fixture-missing',
      409,
    ],
    ['params of another shape', { params: { say: 1 } }, 'params-invalid', 422],
    ['params that the schema has not', { params: { shout: 'x' } }, 'params-invalid', 422],
    ['an unknown target', { target: 'gone/none' }, 'target-missing', 409],
    ['a retired target', { target: 'gone/retired' }, 'target-missing', 409],
    ['a target of another pattern', { target: 'sample/one' }, 'target-not-allowed', 422],
    ['a target two segments below', { target: 'gone/one/deeper' }, 'target-not-allowed', 422],
    ['a target of another executor', { target: 'gone/other-type' }, 'target-not-allowed', 422],
  ])('for %s', async (name, change, code, status) => {
    const command = gone.command({ occurrence: name.replaceAll(' ', '-'), ...change })
    const { reply, events } = await watch(ledger, () => ledger.dispatch(command))
    expect(reply.status).toBe(status)
    expect(reply.body).toMatchObject({
      code,
      rule: 8,
      stage: 'admission',
      reached: null,
      eventsAppended: 1,
    })
    expect(typesOf(events)).toEqual(['Refused'])
    const { contract, target, params, outputNamespace, occurrence } = command
    expect(events[0]).toMatchObject({
      revision: 0,
      data: {
        code,
        digest: reply.body.digest,
        command: { contract, target, params, outputNamespace, occurrence },
      },
    })
    expect(events[0].data.snapshot.gates).toHaveLength(7)
    expect(executor.runs).toBe(0)
  })

  it('a plan is all that a contract without an executor gets', async () => {
    const { reply, events } = await watch(ledger, () => ledger.dispatch(other.command()))
    expect(reply.status).toBe(409)
    expect(reply.body).toMatchObject({
      code: 'executor-missing',
      rule: 0,
      stage: 'preflight',
      whoMustAct: 'operator',
      reached: 'Planned',
    })
    expect(typesOf(events)).toEqual(['Planned', 'Refused'])
    expect(events[1].data).not.toHaveProperty('command')
    expect(events[1].data.snapshot.gates).toHaveLength(11)
  })

  it('what is missing may be registered later, and the same command then goes through', async () => {
    const { manifests, command } = catalogueOf('later')
    const refused = await ledger.dispatch(command())
    expect(refused.body.code).toBe('contract-missing')
    await register(ledger, manifests)
    const created = await ledger.dispatch(command())
    expect(created).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
    expect(typesOf(await historyOf(ledger, created.body.dispatchId))).toEqual([
      'Refused',
      'Planned',
      'PreflightPassed',
      'DryRunRecorded',
    ])
  })
})

describe('rule 8: a plan pins what it was made against', () => {
  it('with version and digest of contract, fixture and target', async () => {
    const { manifests, target, fixture, contract, command } = catalogueOf('pinned')
    await register(ledger, [...manifests, target(7)])
    const { body } = await ledger.dispatch(command({ mode: 'PLAN_ONLY' }))
    expect(body.event.data.pins).toEqual({
      contract: { version: 1, sha256: sha256(contract) },
      fixture: { version: 1, sha256: sha256(fixture) },
      target: { version: 7, sha256: sha256(target(7)) },
    })
    const { body: shown } = await ledger.ask('GET', `/v1/dispatches/${body.dispatchId}`)
    expect(shown.pins).toEqual(body.event.data.pins)
  })

  it('is stale after a newer target, until a new occurrence plans again', async () => {
    const { manifests, target, command } = catalogueOf('moved')
    await register(ledger, manifests)
    await ledger.dispatch(command({ mode: 'PLAN_ONLY' }))
    await register(ledger, [target(2)])
    for (const mode of ['VERIFY_ONLY', 'DRY_RUN'] as const) {
      const { reply, events } = await watch(ledger, () => ledger.dispatch(command({ mode })))
      expect(reply.status).toBe(422)
      expect(reply.body).toMatchObject({
        code: 'plan-stale',
        rule: 8,
        stage: 'preflight',
        whoMustAct: 'caller',
        retryable: false,
        reached: 'Planned',
      })
      expect(gateIn(reply.body.gates, 'pins').seen.target.version).toBe(1)
      expect(typesOf(events)).toEqual(['Refused'])
    }
    expect(executor.runs).toBe(0)
    const replayed = await ledger.dispatch(command({ mode: 'PLAN_ONLY' }))
    expect(replayed.body.outcome).toBe('replayed')
    const again = await ledger.dispatch(command({ occurrence: 'again' }))
    expect(again.status).toBe(201)
    const [planned] = await historyOf(ledger, again.body.dispatchId)
    expect(planned.data.pins.target.version).toBe(2)
  })

  it('is not stale for an older version, nor once the newer one is retired', async () => {
    const { fixture, contract, target, command } = catalogueOf('back')
    await register(ledger, [fixture, contract, target(5)])
    await ledger.dispatch(command({ mode: 'PLAN_ONLY' }))
    await register(ledger, [target(4)])
    expect((await ledger.dispatch(command({ mode: 'VERIFY_ONLY' }))).status).toBe(200)
    await register(ledger, [target(6)])
    expect((await ledger.dispatch(command())).body.code).toBe('plan-stale')
    await retire(ledger, 'target', 'back/one', 6)
    const { status, body } = await ledger.dispatch(command())
    expect(status).toBe(200)
    expect(body).toMatchObject({ outcome: 'advanced', reached: 'DryRunRecorded' })
  })
})

describe('rule 8: what was retired refuses, and takes nothing back', () => {
  it.each([
    ['contract', 'echo', 'contract-retired'],
    ['fixture', 'words', 'fixture-missing'],
    ['target', 'one', 'target-missing'],
  ])('a %s', async (kind, part, code) => {
    const name = `retired-${kind}`
    const { manifests, command } = catalogueOf(name)
    await register(ledger, manifests)
    await ledger.dispatch(command({ mode: 'VERIFY_ONLY' }))
    await ledger.dispatch(command({ occurrence: 'whole' }))
    await retire(ledger, kind, kind === 'target' ? `${name}/${part}` : `${name}.${part}`)
    const advance = await ledger.dispatch(command())
    expect(advance.status).toBe(409)
    expect(advance.body).toMatchObject({ code, stage: 'admission', reached: 'PreflightPassed' })
    expect((await ledger.dispatch(command({ occurrence: 'new' }))).body.code).toBe(code)
    for (const replay of [
      { mode: 'PLAN_ONLY' },
      { mode: 'VERIFY_ONLY' },
      { occurrence: 'whole' },
    ]) {
      const { status, body } = await ledger.dispatch(command(replay as object))
      expect({ status, outcome: body.outcome }).toEqual({ status: 200, outcome: 'replayed' })
    }
  })
})

describe('rule 8: the baseline of a contract must still hold', () => {
  const otherwise = (plan: Parameters<ScriptedExecutor['onBaseline']>[0]) =>
    dryReport(plan, { output: 'otherwise' })

  it.each([
    ['another output', otherwise],
    [
      'another verdict',
      (plan: Parameters<typeof otherwise>[0]) => dryReport(plan, { verdict: 'would_fail' }),
    ],
  ])('refuses when a new build gives %s for a golden case', async (name, onBaseline) => {
    const { manifests, command } = catalogueOf(name.replace(' ', '-'))
    await register(ledger, manifests)
    Object.assign(executor, { build: 2, onBaseline })
    const { reply, events } = await watch(ledger, () => ledger.dispatch(command()))
    expect(reply.status).toBe(409)
    expect(reply.body).toMatchObject({
      code: 'baseline-mismatch',
      rule: 8,
      stage: 'preflight',
      whoMustAct: 'catalogue-owner',
      retryable: true,
      reached: 'Planned',
    })
    expect(gateIn(reply.body.gates, 'baseline').seen).toEqual({
      cases: 1,
      matched: 0,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      differing: ['says hello'],
    })
    expect(typesOf(events)).toEqual(['Planned', 'Refused'])
    expect(executor.runs).toBe(0)
    executor.onBaseline = (plan) => dryReport(plan)
    const mended = await ledger.dispatch(command())
    expect(mended.body).toMatchObject({ outcome: 'advanced', eventsAppended: 2 })
    expect(mended.body.event.data.executor).toEqual({ type: 'simulator', build: 2 })
  })

  it('runs the cases once a build, and again only while they do not match', async () => {
    const { manifests, command } = catalogueOf('cached')
    let asked = 0
    const count = (onBaseline: ScriptedExecutor['onBaseline']) => {
      executor.onBaseline = (plan, signal) => {
        asked += 1
        return onBaseline(plan, signal)
      }
    }
    count((plan) => dryReport(plan))
    await register(ledger, manifests)
    for (const occurrence of ['1', '2', '3']) await ledger.dispatch(command({ occurrence }))
    expect(asked).toBe(1)
    executor.build = 3
    count(otherwise)
    for (const occurrence of ['4', '5']) await ledger.dispatch(command({ occurrence }))
    expect(asked).toBe(3)
    count((plan) => dryReport(plan))
    for (const occurrence of ['4', '5']) await ledger.dispatch(command({ occurrence }))
    expect(asked).toBe(4)
  })

  it('is judged again before an executor runs, whatever was reached before', async () => {
    const { manifests, command } = catalogueOf('old-preflight')
    await register(ledger, manifests)
    const verified = await ledger.dispatch(command({ mode: 'VERIFY_ONLY' }))
    expect(verified.body.reached).toBe('PreflightPassed')
    Object.assign(executor, { build: 2, onBaseline: otherwise })
    const { body } = await ledger.dispatch(command())
    expect(body).toMatchObject({ code: 'baseline-mismatch', reached: 'PreflightPassed' })
    expect(executor.runs).toBe(0)
    const replayed = await ledger.dispatch(command({ mode: 'VERIFY_ONLY' }))
    expect(replayed.body.outcome).toBe('replayed')
  })

  it('lists at most ten of the cases that differ', async () => {
    const one = { params: { say: 'hello' }, verdict: 'would_succeed' }
    const output = { echo: 'hello', fixture: 'dry' }
    const baseline = Array.from({ length: 12 }, (_, n) => ({ ...one, name: `case ${n}`, output }))
    const { manifests, command } = catalogueOf('many', { baseline })
    await register(ledger, manifests)
    Object.assign(executor, { build: 2, onBaseline: otherwise })
    const { seen } = gateIn((await ledger.dispatch(command())).body.gates, 'baseline')
    expect(seen).toMatchObject({ cases: 12, matched: 0 })
    expect(seen.differing).toHaveLength(10)
  })
})

describe('rule 8: the order of the stages', () => {
  it('is that of the gates in the snapshots', async () => {
    const { body } = await ledger.dispatch(sampleCommand({ occurrence: 'order' }))
    const events = await historyOf(ledger, body.dispatchId)
    const names = events.map((it) =>
      it.data.snapshot.gates.map((one: { gate: string }) => one.gate),
    )
    const admission = [
      'mode',
      'kill-switch',
      'namespace',
      'contract',
      'params',
      'fixture',
      'target',
    ]
    const preflight = [...admission, 'pins', 'executor', 'read-only', 'baseline']
    expect(names).toEqual([admission, preflight, [...preflight, 'evidence']])
  })
})
