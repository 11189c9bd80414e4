import { afterAll, beforeAll } from 'vitest'
import { createEventStoreDb } from '../../src/stores/eventstoredb/event-store.ts'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { newPrefix } from '../support/ledger.ts'
import { describeEventStore } from './event-store.ts'

let fake: FakeEventStoreDb
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
})
afterAll(() => fake.stop())

/** Every store is empty: its streams have a prefix of their own. */
const openAt = (url: () => string) => async () => {
  const store = createEventStoreDb({ url: url(), prefix: newPrefix() })
  return { store, close: () => store.close() }
}

describeEventStore(
  'EventStoreDB, a fake of it',
  openAt(() => fake.url),
)

const realUrl = process.env['EVENTSTORE_URL']
if (realUrl !== undefined) {
  describeEventStore(
    'EventStoreDB',
    openAt(() => realUrl),
  )
}
