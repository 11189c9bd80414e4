import type { Worker } from 'node:worker_threads'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Log } from '../../src/ports.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { startProjectorsInThread } from '../../src/wiring.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { untilFollowed } from '../support/followed.ts'
import { silentLog } from '../support/silent-log.ts'
import { until } from '../support/until.ts'
import { controlAppend } from './appends.ts'

/** A log whose lines can be read. */
function keptLog(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const keep: Log['info'] = (_, message) => lines.push(message)
  return { log: { info: keep, warn: keep, error: keep }, lines }
}

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

describe('the thread of the projectors', () => {
  it('keeps every read model, says so, and ends when it is told to', async () => {
    const store = createPostgresEventStore(database.runtimeUrl)
    const projectors = startProjectorsInThread({
      place: { url: database.runtimeUrl, eventStoreDb: null },
      log: silentLog,
    })
    const names = projectors.map((it) => it.projection.name)
    expect(names).toEqual(PROJECTIONS.map((it) => it.name))
    expect(projectors.map((it) => it.status().state)).toEqual(names.map(() => 'starting'))
    await until(() => projectors.every((it) => it.status().state === 'following'))
    await store.appendControl(controlAppend(-1))
    const owner = new pg.Client({ connectionString: database.ownerUrl })
    await owner.connect()
    await untilFollowed(owner)
    await owner.end()
    await Promise.all(projectors.map((it) => it.close()))
    await store.close()
  })

  it('tells what it cannot do, and tries again', async () => {
    const { log, lines } = keptLog()
    const url = new URL(database.runtimeUrl)
    url.pathname = '/nowhere'
    const projectors = startProjectorsInThread({
      place: { url: url.href, eventStoreDb: null },
      log,
    })
    await until(() => projectors.every((it) => it.status().state === 'stopped'))
    expect(projectors[0]?.status().detail).toBe('the batch failed: 3D000')
    await Promise.all(projectors.map((it) => it.close()))
    expect(lines).toContain('projection stopped')
  })

  it('is started again when it dies', async () => {
    const threads: Worker[] = []
    const note = (thread: Worker) => threads.push(thread)
    process.on('worker', note)
    const projectors = startProjectorsInThread({
      place: { url: database.runtimeUrl, eventStoreDb: null },
      log: silentLog,
    })
    const states = () => new Set(projectors.map((it) => it.status().state))
    const followsAgain = () => until(() => states().size === 1 && states().has('following'))
    await followsAgain()
    await threads[0]?.terminate()
    expect(projectors.map((it) => it.status())).toEqual(
      projectors.map(() => ({ state: 'stopped', detail: 'its thread ended' })),
    )
    await followsAgain()
    process.off('worker', note)
    await Promise.all(projectors.map((it) => it.close()))
  })
})
