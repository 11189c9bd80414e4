import { randomBytes } from 'node:crypto'
import pg from 'pg'
import pino, { type Logger } from 'pino'
import { inject } from 'vitest'
import { createKey } from '../../src/access/keys.ts'
import { SCOPES } from '../../src/access/scopes.ts'
import { createLedger, type Ledger, type Parts } from '../../src/main.ts'
import type { NewKey } from '../../src/ports.ts'
import { type LogPlace, openFollowedLog } from '../../src/stores/open-log.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { SAMPLE_CATALOGUE } from './sample.ts'

/** Whatever JSON holds: tests say what they expect of it. */
type Parsed = ReturnType<typeof JSON.parse>
export type Reply = Readonly<{
  status: number
  body: Parsed
  headers: Readonly<Record<string, unknown>>
}>
export type Asked = Readonly<{ key?: string; headers?: Record<string, string> }>

/** A whole ledger on a database of its own; `ask` goes through the front door. */
export type TestLedger = Readonly<{
  app: Ledger['app']
  database: TestDatabase
  /** Where its log is when it is not in that database. */
  eventStoreDb: LogPlace['eventStoreDb']
  key: string
  ask(method: string, path: string, body?: unknown, asked?: Asked): Promise<Reply>
  /** Sends a body byte for byte. */
  send(path: string, payload: Buffer | string, asked?: Asked): Promise<Reply>
  dispatch(command: unknown, asked?: Asked): Promise<Reply>
  setSwitch(state: string): Promise<Reply>
  newKey(key?: Partial<NewKey>): Promise<string>
  /** How many events the log holds. */
  countEvents(): Promise<number>
  close(): Promise<void>
}>

export async function openLedger(
  parts: Parts = {},
  log: Logger = pino({ level: 'silent' }),
): Promise<TestLedger> {
  const database = await createDatabase()
  const eventStoreDb = parts.eventStoreDb ?? newEventStoreDb()
  const wired = { ...parts, eventStoreDb }
  const { app, close } = await createLedger(database.runtimeUrl, '0.0.0-test', log, wired)
  const newKey = (key: Partial<NewKey> = {}) => makeKey(database.ownerUrl, key)
  const key = await newKey()

  const send: TestLedger['send'] = async (path, payload, asked = {}) => {
    const headers = { 'content-type': 'application/json', ...auth(asked.key ?? key) }
    const url = path
    return reply(
      await app.inject({ method: 'POST', url, payload, headers: { ...headers, ...asked.headers } }),
    )
  }
  const ask: TestLedger['ask'] = async (method, path, body, asked = {}) => {
    const headers = { ...auth(asked.key ?? key), ...asked.headers }
    const payload = body === undefined ? {} : { payload: body as object }
    return reply(await app.inject({ method: method as 'GET', url: path, headers, ...payload }))
  }
  return {
    app,
    database,
    eventStoreDb,
    key,
    send,
    ask,
    newKey,
    dispatch: (command, asked) => ask('POST', '/v1/dispatches', command, asked),
    setSwitch: (state) => ask('PUT', '/v1/switch/global', { state, reason: 'a test' }),
    async countEvents() {
      if (eventStoreDb !== null) return countInLog({ url: database.runtimeUrl, eventStoreDb })
      const rows = await database.query<{ n: number }>(
        'select count(*)::int as n from ledger.events',
      )
      return rows[0]?.n ?? 0
    },
    async close() {
      await close()
      await database.drop()
    },
  }
}

/** The same with the switch released and the sample catalogue registered. */
export async function openReadyLedger(
  ...opened: Parameters<typeof openLedger>
): Promise<TestLedger> {
  const ledger = await openLedger(...opened)
  await ledger.setSwitch('DRY_RUN_ONLY')
  const applied = await ledger.ask('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })
  if (applied.status !== 201) throw new Error(JSON.stringify(applied.body))
  return ledger
}

/** An empty ledger in a server that holds many: its streams have a prefix of their own. */
export function newEventStoreDb(): LogPlace['eventStoreDb'] {
  const url = inject('eventStoreUrl')
  return url === null ? null : { url, prefix: newPrefix() }
}

/** The environment of a program whose ledger is a new one, with its log where this run has them. */
export function newLogSettings(): Record<string, string> {
  const place = newEventStoreDb()
  if (place === null) return {}
  const { url, prefix } = place
  return { LEDGER_STORE: 'eventstoredb', EVENTSTORE_URL: url, LEDGER_STREAM_PREFIX: prefix }
}

export const newPrefix = (): string => `t${randomBytes(6).toString('hex')}.`

async function countInLog(place: LogPlace): Promise<number> {
  const log = openFollowedLog(place)
  let count = 0
  for await (const _event of log.read({ after: 0 })) count += 1
  await log.close()
  return count
}

const auth = (key: string): Record<string, string> =>
  key === '' ? {} : { authorization: `Bearer ${key}` }

function reply(response: {
  statusCode: number
  payload: string
  headers: Readonly<Record<string, unknown>>
}): Reply {
  const { statusCode, payload, headers } = response
  return { status: statusCode, body: payload === '' ? null : JSON.parse(payload), headers }
}

async function makeKey(ownerUrl: string, key: Partial<NewKey>): Promise<string> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    const all = { name: 'test', scopes: SCOPES, namespacePrefixes: [], expiresAt: null }
    return (await createKey(owner, { ...all, ...key })).key
  } finally {
    await owner.end()
  }
}
