import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dryReport, ScriptedExecutor } from '../support/doubles.ts'
import { watch } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const executor = new ScriptedExecutor()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: executor.registry })
})
afterEach(() => executor.reset())
afterAll(() => ledger.close())

const batch = (dispatches: unknown) => ledger.ask('POST', '/v1/dispatches/batch', { dispatches })
const named = (occurrence: string, change: object = {}) =>
  sampleCommand({ occurrence: occurrence.replaceAll(' ', '-'), ...change })

describe('POST /v1/dispatches/batch', () => {
  it('answers each command as it would be answered alone, in order', async () => {
    const commands = [
      named('batch-1'),
      named('batch-2', { mode: 'PLAN_ONLY' }),
      named('batch-3', { outputNamespace: 'production' }),
      named('batch-4', { mode: 'REAL_RUN' }),
      { ...named('batch-5'), surplus: true },
      'no command',
      named('batch-6', { params: { say: 'x'.repeat(40_000) } }),
      named('batch-7'),
    ]
    const { status, body } = await batch(commands)
    expect(status).toBe(200)
    const answered = body.results.map((it: never) => {
      const { status: own, body: answer } = it as { status: number; body: Record<string, string> }
      return [own, answer['code'] ?? answer['outcome']]
    })
    expect(answered).toEqual([
      [201, 'created'],
      [201, 'created'],
      [403, 'namespace-production'],
      [403, 'production-execution-not-authorized'],
      [422, 'schema-invalid'],
      [422, 'schema-invalid'],
      [413, 'too-large'],
      [201, 'created'],
    ])
    for (const [index, command] of [commands[0], commands[7]].entries()) {
      const { body: alone } = await ledger.dispatch(command)
      expect(alone.outcome).toBe('replayed')
      expect(alone.event).toEqual(body.results[index * 7].body.event)
    }
  })

  it('judges equal commands one after the other: the first one creates', async () => {
    const command = named('twins')
    const modes = ['PLAN_ONLY', 'DRY_RUN', 'DRY_RUN', 'VERIFY_ONLY', 'PLAN_ONLY']
    const { reply, events } = await watch(ledger, () =>
      batch(modes.map((mode) => ({ ...command, mode }))),
    )
    const outcomes = reply.body.results.map(
      (it: never) => (it as { body: never })['body']['outcome'],
    )
    expect(outcomes).toEqual(['created', 'advanced', 'replayed', 'replayed', 'replayed'])
    expect(events.map((it) => it.type)).toEqual(['Planned', 'PreflightPassed', 'DryRunRecorded'])
  })

  it('takes 1,000 commands, and writes what 1,000 calls would have written', async () => {
    const commands = Array.from({ length: 1_000 }, (_, index) =>
      named(`many-${index}`, { mode: 'VERIFY_ONLY' }),
    )
    const before = await ledger.countEvents()
    const { body } = await batch(commands)
    expect(body.results).toHaveLength(1_000)
    expect(new Set(body.results.map((it: { status: number }) => it.status))).toEqual(new Set([201]))
    expect(await ledger.countEvents()).toBe(before + 2_000)
    const again = await batch(commands)
    expect(new Set(again.body.results.map((it: { status: number }) => it.status))).toEqual(
      new Set([200]),
    )
    expect(await ledger.countEvents()).toBe(before + 2_000)
  })

  it('refuses none, too many, and a body that is no batch', async () => {
    const bodies = [[], Array.from({ length: 1_001 }, () => ({})), {}, null]
    for (const dispatches of bodies) {
      const { status, body } = await batch(dispatches)
      expect([status, body.code]).toEqual([422, 'schema-invalid'])
    }
    const { status, body } = await ledger.send('/v1/dispatches/batch', '{"dispatches":[1,]}')
    expect([status, body.code]).toEqual([400, 'malformed-json'])
  })

  it('lets an item nest as deep as a command alone may, and no deeper', async () => {
    const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    const deep = (depth: number) => named('deep', { params: { say: nested(depth) } })
    // The command, its params and the arrays.
    for (const [depth, code] of [
      [30, 'params-invalid'],
      [31, 'too-deep'],
    ] as const) {
      expect((await ledger.dispatch(deep(depth))).body.code).toBe(code)
      const { body } = await batch([deep(depth)])
      expect(body.code ?? body.results[0].body.code).toBe(code)
    }
  })

  it('streams: the first answer comes before the last command has run', async () => {
    const { app, key } = ledger
    await app.listen({ host: '127.0.0.1', port: 0 })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    executor.onRun = async (plan) => {
      if (plan.params['say'] === 'later') await held
      return dryReport(plan)
    }
    const payload = JSON.stringify({
      dispatches: [named('at once'), named('held', { params: { say: 'later' } })],
    })
    const { port } = app.server.address() as AddressInfo
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const path = '/v1/dispatches/batch'
    const sent = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers })
    sent.end(payload)
    const parts: string[] = []
    const trailers = await new Promise<NodeJS.Dict<string>>((resolve, reject) => {
      sent.on('error', reject)
      sent.on('response', (response) => {
        response.on('data', (part) => {
          parts.push(String(part))
          release()
        })
        response.on('end', () => resolve(response.trailers))
      })
    })
    const { results } = JSON.parse(parts.join(''))
    expect(results.map((it: { status: number }) => it.status)).toEqual([201, 201])
    expect(parts[0]).toContain('"status":201')
    expect(Number(trailers['ledger-position'])).toBe(results[1].body.position)
  })
})
