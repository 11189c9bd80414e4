import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type pg from 'pg'
import type { ManifestBody } from '../domain/control/manifest.ts'
import { type ControlState, versionsOf } from '../domain/control/state.ts'
import { type CallsSetting, createAnalytics } from './analytics/index.ts'
import type { Config } from './config.ts'
import { applyCatalogue, type CataloguePorts, retireManifest } from './control/apply-catalogue.ts'
import { followControl } from './control/follow-control.ts'
import { type SetSwitch, type SwitchPorts, setSwitch } from './control/set-switch.ts'
import { type Copied, type CopyProgress, copyLedger } from './copy-ledger.ts'
import type { HaltContract } from './dispatch/suspicion.ts'
import { attachEmbeddedPostgres, EmbeddedError } from './embedded/index.ts'
import { createBaselineRunner } from './executors/baseline.ts'
import { createHttp } from './executors/http/http.ts'
import { createSimulator } from './executors/simulator/simulator.ts'
import {
  examineSource,
  lookAtSource,
  summarizeSource,
} from './executors/sql-read/examine-source.ts'
import { readerSql } from './executors/sql-read/reader-sql.ts'
import { createSqlRead, whyBadSqlProgram } from './executors/sql-read/sql-read.ts'
import { createFacts } from './facts/index.ts'
import { whyBadSchema } from './facts/params.ts'
import type { HttpPorts } from './http/ports.ts'
import { NOWHERE } from './http-allow.ts'
import type { EventStore, ExecutorRegistry, Finding, Log } from './ports.ts'
import { startProjectorThread } from './projector/in-thread.ts'
import type { Projector, ProjectorPorts } from './projector/projector.ts'
import { PROJECTIONS, readList, readProjection } from './projector/read-models.ts'
import { examineEventStoreDb } from './stores/eventstoredb/examine.ts'
import { markVoid } from './stores/mark-void.ts'
import { type LogPlace, openLog, openRestored } from './stores/open-log.ts'
import { examineDatabase } from './stores/postgres/examine.ts'
import { whyNotServable } from './stores/postgres/migrate.ts'
import { POOL_SIZES } from './stores/postgres/pool.ts'
import { createSharedTail } from './stores/shared-tail.ts'
import { watchAppends } from './stores/watch-appends.ts'
import type { Telemetry } from './telemetry/index.ts'

/** Starts the projectors of the read models: see startProjectors. */
export type StartProjectors = (
  ports: ProjectorPorts & Readonly<{ place: LogPlace }>,
) => readonly Projector[]

const isSource = import.meta.url.endsWith('.ts')
const PROJECTOR_THREAD = new URL(
  isSource ? './projector-thread.ts' : './projector-thread.js',
  import.meta.url,
)

export const startProjectorsInThread = (
  ports: Pick<Parameters<StartProjectors>[0], 'place' | 'log'>,
): readonly Projector[] => startProjectorThread(PROJECTOR_THREAD, ports)

/**
 * The log as one server has it: its void events marked, tailed once for all who follow, its control
 * folded. `folded` is that fold without asking the store.
 */
export function followLog(
  place: LogPlace,
  doubles: Readonly<{ store?: (store: EventStore) => EventStore }>,
  telemetry: Telemetry,
  logger: FastifyBaseLogger,
) {
  const log = openLog(place)
  const kept = markVoid(watchAppends(doubles.store?.(log) ?? log, telemetry.aroundAppend))
  const store = { ...kept, tail: createSharedTail(kept) }
  const { folded, ...followed } = followControl(store, logger)
  return { store, ledger: telemetry.ledger(followed), folded, closeLog: () => log.close() }
}

/** The read models: what is written by these projectors, and the connections that read it. */
export function openReadModels(pool: pg.Pool, store: EventStore, projectors: readonly Projector[]) {
  return {
    projectors,
    projections: () => Promise.all(projectors.map((it) => readProjection(it, { pool, store }))),
    list: (...asked: Parameters<HttpPorts['list']>) => readList(pool, ...asked),
    whyNotServable: () => whyNotServable(pool),
    close: () => Promise.all(projectors.map((projector) => projector.close())),
  }
}

type Dispatch = HttpPorts['dispatch']

/** What analysts read. Calls are counted under contracts that this process knows. */
export function openAnalytics(
  pool: pg.Pool,
  { log, folded, setting }: Readonly<{ log: Log; folded(): ControlState; setting: CallsSetting }>,
) {
  const analytics = createAnalytics(pool, log, setting)
  const isRegistered = (id: string): boolean => versionsOf(folded(), 'Contract', id).length > 0
  return {
    ...analytics,
    counted: (run: Dispatch): Dispatch => analytics.counted(run, isRegistered),
  }
}

/** The use cases of `control`, and the halt that is the ledger's own. */
export function openControl(
  given: Omit<CataloguePorts & SwitchPorts, 'whyBadSchema'>,
  telemetry: Telemetry,
) {
  const ports = { ...given, whyBadSchema }
  const set = telemetry.setSwitch((call: SetSwitch) => setSwitch(call, ports))
  const halt: HaltContract = async (call, contractId, reason) => {
    const scope = `contract:${contractId}`
    await set({ ...call, actor: 'ledger', scope, state: 'HALTED', reason })
  }
  return {
    halt,
    setSwitch: async (call: SetSwitch) => (await set(call)).position,
    applyCatalogue: (call: Parameters<typeof applyCatalogue>[0]) => applyCatalogue(call, ports),
    retireManifest: (call: Parameters<typeof retireManifest>[0]) => retireManifest(call, ports),
  }
}

