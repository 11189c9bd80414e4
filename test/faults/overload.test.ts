import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { ScriptedExecutor, ScriptedStore } from '../support/doubles.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const CALLS = 5_000
const MEGABYTE = 1024 * 1024

const store = new ScriptedStore()
let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: new ScriptedExecutor().registry, store: store.wrap })
  // Before it listens: how often it looks at connections is fixed then.
  Object.assign(ledger.app.server, {
    requestTimeout: 400,
    headersTimeout: 200,
    connectionsCheckingInterval: 50,
  })
  await ledger.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => ledger.close())

const plan = (occurrence: string) => sampleCommand({ occurrence, mode: 'PLAN_ONLY' })

/** No append of a dispatch comes back before it is released. */
function stall(): () => void {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  store.onAppend = async (request, append) => {
    await released
    return append(request)
  }
  return () => {
    store.reset()
    release()
  }
}

const countBy = (replies: readonly Reply[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const name = `${status} ${body.code ?? ''}`.trim()
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe('5,000 calls at once on a store that stands still', () => {
  it('are shed with 503 before memory grows, the switch answers, and all is well afterwards', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => ledger.newKey()))
    const rss = process.memoryUsage().rss
    const release = stall()
    const shed: Reply[] = []
    const calls = Array.from({ length: CALLS }, async (_, n) => {
      const reply = await ledger.dispatch(plan(`storm-${n}`), { key: keys[n % 5] ?? '' })
      if (reply.body.code === 'not-ready') shed.push(reply)
      return reply
    })
    await until(() => shed.length >= CALLS - LIMITS.requestsInFlight && store.appends > 0)
    expect(shed.length).toBe(CALLS - LIMITS.requestsInFlight)
    expect(shed[0]).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { retryable: true, whoMustAct: 'nobody', recorded: 'none' },
    })
    expect((await ledger.ask('GET', '/livez', undefined, { key: '' })).status).toBe(200)
    expect((await ledger.ask('GET', '/readyz', undefined, { key: '' })).status).toBe(200)
    expect((await ledger.setSwitch('HALTED')).status).toBe(200)
    expect((await ledger.ask('GET', '/v1/switch')).body.scopes.global.state).toBe('HALTED')
    expect((process.memoryUsage().rss - rss) / MEGABYTE).toBeLessThan(250)
    release()
    const counts = countBy(await Promise.all(calls))
    expect(counts['503 not-ready']).toBe(CALLS - LIMITS.requestsInFlight)
    expect(Object.keys(counts).toSorted()).toEqual(
      expect.arrayContaining(['423 kill-switch-engaged', '503 not-ready']),
    )
    expect(counts).not.toHaveProperty('201')
    await ledger.setSwitch('DRY_RUN_ONLY')
    expect((await ledger.dispatch(plan('afterwards'))).status).toBe(201)
  }, 60_000)

  it('do not take the place of another key: who waits in line is told to slow down', async () => {
    const [greedy, modest] = await Promise.all([ledger.newKey(), ledger.newKey()])
    const release = stall()
    const most = LIMITS.keyRequestsAtWork + LIMITS.keyRequestsWaiting
    const calls = Array.from({ length: most + 10 }, (_, n) =>
      ledger.dispatch(plan(`greedy-${n}`), { key: greedy }),
    )
    const refused = await Promise.race(calls)
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      body: { code: 'rate-limited', recorded: 'none', whoMustAct: 'caller' },
    })
    expect((await ledger.ask('GET', '/v1/catalogue', undefined, { key: modest })).status).toBe(200)
    release()
    const counts = countBy(await Promise.all(calls))
    expect(counts['201']).toBeGreaterThanOrEqual(LIMITS.keyRequestsAtWork)
    expect((counts['201'] ?? 0) + (counts['429 rate-limited'] ?? 0)).toBe(calls.length)
    expect((await ledger.dispatch(plan('again'), { key: greedy })).status).toBe(201)
  }, 60_000)
})

