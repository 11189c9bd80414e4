import { randomBytes, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import pg from 'pg'
import { EVIDENCE_NAMES } from '../domain/gates/evidence.ts'
import { type NegativeControlResult, runNegativeControls } from '../domain/gates/index.ts'
import { EXECUTION_ENABLED } from '../domain/gates/mode.ts'
import { adminKeyFile, ensureFirstKey } from './access/first-key.ts'
import { createAccess } from './access/index.ts'
import { createKey } from './access/keys.ts'
import { assertSound } from './access/new-key.ts'
import type { CallsSetting } from './analytics/index.ts'
import type { Config } from './config.ts'
import { followControl } from './control/follow-control.ts'
import { type Flip, setSwitch } from './control/set-switch.ts'
import { assertNamespaceAllowed } from './dispatch/allowed-namespace.ts'
import { explainCommand } from './dispatch/explain.ts'
import { createPacing } from './dispatch/pacing.ts'
import { runDispatch } from './dispatch/run-dispatch.ts'
import { createRunWatch } from './dispatch/run-watch.ts'
import { selfTest } from './dispatch/self-test.ts'
import {
  attachEmbeddedPostgres,
  EmbeddedError,
  type EmbeddedPostgres,
  hasEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded/index.ts'
import type { HttpPorts } from './http/ports.ts'
import { createServer } from './http/server.ts'
import type { EventStore, ExecutorRegistry, NewKey } from './ports.ts'
import { startProjectors } from './projector/read-models.ts'
import { readReadiness } from './readiness.ts'
import { openLog } from './stores/open-log.ts'
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

/** A start that cannot go on: one sentence for the person at the terminal. */
export class StartError extends Error {}

/** Test doubles come in here; a server has none. */
export type Doubles = Readonly<{
  executors?: ExecutorRegistry
  store?: (store: EventStore) => EventStore
  negativeControls?: readonly NegativeControlResult[]
  calls?: CallsSetting
}>

/** Left out, the projectors run in the thread of the ledger, and dry runs may reach nothing. */
export type Parts = Doubles &
  Readonly<{ projectors?: StartProjectors }> &
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
    ledger = await createLedger(url, config.version, logger, {
      projectors: startProjectorsInThread,
      sqlSources: config.sqlSources,
      httpAllow: config.httpAllow,
      eventStoreDb: config.eventStoreDb,
    })
    const address = await listen(ledger.app, config)
    await embedded?.announce(address)
    const running = ledger
    return {
      url: address,
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

async function asStartError<T>(starting: Promise<T>): Promise<T> {
  try {
    return await starting
  } catch (error) {
    throw error instanceof EmbeddedError ? new StartError(error.message, { cause: error }) : error
  }
}

/** Makes the schema of a database current, as its owner. Returns the migrations it applied. */
export const migrateDatabase = (ownerUrl: string): Promise<readonly string[]> => migrate(ownerUrl)

/** Makes an access key, as the owner of the database: of `databaseUrl`, or of the data directory. */
export async function makeKey(
  config: Config,
  logger: FastifyBaseLogger,
  key: NewKey & { readonly databaseUrl: string | undefined },
): Promise<{ id: string; key: string }> {
  assertSound(key)
  const attached =
    key.databaseUrl === undefined
      ? await asStartError(attachEmbeddedPostgres({ dataDir: config.dataDir, log: logger }))
      : null
  const owner = new pg.Client({ connectionString: key.databaseUrl ?? attached?.ownerUrl })
  try {
    await owner.connect()
    const made = await createKey(owner, key)
    return { id: made.id, key: made.key }
  } finally {
    await owner.end()
    await attached?.release()
  }
}

/**
 * Halts a scope through the store itself, whether a server answers or not: whoever may append needs
 * no key. The halt binds every server of the store. A release has no such way.
 */
export async function haltDirectly(
  config: Config,
  logger: FastifyBaseLogger,
  halt: Readonly<{ scope: string; reason: string; actor: string }>,
): Promise<Flip> {
  const inPostgres = config.eventStoreDb === null && config.databaseUrl === undefined
  const attached = inPostgres ? await attachExisting(config, logger) : null
  const url = config.databaseUrl ?? attached?.runtimeUrl ?? ''
  const store = openLog({ url, eventStoreDb: config.eventStoreDb })
  try {
    const call = { callId: randomUUID(), correlationId: randomBytes(16).toString('hex') }
    const ports = {
      store,
      ledger: followControl(store, logger),
      executors: new Set(Object.keys(EVIDENCE_NAMES)),
    }
    return await setSwitch({ ...call, ...halt, state: 'HALTED' }, ports)
  } finally {
    await store.close()
    await attached?.release()
  }
}

/** A halt must find a ledger, never make one. */
async function attachExisting({ dataDir }: Config, log: FastifyBaseLogger) {
  if (hasEmbeddedPostgres(dataDir)) return asStartError(attachEmbeddedPostgres({ dataDir, log }))
  throw new StartError(`There is no ledger in ${dataDir}: set LEDGER_DATA_DIR, or DATABASE_URL.`)
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
