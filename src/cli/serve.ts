import { resolve } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { LIMITS } from '../../domain/limits.ts'
import { type Config, readConfig } from '../config.ts'
import { type RunningLedger, serve as startServing } from '../main.ts'
import { createLog } from '../telemetry/log.ts'

/** For what is under way, and for putting everything away after it. */
const CLOSE_MS = LIMITS.stopMs + 10_000

/**
 * Serves until it is told to stop. Resolves once it listens. A signal lets what is under way finish
 * and ends with 0; a second one ends at once, with 1.
 */
export async function serve(): Promise<number> {
  const config = readConfig(process.env)
  const log = await createLog(config.logLevel)
  const starting = startServing(config, log)
  // A signal while the database starts waits for the start, then closes what was started.
  const signals = closeWithGrace({ delay: CLOSE_MS, logger: log }, async ({ err }) => {
    if (err) log.error({ err }, 'closing after an error')
    await starting.then(
      (running) => running.close(),
      () => undefined,
    )
  })
  const running = await starting.catch((error: unknown) => {
    signals.uninstall()
    throw error
  })
  process.stdout.write(`${banner(config, running)}\n`)
  running.onFatal((error) => {
    log.fatal({ err: error }, 'the database is lost')
    process.exit(1)
  })
  return 0
}

export function banner(config: Config, running: RunningLedger): string {
  const { link } = running
  const lines = [
    `Dispatch Ledger ${config.version}`,
    `  store      ${running.store}, guarantee ${running.guarantee}`,
    `  url        ${running.url}`,
    `  console    ${link ?? `${running.url}/ with a key`}${link === null ? '' : ' (once)'}`,
    `  data       ${config.databaseUrl === undefined ? resolve(config.dataDir) : 'in the database'}`,
    `  admin key  ${running.adminKeyFile === null ? 'make one: dispatch-ledger keys create --database-url <owner>' : resolve(running.adminKeyFile)}`,
  ]
  return lines.join('\n')
}
