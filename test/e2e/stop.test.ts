import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKey } from '../../src/access/keys.ts'
import { SCOPES } from '../../src/access/scopes.ts'
import { connect as connectLedger, type Ledger } from '../../src/client/index.ts'
import { type Serving, startServer } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { newLogSettings } from '../support/ledger.ts'
import { SAMPLE_CATALOGUE, sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const UNDER_WAY = 12

let database: TestDatabase
let settings: Record<string, string>
let key: string
beforeAll(async () => {
  database = await createDatabase()
  settings = { DATABASE_URL: database.runtimeUrl, ...newLogSettings() }
  const owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  const all = { name: 'test', scopes: SCOPES, namespacePrefixes: [], expiresAt: null }
  key = (await createKey(owner, all)).key
  await owner.end()
})
afterAll(() => database.drop())

const start = async (): Promise<{ server: Serving; ledger: Ledger; ended: Promise<number> }> => {
  const server = await startServer(settings)
  const ended = once(server.child, 'close').then(([code]) => code as number)
  return { server, ended, ledger: connectLedger({ url: server.url, key, triesMax: 1 }) }
}

type Connection = Readonly<{ socket: Socket; said: () => string }>

function send(url: string, text: string): Connection {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let heard = ''
  socket.on('data', (chunk) => {
    heard += String(chunk)
  })
  socket.on('error', () => undefined)
  socket.write(text)
  return { socket, said: () => heard }
}

/** A dispatch whose head the server has read, and whose body it waits for. */
async function begin(url: string, body: string): Promise<Connection> {
  const head = [
    'POST /v1/dispatches HTTP/1.1',
    'host: x',
    `authorization: Bearer ${key}`,
    'expect: 100-continue',
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  const connection = send(url, `${head.join('\r\n')}\r\n\r\n`)
  await until(() => connection.said().includes('100 Continue'))
  return connection
}

const refusesConnections = (url: string): Promise<true> =>
  until(async () => {
    const { socket } = send(url, '')
    const refused = await new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(true)).on('connect', () => resolve(false))
    })
    socket.destroy()
    return refused
  })

it('answers what was under way when it is told to stop, takes nothing more, and ends with 0', async () => {
  const { server, ledger, ended } = await start()
  await ledger.request('PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'a test' })
  await ledger.request('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })
  const commands = Array.from({ length: UNDER_WAY }, (_, n) =>
    sampleCommand({ occurrence: `stop-${n}` }),
  )
  const calls = await Promise.all(
    commands.map((command) => begin(server.url, JSON.stringify(command))),
  )
  // Its head is on the way when the signal comes.
  const late = send(server.url, 'GET /readyz HTTP/1.1\r\nhost: x\r\n')
  // Load balancers and browsers open connections before they need them.
  const silent = send(server.url, '')
  await Promise.all([once(late.socket, 'connect'), once(silent.socket, 'connect')])
  server.child.kill('SIGTERM')
  await refusesConnections(server.url)
  late.socket.write('\r\n')
  calls.forEach(({ socket }, n) => socket.write(JSON.stringify(commands[n])))
  expect(await ended).toBe(0)
  for (const { said } of calls) {
    const statuses = [...said().matchAll(/HTTP\/1\.1 (\d+)/g)].map((it) => it[1])
    expect(statuses).toEqual(['100', '201'])
    expect(said()).toMatch(/connection: close/i)
  }
  expect(late.said()).toMatch(/^HTTP\/1\.1 503 /)
  expect(late.said()).toContain('"code":"not-ready"')
  const [row] = await database.query<{ used: Date | null }>(
    'select max(last_used_at) as used from ledger.access_keys',
  )
  expect(row?.used).toBeInstanceOf(Date)

  const again = await start()
  for (const command of commands) {
    expect(await again.ledger.dispatch(command)).toMatchObject({ outcome: 'replayed' })
  }
  again.server.child.kill('SIGTERM')
  expect(await again.ended).toBe(0)
}, 90_000)

it('ends at once when it is told a second time', async () => {
  const { server, ended } = await start()
  const { socket } = await begin(server.url, JSON.stringify(sampleCommand()))
  server.child.kill('SIGTERM')
  await refusesConnections(server.url)
  server.child.kill('SIGTERM')
  expect(await ended).toBe(1)
  socket.destroy()
}, 60_000)
