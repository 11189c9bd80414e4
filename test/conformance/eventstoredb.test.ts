import { createEventStoreDb } from '../../src/stores/eventstoredb/event-store.ts'
import { newPrefix } from '../support/ledger.ts'
import { describeEventStore } from './event-store.ts'

const realUrl = process.env['EVENTSTORE_URL']
if (realUrl !== undefined) {
  describeEventStore('EventStoreDB', async () => {
    const store = createEventStoreDb({ url: realUrl, prefix: newPrefix() })
    return { store, close: () => store.close() }
  })
}
