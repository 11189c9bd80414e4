import type { EventStoreDBClient } from '@eventstore/db-client'

/** Loaded with the first use: a ledger on Postgres never does. */
const load = () => import('@eventstore/db-client')

async function open(url: string): Promise<EventStoreDBClient> {
  const { EventStoreDBClient: Client } = await load()
  return Client.connectionString(url)
}

export type ReadingClient = Readonly<{
  get(): Promise<EventStoreDBClient>
  close(): Promise<void>
}>

/** For reads and subscriptions: as many as one likes, they do each other no harm. */
export function openReader(url: string): ReadingClient {
  let client: Promise<EventStoreDBClient> | null = null
  return {
    get: () => (client ??= open(url)),
    async close() {
      await dispose(client)
    },
  }
}

export type AppendingClient = Readonly<{
  get(): Promise<EventStoreDBClient>
  /** Ends a client that does not answer, once, however many say so. */
  renew(silent: EventStoreDBClient): Promise<void>
  close(): Promise<void>
}>

type Shared = {
  readonly url: string
  users: number
  client: Promise<EventStoreDBClient> | null
  /** The end of the client before: its successor is made after it, never beside it. */
  ended: Promise<void>
}

function end(it: Shared): Promise<void> {
  it.ended = dispose(it.client)
  it.client = null
  return it.ended
}

/**
 * The appending client of this process. Appends of all clients of a process wait in one map inside
 * the package, and the end of any of them rejects the appends of every other and leaves it without
 * answers for ever. So there is one, all stores of one server share it, and a second server is refused.
 */
let shared: Shared | null = null

export function openAppender(url: string): AppendingClient {
  let mine: Shared | null = null
  const join = (): Shared => {
    if (mine !== null) return mine
    shared ??= { url, users: 0, client: null, ended: Promise.resolve() }
    if (shared.url !== url) {
      throw new Error('This process appends to another EventStoreDB already: it can append to one.')
    }
    shared.users += 1
    mine = shared
    return mine
  }
  return {
    async get() {
      const it = join()
      return (it.client ??= it.ended.then(() => open(url)))
    },
    async renew(silent) {
      const client = mine?.client
      if ((await client) === silent && mine !== null && mine.client === client) await end(mine)
    },
    async close() {
      if (mine === null) return
      const it = mine
      mine = null
      it.users -= 1
      if (it.users > 0) return
      await end(it)
      if (it.users === 0 && shared === it) shared = null
    },
  }
}

/** `dispose` ends the calls of a client and leaves its connection open. */
async function dispose(opened: Promise<EventStoreDBClient> | null): Promise<void> {
  const client = await opened?.catch(() => undefined)
  if (client === undefined) return
  await client.dispose()
  const inner = client as unknown as { getChannel: () => Promise<{ close(): void }> }
  await inner.getChannel().then(
    (channel) => channel.close(),
    () => undefined,
  )
}