describe('a caller who goes away', () => {
  it('has its command recorded all the same', async () => {
    const { port } = ledger.app.server.address() as AddressInfo
    const release = stall()
    const before = store.appends
    const socket = connect(port, '127.0.0.1')
    socket.write(head(JSON.stringify(plan('gone')).length) + JSON.stringify(plan('gone')))
    await until(() => store.appends > before)
    socket.destroy()
    release()
    const shown = await until(async () => {
      const reply = await ledger.dispatch(plan('gone'))
      return reply.body.outcome === 'replayed' && reply
    })
    expect(shown.status).toBe(200)
  })

  it('leaves no turn taken, also when it left before its key was looked up', async () => {
    const { port } = ledger.app.server.address() as AddressInfo
    const arrived: Socket[] = []
    const note = (socket: Socket) => arrived.push(socket)
    ledger.app.server.on('connection', note)
    const owner = new pg.Client({ connectionString: ledger.database.ownerUrl })
    await owner.connect()
    await owner.query('begin; lock table ledger.access_keys in access exclusive mode')
    const body = JSON.stringify(plan('left'))
    const message = head(body.length) + body
    const callers = Array.from({ length: LIMITS.keyRequestsAtWork }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.write(message)
      return socket
    })
    await until(
      () =>
        arrived.length === callers.length &&
        arrived.every(({ bytesRead }) => bytesRead === message.length),
    )
    for (const socket of callers) socket.destroy()
    await until(() => arrived.every(({ closed }) => closed))
    ledger.app.server.off('connection', note)
    await owner.query('rollback')
    await owner.end()
    expect((await ledger.dispatch(plan('stayed'))).status).toBe(201)
  })
})

const head = (length: number): string =>
  `POST /v1/dispatches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ledger.key}\r\n` +
  `content-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

describe('a connection', () => {
  const open = (): { socket: Socket; said: () => string; closed: Promise<void> } => {
    const { port } = ledger.app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
    })
    const closed = new Promise<void>((resolve) => {
      socket.on('error', () => undefined).on('close', () => resolve())
    })
    return { socket, said: () => text, closed }
  }
  /** A byte now and then, for ever: what a slow-loris does. */
  const trickle = (socket: Socket): void => {
    const timer = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(timer))
  }

  it('whose body trickles is cut', async () => {
    const { socket, said, closed } = open()
    socket.write(head(60_000))
    trickle(socket)
    await closed
    expect(said()).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('whose head trickles is cut', async () => {
    const { socket, said, closed } = open()
    socket.write('GET /livez HTTP/1.1\r\nx-')
    trickle(socket)
    await closed
    expect(said()).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('that says nothing is cut', () => open().closed)

  it('whose head is too large is told so', async () => {
    const { socket, said, closed } = open()
    socket.write(`GET /livez HTTP/1.1\r\nauthorization: Bearer ${'x'.repeat(20_000)}\r\n\r\n`)
    await closed
    expect(said()).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('that speaks no HTTP is told so, and closed', async () => {
    const { socket, said, closed } = open()
    socket.write('\u0016\u0003\u0001 hello\r\n\r\n')
    await closed
    expect(said()).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('an address that keeps sending bad keys', () => {
  it('is told to slow down, and a valid key from there is not', async () => {
    const bad = () => ledger.ask('GET', '/v1/me', undefined, { key: 'dl_nobody' })
    const tries = Array.from({ length: LIMITS.failedKeysBucketSize + 50 }, bad)
    const replies = await Promise.all(tries)
    const counts = countBy(replies)
    expect(counts['401 unauthenticated']).toBeGreaterThanOrEqual(LIMITS.failedKeysBucketSize)
    const slowed = replies.find((it) => it.status === 429)
    expect(slowed).toMatchObject({
      headers: { 'retry-after': '1' },
      body: { code: 'rate-limited' },
    })
    expect((await ledger.ask('GET', '/v1/me')).status).toBe(200)
  })
})
