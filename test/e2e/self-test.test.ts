import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GATES } from '../../domain/gates/index.ts'
import type { Doubles } from '../../src/main.ts'
import type { Executor } from '../../src/ports.ts'
import { runCli } from '../support/cli.ts'
import { openSecond, ScriptedExecutor, type SecondServer } from '../support/doubles.ts'
import { watch } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

async function onSecond<T>(
  doubles: Doubles,
  use: (server: SecondServer) => Promise<T>,
): Promise<T> {
  const server = await openSecond(ledger, doubles)
  try {
    return await use(server)
  } finally {
    await server.close()
  }
}

/** The gates that the self-test of a server with these doubles finds silent. */
const silentOn = (doubles: Doubles): Promise<unknown[]> =>
  onSecond(doubles, async (server) => {
    const { body } = await server.ask('POST', '/v1/self-test')
    expect(body).toMatchObject({ of: 12, fired: 12 - silent(body).length })
    return silent(body).map((it) => [it['gate'], it['alone'], it['inServer'], it['answered']])
  })
const silent = (body: { controls: Record<string, unknown>[] }) =>
  body.controls.filter((it) => it['fired'] !== true)

describe('the self-test', () => {
  it.each(['DRY_RUN_ONLY', 'HALTED'])(
    'shows that every gate refuses, alone and in this server, while the switch says %s',
    async (state) => {
      await ledger.setSwitch(state)
      const { reply, events } = await watch(ledger, () => ledger.ask('POST', '/v1/self-test'))
      expect(reply.status).toBe(200)
      expect(reply.body).toEqual({
        fired: 12,
        of: 12,
        controls: GATES.map(({ name, rule, negativeControl: { code } }) => ({
          gate: name,
          rule,
          code,
          fired: true,
          alone: true,
          inServer: true,
          answered: code,
        })),
      })
      expect(events).toEqual([])
      await ledger.setSwitch('DRY_RUN_ONLY')
    },
  )

  it('names the gate that lets its control through, which keeps the server unready', async () => {
    const negativeControls = GATES.map(({ name }) => ({ gate: name, fired: name !== 'namespace' }))
    expect(await silentOn({ negativeControls })).toEqual([
      ['namespace', false, true, 'namespace-production'],
    ])
    await onSecond({ negativeControls }, async (server) => {
      expect((await server.ask('GET', '/readyz')).status).toBe(503)
      const { status, body } = await server.dispatch(sampleCommand())
      expect([status, body.code]).toEqual([503, 'not-ready'])
    })
  })

  it('finds golden cases that match whatever they are, though the gate alone is sound', async () => {
    const flattering = new ScriptedExecutor()
    flattering.onBaseline = () => ({
      verdict: 'would_succeed',
      output: null,
      evidence: {},
      stats: { durationMs: 0 },
    })
    const found = await silentOn({ executors: flattering.registry })
    // The run itself is not asked for: what the control brings is refused after it.
    expect(found).toEqual([['baseline', true, false, 'mutation-suspected']])
  })

  it('finds an executor that answers for types that nobody runs', async () => {
    const executor = new ScriptedExecutor()
    executor.onBaseline = ({ program }) => ({
      verdict: JSON.stringify(program).includes('would_fail') ? 'would_fail' : 'would_succeed',
      output: null,
      evidence: {},
      stats: { durationMs: 0 },
    })
    const any = new Map<string, Executor>([['simulator', executor as unknown as Executor]])
    any.get = () => executor as unknown as Executor
    expect(await silentOn({ executors: any })).toEqual([
      ['executor', true, false, 'gate-indeterminate'],
    ])
  })

  it('finds an executor that has gone: nothing that needs it can be shown', async () => {
    const gone = await silentOn({ executors: new Map() })
    expect(gone).toEqual(
      ['read-only', 'baseline', 'evidence'].map((it) => [it, true, false, 'executor-missing']),
    )
  })

  it('needs the scope of whoever may halt', async () => {
    const key = await ledger.newKey({ scopes: ['switch:read', 'dispatch:append'] })
    const { status, body } = await ledger.ask('POST', '/v1/self-test', undefined, { key })
    expect([status, body.code]).toEqual([403, 'forbidden'])
  })

  it('prints n/n, and exits 1 with the name of a gate that is silent', async () => {
    const url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
    const env = { LEDGER_KEY: ledger.key }
    const whole = await runCli(['self-test', '--url', url], { env })
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(whole.stdout).toContain('  ✓ evidence     rule 0  refuses with mutation-suspected\n')
    expect(whole.stdout).toMatch(/12\/12 negative controls fired\n$/)
    const negativeControls = GATES.map(({ name }) => ({ gate: name, fired: name !== 'mode' }))
    await onSecond({ negativeControls }, async ({ app }) => {
      const broken = await app.listen({ host: '127.0.0.1', port: 0 })
      const one = await runCli(['self-test', '--url', broken], { env })
      expect(one.code).toBe(1)
      expect(one.stdout).toContain('  ✗ mode         rule 1  SILENT: it must refuse with')
      expect(one.stdout).toMatch(/11\/12 negative controls fired\n$/)
    })
  })
})
