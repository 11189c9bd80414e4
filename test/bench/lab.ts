import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import pino from 'pino'
import { dispatchStream } from '../../domain/identity.ts'
import { createKey } from '../../src/access/keys.ts'
import { SCOPES } from '../../src/access/scopes.ts'
import { readManifests } from '../../src/cli/catalogue.ts'
import { startEmbeddedPostgres } from '../../src/embedded/index.ts'
import { createLedger } from '../../src/main.ts'
import type { DispatchAppend, NewEvent } from '../../src/ports.ts'
import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { grantRuntime, migrate } from '../../src/stores/postgres/migrate.ts'
import { SMALL_CATALOGUE, smallCommand } from './small-contract.ts'

/** A Postgres with the settings of a ledger in use, a catalogue, a key, and one dispatch as it is written. */
export type Lab = Readonly<{
  ownerUrl: string
  runtimeUrl: string
  dataDir: string
  key: string
  /** The three events of a dry run, as the product wrote them. */
  sample: readonly NewEvent[]
  owner: pg.Client
  close(): Promise<void>
}>

const silent = pino({ level: 'silent' })
const EXAMPLE = new URL('../../examples/iu-cutter/', import.meta.url)

export async function openLab(): Promise<Lab> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-bench-'))
  await chmod(dataDir, 0o711)
  const postgres = await startEmbeddedPostgres({ dataDir, log: silent })
  const { ownerUrl, runtimeUrl } = postgres
  await migrate(ownerUrl)
  await grantRuntime(ownerUrl, new URL(runtimeUrl).username)
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  const made = { name: 'bench', scopes: SCOPES, namespacePrefixes: [], expiresAt: null }
  const { key } = await createKey(owner, made)
  const sample = await prepare(runtimeUrl, key)
  return {
    ownerUrl,
    runtimeUrl,
    dataDir,
    key,
    sample,
    owner,
    async close() {
      await owner.end()
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Releases the switch, registers the catalogue, and dispatches once to see what is written. */
async function prepare(url: string, key: string): Promise<readonly NewEvent[]> {
  const { app, close } = await createLedger(url, '0.0.0-bench', silent)
  const ask = async (method: 'PUT' | 'POST', path: string, payload: object) => {
    const headers = { authorization: `Bearer ${key}` }
    const reply = await app.inject({ method, url: path, payload, headers })
    if (reply.statusCode >= 300) throw new Error(reply.payload)
    return reply.json()
  }
  const manifests = readManifests(new URL('catalogue', EXAMPLE).pathname)
  await ask('PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'bench' })
  await ask('POST', '/v1/catalogue', { manifests })
  await ask('POST', '/v1/catalogue', { manifests: SMALL_CATALOGUE })
  const { dispatchId } = await ask('POST', '/v1/dispatches', smallCommand)
  const store = createPostgresEventStore(url)
  const { events } = await store.load(dispatchStream(dispatchId))
  await Promise.all([store.close(), close()])
  return events.map(({ id, type, data, metadata }) => {
    const { schemaVersion, correlationId, actor } = metadata
    return { id, type, data, metadata: { schemaVersion, correlationId, actor } }
  })
}

/** A dispatch that no log holds yet, with the bytes of the sample. */
export function newAppend({ sample }: Lab, controlRevision: number): DispatchAppend {
  const stream = dispatchStream(randomUUID())
  const events = sample.map((event) => ({ ...event, id: randomUUID() }))
  return { stream, expected: -1, events, callId: randomUUID(), controlRevision }
}
