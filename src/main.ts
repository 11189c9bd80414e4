import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type NegativeControlResult, runNegativeControls } from '../domain/gates/index.ts'
import { EXECUTION_ENABLED } from '../domain/gates/mode.ts'
import { adminKeyFile, ensureFirstKey } from './access/first-key.ts'
import { createAccess } from './access/index.ts'
import type { CallsSetting } from './analytics/index.ts'
import type { Config } from './config.ts'
import { type ConsoleFile, readConsoleFiles } from './console-files.ts'
import { assertNamespaceAllowed } from './dispatch/allowed-namespace.ts'
import { explainCommand } from './dispatch/explain.ts'
import { createPacing } from './dispatch/pacing.ts'
import { runDispatch } from './dispatch/run-dispatch.ts'
import { createRunWatch } from './dispatch/run-watch.ts'
import { selfTest } from './dispatch/self-test.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/index.ts'
import type { HttpPorts } from './http/ports.ts'
import { createServer } from './http/server.ts'
import { createOneTimeKey, NO_KEY, type OneTimeKey } from './one-time-key.ts'
import type { EventStore, ExecutorRegistry } from './ports.ts'
import { startProjectors } from './projector/read-models.ts'
import { readReadiness } from './readiness.ts'
import { asStartError, StartError } from './start-error.ts'
import { grantRuntime, migrate, whyNotServable } from './stores/postgres/migrate.ts'
import { connect, createPool } from './stores/postgres/pool.ts'
import { createTelemetry } from './telemetry/index.ts'
import {
  followLog,
  nameOfStore,
  openAnalytics,
  openControl,
  openExecutors,
  openReadModels,
  type StartProjectors,
  startProjectorsInThread,
} from './wiring.ts'

/** Test doubles come in here; a server has none. */
export type Doubles = Readonly<{
  executors?: ExecutorRegistry
  store?: (store: EventStore) => EventStore
  negativeControls?: readonly NegativeControlResult[]
  calls?: CallsSetting
}>

/** Left out, the projectors run in the thread of the ledger, and dry runs may reach nothing. */
export type Parts = Doubles &
  Readonly<{
    projectors?: StartProjectors
    oneTimeKey?: OneTimeKey
    consoleFiles?: readonly ConsoleFile[]
  }> &
  Partial<Pick<Config, 'sqlSources' | 'httpAllow' | 'eventStoreDb'>>

export type Ledger = Readonly<{ app: FastifyInstance; close(): Promise<void> }>

/**
 * Wires a ledger onto a migrated database: `url` is the runtime login. The only place, with
 * cli/main.ts, that knows every adapter. Nothing listens yet.
 */
export async function createLedger(
  url: string,
  version: string,
  logger: FastifyBaseLogger,
  { projectors: start = startProjectors, ...parts }: Parts = {},
): Promise<Ledger> {
  assertNothingExecutes()
  const pool = createPool(url, 'readers')
  const access = createAccess({ keys: createPool(url, 'keys'), readers: pool }, logger)
  const place = { url, eventStoreDb: parts.eventStoreDb ?? null }
  const telemetry = createTelemetry()
  const { store, ledger, folded, closeLog } = followLog(place, parts, telemetry, logger)
  const invoking = openExecutors(parts, telemetry, logger)
  const clock = () => performance.now()
  const pacing = createPacing(clock)
  const watch = createRunWatch(ledger)
  const control = openControl({ ...invoking, store, ledger }, telemetry)
  const paces = { clock, pacing, watch }
  const dispatchPorts = { ...invoking, ...control, ...paces, store, ledger, log: logger }
  const { aroundBatch } = telemetry
  const connectProjector = () => connect(url, 'projector')
  const projectorPorts = { place, store, log: logger, aroundBatch, connect: connectProjector }
  const reading = openReadModels(pool, store, start(projectorPorts))
  const analytics = openAnalytics(pool, { log: logger, folded, setting: parts.calls ?? {} })
  const negativeControls = runControls(parts)

  const ports: HttpPorts = {
    version,
    ledger,
    store,
    ...access,
    oneTimeKey: parts.oneTimeKey ?? NO_KEY,
    consoleFiles: parts.consoleFiles ?? readConsoleFiles(),
    dispatch: analytics.counted(telemetry.dispatch((call) => runDispatch(call, dispatchPorts))),
    async explain(command, caller) {
      assertNamespaceAllowed(caller, command)
      return explainCommand(command, dispatchPorts)
    },
    ...control,
    list: reading.list,
    projections: reading.projections,
    analytics,
    negativeControls,
    selfTest: () => selfTest(dispatchPorts, runControls(parts)),
    metrics: () => telemetry.scrape({ ledger, ...reading }),
    readiness: () => readReadiness({ negativeControls, ledger, ...reading }),
  }
  const app = await createServer(ports, logger, telemetry.watchRequests)
  invoking.warmUp()
  return {
    app,
    async close() {
      await app.close()
      await analytics.close()
      await access.close()
      await reading.close()
      await Promise.all([closeLog(), invoking.close(), pool.end()])
    },
  }
}

