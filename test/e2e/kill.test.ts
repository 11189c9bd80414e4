import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Command, connect, type Ledger } from '../../src/client/index.ts'
import { type Serving, startServer, stopServer } from '../support/cli.ts'
import { newLogSettings } from '../support/ledger.ts'
import { SAMPLE_CATALOGUE, sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const CALLERS = 8
const ROUNDS = 2
const ACKNOWLEDGED_A_ROUND = 60

let dataDir: string
let settings: Record<string, string>
let serving: Serving | undefined

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-kill-'))
  await chmod(dataDir, 0o711)
  settings = { LEDGER_DATA_DIR: dataDir, ...newLogSettings() }
})
afterEach(async () => {
  if (serving !== undefined) await stopServer(serving)
  await rm(dataDir, { recursive: true, force: true })
})

const start = async (): Promise<Ledger> => {
  serving = await startServer(settings)
  const key = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim()
  return connect({ url: serving.url, key, triesMax: 1 })
}

it('keeps every acknowledged dispatch when the server is killed under load, and replays its retry', async () => {
  let ledger = await start()
  await ledger.request('PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'a test' })
  await ledger.request('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })
  const acknowledged = new Map<string, Command>()
  for (let round = 0; round < ROUNDS; round++) {
    const goal = acknowledged.size + ACKNOWLEDGED_A_ROUND
    const load = startLoad(ledger, round, acknowledged)
    await until(() => acknowledged.size >= goal, { what: 'the load', timeoutMs: 30_000 })
    await stopServer(serving as Serving, 'SIGKILL')
    await load
    ledger = await start()
    for (const [dispatchId, command] of acknowledged) {
      const again = await ledger.dispatch(command)
      expect(again).toMatchObject({ outcome: 'replayed', dispatchId, eventsAppended: 0 })
    }
  }
}, 120_000)

/** Calls until the connection breaks; what was answered is acknowledged. */
async function startLoad(
  ledger: Ledger,
  round: number,
  acknowledged: Map<string, Command>,
): Promise<void> {
  const caller = async (name: number): Promise<void> => {
    for (let n = 0; ; n++) {
      const command = sampleCommand({ occurrence: `round-${round}-${name}-${n}` })
      const answer = await ledger.dispatch(command).catch(() => null)
      if (answer === null) return
      if (answer.outcome !== 'refused') acknowledged.set(answer.dispatchId, command)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, (_, name) => caller(name)))
}
