import { randomBytes } from 'node:crypto'
import { createEventStoreDb } from '../../src/stores/eventstoredb/event-store.ts'
import { describeEventStore } from './event-store.ts'

/** An empty ledger in a server that holds many: its streams have a prefix of their own. */
export const newPrefix = (): string => `t${randomBytes(6).toString('hex')}.`

const realUrl = process.env['EVENTSTORE_URL']
if (realUrl !== undefined) {
  describeEventStore('EventStoreDB', async () => {
    const store = createEventStoreDb({ url: realUrl, prefix: newPrefix() })
    return { store, close: () => store.close() }
  })
}
