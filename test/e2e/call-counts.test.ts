import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connect, type Ledger } from '../../src/client/index.ts'
import { type Serving, startServer, stopServer } from '../support/cli.ts'
import { SAMPLE_CATALOGUE, sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let dataDir: string
let serving: Serving | undefined

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-counts-'))
  await chmod(dataDir, 0o711)
})
afterEach(async () => {
  if (serving !== undefined) await stopServer(serving)
  await rm(dataDir, { recursive: true, force: true })
})

const start = async (): Promise<Ledger> => {
  serving = await startServer({ LEDGER_DATA_DIR: dataDir })
  const key = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim()
  return connect({ url: serving.url, key })
}
const end = (signal: NodeJS.Signals) => stopServer(serving as Serving, signal)

async function sumOf(ledger: Ledger): Promise<number> {
  const { status, body } = await ledger.request('GET', '/v1/analytics/calls_hourly_v1')
  expect(status).toBe(200)
  const { rows } = body as { rows: { calls: number }[] }
  return rows.reduce((sum, row) => sum + row.calls, 0)
}

it('loses of the counts what a killed server had not written, and nothing when it is stopped', async () => {
  let ledger = await start()
  await ledger.request('PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'a test' })
  await ledger.request('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })
  let answered = 0
  const dispatch = async (): Promise<void> => {
    await ledger.dispatch(sampleCommand({ mode: 'PLAN_ONLY' }))
    answered += 1
  }
  const written = await until(async () => {
    await dispatch()
    return (await sumOf(ledger)) || undefined
  })
  for (let n = 0; n < 3; n++) await dispatch()
  await end('SIGKILL')

  ledger = await start()
  const kept = await sumOf(ledger)
  expect(kept).toBeGreaterThanOrEqual(written)
  expect(kept).toBeLessThanOrEqual(answered)
  for (let n = 0; n < 3; n++) await dispatch()
  expect(await end('SIGTERM')).toBe(0)

  ledger = await start()
  expect(await sumOf(ledger)).toBe(kept + 3)
}, 120_000)
