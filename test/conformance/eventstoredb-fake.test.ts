import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { createEventStoreDb } from '../../src/stores/eventstoredb/event-store.ts'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { describeEventStore } from './event-store.ts'

let fake: FakeEventStoreDb
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
})
afterAll(() => fake.stop())

describeEventStore('EventStoreDB, a fake of it', async () => {
  const prefix = `t${randomBytes(6).toString('hex')}.`
  const store = createEventStoreDb({ url: fake.url, prefix })
  return { store, close: () => store.close() }
})
