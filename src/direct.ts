/** What an owner or an operator does to a ledger without a server. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import { EVIDENCE_NAMES } from '../domain/gates/evidence.ts'
import { createKey } from './access/keys.ts'
import { assertSound } from './access/new-key.ts'
import type { Config } from './config.ts'
import { followControl } from './control/follow-control.ts'
import { type Flip, setSwitch } from './control/set-switch.ts'
import { attachEmbeddedPostgres, hasEmbeddedPostgres } from './embedded/index.ts'
import type { NewKey } from './ports.ts'
import { asStartError, StartError } from './start-error.ts'
import { openLog } from './stores/open-log.ts'
import { migrate } from './stores/postgres/migrate.ts'

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