/** Where dry runs may go, or other executors in their place. */
type Reach = Readonly<{ executors?: ExecutorRegistry }> &
  Partial<Pick<Config, 'sqlSources' | 'httpAllow'>>

/** What invokes, and the facts that rest on it. Measured are the dry runs of dispatches alone. */
export function openExecutors(
  { executors: given, sqlSources = {}, httpAllow = NOWHERE }: Reach,
  telemetry: Telemetry,
  logger: FastifyBaseLogger,
) {
  const simulator = createSimulator({ log: logger })
  const sqlRead = createSqlRead(sqlSources)
  const http = createHttp({ allow: httpAllow, reader: sqlRead })
  const own = [simulator, sqlRead, http]
  const plain = given ?? new Map(own.map((it) => [it.type, it]))
  const executors = given ?? new Map(own.map((it) => [it.type, telemetry.executor(it)]))
  const runBaseline = createBaselineRunner(plain)
  return {
    executors,
    runBaseline,
    facts: telemetry.facts(createFacts(executors, runBaseline)),
    whyNotAllowed,
    /** Processes start before the first dispatch needs them; a gate says so if they cannot. */
    warmUp() {
      if (given === undefined) simulator.facts().catch(() => undefined)
    },
    async close() {
      await Promise.all(own.map((executor) => executor.close()))
    },
  }
}

/** Why the SQL of a manifest may not be asked, or null: a contract's, or that of a cross-check. */
function whyNotAllowed(body: ManifestBody): string | null {
  if (body.kind === 'Fixture') return null
  if (body.kind === 'Target')
    return body.crossCheck === undefined ? null : whyBadSqlProgram({ ...body.crossCheck })
  return body.executor === 'sql-read' ? whyBadSqlProgram(body.program) : null
}

/** Why dry runs may use one source, or may not. */
export const examineSqlSource = async (name: string, url: string): Promise<readonly Finding[]> =>
  examineSource(name, await lookAtSource(url))

/** The sources of a config, one finding each. */
export const examineSqlSources = ({ sqlSources }: Config): Promise<readonly Finding[]> =>
  Promise.all(
    Object.entries(sqlSources).map(async ([name, url]) =>
      summarizeSource(name, await lookAtSource(url)),
    ),
  )

/** For the owner of a source's database: a login that can only read. */
export const sqlForReader = async (name: string, url: string): Promise<string> =>
  readerSql(name, url, await lookAtSource(url), randomBytes(18).toString('base64url'))

export function nameOfStore({ databaseUrl, eventStoreDb }: Config): string {
  const postgres = databaseUrl === undefined ? 'Postgres 18 (embedded)' : 'Postgres (DATABASE_URL)'
  return eventStoreDb === null
    ? postgres
    : `EventStoreDB (EVENTSTORE_URL), read models in ${postgres}`
}

const LISTENERS = 2
/** What one server opens at most: its pools, who listens for appends, and one a read model. */
const CONNECTIONS_MAX =
  Object.values(POOL_SIZES).reduce((sum: number, size) => sum + size, LISTENERS) +
  PROJECTIONS.length

/** Looks at the database of a config, and at the server of its log where that is another one. */
export async function examineStore(config: Config, log: Log): Promise<readonly Finding[]> {
  const { eventStoreDb } = config
  const elsewhere = eventStoreDb === null ? [] : await examineEventStoreDb(eventStoreDb)
  return [...(await examinePostgres(config, log)), ...elsewhere]
}

export { restrictEventStoreDb, WRITERS } from './stores/eventstoredb/bootstrap.ts'

/** An embedded one is started for that where it does not run. */
async function examinePostgres(
  { databaseUrl, dataDir }: Config,
  log: Log,
): Promise<readonly Finding[]> {
  if (databaseUrl !== undefined) return examineDatabase(databaseUrl, CONNECTIONS_MAX)
  if (!existsSync(join(dataDir, 'pg'))) {
    const found = `there is no database in ${dataDir}`
    const todo = 'The first start makes one: dispatch-ledger serve. Or name one with DATABASE_URL.'
    return [{ check: 'postgres', status: 'unknown', found, todo }]
  }
  try {
    const { runtimeUrl, release } = await attachEmbeddedPostgres({ dataDir, log })
    try {
      return await examineDatabase(runtimeUrl, CONNECTIONS_MAX)
    } finally {
      await release()
    }
  } catch (error) {
    if (!(error instanceof EmbeddedError)) throw error
    const todo = 'Mend what it says; the log of the server is pg.log in the data directory.'
    return [{ check: 'postgres', status: 'unknown', found: error.message, todo }]
  }
}

/** Copies a ledger from one store into another one, and compares them. */
export async function copyBetween(
  places: Readonly<{ from: LogPlace; to: LogPlace }>,
  progress: (progress: CopyProgress) => void,
): Promise<Copied> {
  const from = openLog(places.from)
  const to = openRestored(places.to)
  try {
    return await copyLedger({ from, to }, progress)
  } finally {
    await Promise.all([from.close(), to.close()])
  }
}