const runControls = ({ negativeControls }: Doubles) => negativeControls ?? runNegativeControls()

/** Rule 1, at boot: the constant that nothing assigns still says what it says. */
function assertNothingExecutes(enabled: boolean = EXECUTION_ENABLED): void {
  if (enabled) throw new Error('EXECUTION_ENABLED is not false')
}

export type RunningLedger = Readonly<{
  url: string
  /** Opens the console, once; null where the console wants a key typed in. */
  link: string | null
  store: string
  guarantee: string
  adminKeyFile: string | null
  /** Calls back once when the embedded database is lost for good. */
  onFatal(listener: (error: Error) => void): void
  close(): Promise<void>
}>

/** Starts everything a config asks for, and listens. Leaves nothing behind when it cannot. */
export async function serve(config: Config, logger: FastifyBaseLogger): Promise<RunningLedger> {
  const embedded = config.databaseUrl === undefined ? await openEmbedded(config, logger) : null
  const url = config.databaseUrl ?? embedded?.runtimeUrl ?? ''
  let ledger: Ledger | null = null
  try {
    await assertServable(url)
    const oneTimeKey = await openOneTimeKey(config)
    ledger = await createLedger(url, config.version, logger, {
      projectors: startProjectorsInThread,
      sqlSources: config.sqlSources,
      httpAllow: config.httpAllow,
      eventStoreDb: config.eventStoreDb,
      oneTimeKey,
    })
    const address = await listen(ledger.app, config)
    await embedded?.announce(address)
    const running = ledger
    return {
      url: address,
      link: oneTimeKey.token === null ? null : `${address}/#token=${oneTimeKey.token}`,
      store: nameOfStore(config),
      guarantee: config.eventStoreDb === null ? 'atomic' : 'fenced',
      adminKeyFile: embedded === null ? null : adminKeyFile(config.dataDir),
      onFatal: (listener) => embedded?.onFatal(listener),
      async close() {
        await running.close()
        await embedded?.stop()
      },
    }
  } catch (error) {
    await ledger?.close()
    await embedded?.stop()
    throw error
  }
}

/** The first key of an embedded ledger, for a browser on this machine. */
async function openOneTimeKey({ databaseUrl, dataDir, host }: Config): Promise<OneTimeKey> {
  if (databaseUrl !== undefined || !LOOPBACK.includes(host)) return NO_KEY
  const key = await readFile(adminKeyFile(dataDir), 'utf8').catch(() => null)
  return key === null ? NO_KEY : createOneTimeKey(key.trim())
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

async function openEmbedded(config: Config, logger: FastifyBaseLogger): Promise<EmbeddedPostgres> {
  const embedded = await asStartError(
    startEmbeddedPostgres({ dataDir: config.dataDir, log: logger }),
  )
  try {
    await migrate(embedded.ownerUrl)
    await grantRuntime(embedded.ownerUrl, new URL(embedded.runtimeUrl).username)
    await ensureFirstKey(embedded.ownerUrl, config.dataDir)
    return embedded
  } catch (error) {
    await embedded.stop()
    throw error
  }
}

async function assertServable(url: string): Promise<void> {
  const pool = createPool(url, 'start')
  try {
    const why = await whyNotServable(pool)
    if (why === null) return
    throw new StartError(
      `Cannot serve this database: ${why}. Run: dispatch-ledger migrate --database-url <owner>`,
    )
  } catch (error) {
    if (error instanceof StartError) throw error
    const reason = error instanceof Error ? error.message || error.name : String(error)
    throw new Error(`Cannot reach the database of DATABASE_URL: ${reason}.`, { cause: error })
  } finally {
    await pool.end()
  }
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new StartError(`Port ${port} is in use: set LEDGER_PORT to another one, or to 0.`)
  }
  const address = app.server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${name}:${address.port}`
}
