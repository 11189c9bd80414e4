import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../src/embedded/index.ts'
import { grantRuntime, migrate } from '../../src/stores/postgres/migrate.ts'
import { compile } from './compiled.ts'
import { silentLog } from './silent-log.ts'
import { startSystemPostgres } from './system-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder that is removed after the last test. */
    runDir: string
    /** The superuser's URL of the run's Postgres. */
    ownerUrl: string
    /** The runtime login's URL. */
    runtimeUrl: string
    /** The superuser's URL of another version of Postgres, where this system has one. */
    systemUrl: string | null
    /** Where the log of every ledger is, when it is not in Postgres: `npm run test:eventstoredb`. */
    eventStoreUrl: string | null
  }
}

export const TEMPLATE = 'ledger_template'

/** One Postgres for the whole run, and one migrated database that every test file copies. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-test-'))
  await chmod(runDir, 0o711)
  const dataDir = join(runDir, 'postgres')
  const starting = startEmbeddedPostgres({ dataDir, log: silentLog, fsync: false })
  const [postgres, system] = await Promise.all([starting, startSystemPostgres(), compile()])
  if (system === null) sayThatNoneIsThere()
  const owner = new pg.Client({ connectionString: postgres.ownerUrl })
  await owner.connect()
  await owner.query(`create database ${TEMPLATE}`)
  await owner.end()
  const template = withDatabase(postgres.ownerUrl, TEMPLATE)
  await migrate(template)
  await grantRuntime(template, new URL(postgres.runtimeUrl).username)
  project.provide('runDir', runDir)
  project.provide('ownerUrl', postgres.ownerUrl)
  project.provide('runtimeUrl', postgres.runtimeUrl)
  project.provide('systemUrl', system?.ownerUrl ?? null)
  const eventStore = await openEventStore()
  project.provide('eventStoreUrl', eventStore?.url ?? null)
  return async () => {
    await Promise.all([postgres.stop(), system?.stop(), eventStore?.stop()])
    await rm(runDir, { recursive: true, force: true })
  }
}

/** The server of EVENTSTORE_URL, or a fake one, where the log is to be there. */
async function openEventStore(): Promise<{ url: string; stop(): Promise<void> } | null> {
  const { LEDGER_STORE, EVENTSTORE_URL } = process.env
  if (LEDGER_STORE !== 'eventstoredb') return null
  if (EVENTSTORE_URL) return { url: EVENTSTORE_URL, stop: () => Promise.resolve() }
  const { startFakeEventStoreDb } = await import('./fake-eventstoredb.ts')
  return startFakeEventStoreDb()
}

/** A machine may lack it; the one that tests every change may not. */
function sayThatNoneIsThere(): void {
  const line =
    'No second Postgres: what is said of one is not tried (Debian: apt install postgresql).'
  if (process.env['CI'] === 'true') throw new Error(line)
  process.stdout.write(`${line}\n`)
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
