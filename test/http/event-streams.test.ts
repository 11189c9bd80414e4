import { get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { connect, type LedgerEvent, LedgerProblem, Unreachable } from '../../src/client/index.ts'
import { liveText } from '../../src/http/event-streams.ts'
import type { HttpPorts } from '../../src/http/ports.ts'
import { sendText } from '../../src/http/send-text.ts'
import { createServer } from '../../src/http/server.ts'
import { createLedger } from '../../src/main.ts'
import { controlAppend, dispatchAppend, newStream, WHOLE_LIFE } from '../conformance/appends.ts'
import { eventsAfter, headOf } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const EXPORT = { accept: 'application/x-ndjson' }
const LIVE = { accept: 'text/event-stream' }

let ledger: TestLedger
let url: string
beforeAll(async () => {
  ledger = await openReadyLedger()
  url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
  for (const occurrence of ['1', '2', '3']) await ledger.dispatch(sampleCommand({ occurrence }))
})
afterAll(() => ledger.close())

const events = (query: string, headers: Record<string, string>, key = ledger.key) =>
  fetch(`${url}/v1/events${query}`, { headers: { authorization: `Bearer ${key}`, ...headers } })
const plan = (occurrence: string) =>
  ledger.dispatch(sampleCommand({ occurrence, mode: 'PLAN_ONLY' }))

describe('an export', () => {
  const exported = async (query: string) => {
    const response = await events(query, EXPORT)
    expect(response.status).toBe(200)
    const lines = (await response.text()).split('\n')
    expect(lines.pop()).toBe('')
    return { response, lines: lines.map((line) => JSON.parse(line)) }
  }

  it('is the whole range, one CloudEvent a line, and says up to where', async () => {
    const { response, lines } = await exported('')
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(response.headers.get('ledger-position')).toBe(String(await headOf(ledger)))
    const log = await eventsAfter(ledger, 0)
    expect(lines).toEqual(
      log.map((it) => ({
        specversion: '1.0',
        id: it.id,
        source: '/dispatch-ledger',
        type: it.type,
        subject: it.stream,
        time: it.recordedAt,
        sequence: String(it.position).padStart(15, '0'),
        revision: it.revision,
        actor: it.metadata.actor,
        callid: it.metadata.callId,
        correlationid: it.metadata.correlationId,
        schemaversion: 1,
        datacontenttype: 'application/json',
        data: it.data,
      })),
    )
  })

  it('has attribute names and values that CloudEvents allows', async () => {
    for (const line of (await exported('')).lines) {
      for (const [name, value] of Object.entries(line)) {
        expect(name).toMatch(/^[a-z0-9]{1,20}$/)
        if (name === 'data') continue
        if (typeof value === 'number') expect(Math.abs(value)).toBeLessThan(2 ** 31)
        else expect(value).toMatch(/^[^\0]+$/)
      }
    }
  })

  it('takes a range and a type; what follows a sequence goes on from it', async () => {
    const { lines } = await exported('?after=3&until=9')
    expect(lines.map((it) => Number(it.sequence))).toEqual([4, 5, 6, 7, 8, 9].filter((n) => n <= 9))
    const rest = await exported(`?after=${lines[1].sequence}&until=9`)
    expect(rest.lines).toEqual(lines.slice(2))
    const planned = await exported('?type=Planned')
    expect(new Set(planned.lines.map((it) => it.type))).toEqual(new Set(['Planned']))
    expect((await exported('?after=999999')).lines).toEqual([])
  })

  it('is the same bytes again for the same range', async () => {
    const once = await (await events('?until=9', EXPORT)).text()
    expect(await (await events('?until=9', EXPORT)).text()).toBe(once)
  })

  it.each([
    ['limit=5', EXPORT],
    ['limit=5', LIVE],
    ['until=5', LIVE],
  ])('takes no %s: %o', async (query, accept) => {
    const response = await events(`?${query}`, accept)
    const { code } = (await response.json()) as { code: string }
    expect([response.status, code]).toEqual([422, 'schema-invalid'])
  })

  it.each([
    ['application/json, text/event-stream', 'application/json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
    ['text/html, application/X-NDJSON;q=0.5', 'application/x-ndjson'],
  ])('is chosen by the first format that is known: %s', async (accept, type) => {
    const response = await events('', { accept })
    expect(response.headers.get('content-type')).toBe(type)
    await response.text()
  })

  it('in any format is forbidden for a key that is limited to namespaces', async () => {
    const key = await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:sample'] })
    for (const accept of [{}, EXPORT, LIVE]) {
      const response = await events('', accept, key)
      const { code } = (await response.json()) as { code: string }
      expect([response.status, code]).toEqual([403, 'forbidden'])
    }
  })
})

describe('the access log', () => {
  it('has a row for an export and for a live tail before either says anything', async () => {
    await (await events('?after=2&until=7&type=Planned', EXPORT)).text()
    const live = await listen('?after=1', { 'last-event-id': '5' })
    const rows = await ledger.database.query(
      'select route, asked, after_position, until_position, count from ledger.access_log order by id desc limit 2',
    )
    expect(rows).toEqual([
      {
        route: 'GET /v1/events live',
        asked: '{"after":1}',
        after_position: '5',
        until_position: null,
        count: null,
      },
      {
        route: 'GET /v1/events export',
        asked: '{"after":2,"until":7,"type":"Planned"}',
        after_position: '2',
        until_position: '7',
        count: null,
      },
    ])
    await live.close()
  })
})

/** Reads a live tail as text, until it is closed. */
async function listen(query = '', headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const response = await fetch(`${url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${ledger.key}`, ...LIVE, ...headers },
    signal: stop.signal,
  })
  const heard = { text: '', ended: false }
  const done = (async () => {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) heard.text += decoder.decode(bytes)
    heard.ended = true
  })().catch(() => undefined)
  const ids = (): number[] => [...heard.text.matchAll(/^id: (\d+)$/gm)].map((it) => Number(it[1]))
  const data = (): LedgerEvent[] =>
    [...heard.text.matchAll(/^data: (.*)\n\n/gm)].map((it) => JSON.parse(it[1] ?? ''))
  return {
    response,
    heard,
    ids,
    data,
    close: async () => {
      stop.abort()
      await done
    },
  }
}

describe('the live tail', () => {
  it('is what is there and then what comes, each with its position as id', async () => {
    const live = await listen()
    expect(live.response.headers.get('content-type')).toBe('text/event-stream')
    const head = await headOf(ledger)
    await until(() => live.ids().at(-1) === head)
    const { body } = await plan('live')
    await until(() => live.ids().at(-1) === body.position)
    expect(live.data()).toEqual(await eventsAfter(ledger, 0))
    expect(live.ids()).toEqual(live.data().map((it) => it.position))
    await live.close()
  })

  it('goes on after Last-Event-ID, and has one type where it is asked for', async () => {
    const head = await headOf(ledger)
    const live = await listen('?after=0&type=Planned', { 'last-event-id': String(head) })
    await ledger.dispatch(sampleCommand({ occurrence: 'typed' }))
    await until(() => live.data().length === 1)
    expect(live.data()).toMatchObject([{ type: 'Planned', position: head + 1 }])
    await live.close()
    const response = await events('', { ...LIVE, 'last-event-id': 'x' })
    const { code } = (await response.json()) as { code: string }
    expect([response.status, code]).toEqual([422, 'schema-invalid'])
  })

  it('says in a quiet time how far it has looked, so that nothing is looked at twice', async () => {
    const store = createMemoryEventStore()
    await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
    const stop = new AbortController()
    const wanted = { after: 0, type: 'PreflightPassed', signal: stop.signal, heartbeatMs: 20 }
    const texts = liveText(store, wanted)
    expect((await texts.next()).value).toBe('retry: 1000\n\n')
    expect((await texts.next()).value).toMatch(/^id: 2\ndata: \{.*\}\n\n$/)
    for (let beats = 0; beats < 3; beats++) {
      expect((await texts.next()).value).toBe(': heartbeat\nid: 3\n\n')
    }
    stop.abort()
    await until(async () => (await texts.next()).done)
  })

  it('speaks up also while it looks through much that is not wanted', async () => {
    const stop = new AbortController()
    async function* endless() {
      for (let position = 1; ; position++) {
        await new Promise((resolve) => setImmediate(resolve))
        yield { type: 'Planned', position } as never
      }
    }
    const store = { tail: endless }
    const texts = liveText(store, {
      after: 0,
      type: 'Refused',
      signal: stop.signal,
      heartbeatMs: 20,
    })
    await texts.next()
    expect((await texts.next()).value).toMatch(/^: heartbeat\nid: [1-9]\d*\n\n$/)
    await texts.return(undefined)
  })

  it('ends when the server stops, and the server does not wait for it', async () => {
    const own = await openReadyLedger()
    const address = await own.app.listen({ host: '127.0.0.1', port: 0 })
    const asked = (accept: Record<string, string>) =>
      fetch(`${address}/v1/events`, { headers: { authorization: `Bearer ${own.key}`, ...accept } })
    const live = await asked(LIVE)
    const text = live.text()
    const startedMs = performance.now()
    await own.close()
    expect(await text).toContain('retry: 1000')
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })
})

describe('a page of a rare type', () => {
  it('looks at 10,000 events and then says where to go on', async () => {
    const store = createMemoryEventStore()
    await store.appendControl(controlAppend(-1, Array(10_001).fill('HALTED')))
    const caller = { keyId: 'k', scopes: ['events:read'], namespacePrefixes: [] }
    const ports = {
      version: '0',
      negativeControls: [],
      consoleFiles: [],
      store,
      authenticate: async () => caller,
      logAccess: async () => undefined,
    }
    const app = await createServer(ports as unknown as HttpPorts, pino({ level: 'silent' }))
    const page = async (after: number) =>
      (await app.inject(`/v1/events?type=Planned&after=${after}`)).json()
    expect(await page(0)).toEqual({ events: [], next: 10_000 })
    expect(await page(10_000)).toEqual({ events: [], next: null })
    expect(await page(1)).toEqual({ events: [], next: null })
    await app.close()
  })
})

describe('the places for streams', () => {
  it('are 100, without a warning; the next one is told to come back, and takes the place of one that went', async () => {
    expect(LIMITS.streams).toBe(100)
    const warnings: string[] = []
    const heed = (warning: Error): unknown => warnings.push(warning.message)
    process.on('warning', heed)
    const open = await Promise.all(Array.from({ length: 100 }, () => listen('?after=999')))
    expect(open.map((it) => it.response.status)).toEqual(Array(100).fill(200))
    const refused = await events('', EXPORT)
    const { code } = (await refused.json()) as { code: string }
    expect([refused.status, code, refused.headers.get('retry-after')]).toEqual([
      503,
      'not-ready',
      '1',
    ])
    expect((await ledger.ask('GET', '/v1/events?limit=1')).status).toBe(200)
    await open.pop()?.close()
    await until(async () => {
      const next = await events('', EXPORT)
      await next.text()
      return next.status === 200
    })
    await Promise.all(open.map((it) => it.close()))
    process.off('warning', heed)
    expect(warnings).toEqual([])
  })
})

describe('a client that takes nothing', () => {
  /** Serves endless text to a client that reads its head and then stops reading. */
  async function stuck(stalledMs: number) {
    const made = { pieces: 0, ended: false }
    const app = Fastify()
    async function* endless() {
      try {
        for (;;) {
          made.pieces += 1
          yield 'x'.repeat(64 * 1024)
        }
      } finally {
        made.ended = true
      }
    }
    app.get('/', (_, reply) => sendText(reply, {}, endless(), stalledMs))
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const response = await new Promise<IncomingMessage>((resolve) => {
      httpGet({ port, host: '127.0.0.1' }, (it) => resolve(it.pause()))
    })
    response.on('error', () => undefined)
    return { app, made, response }
  }

  it('holds the making back: nothing piles up', async () => {
    const { app, made, response } = await stuck(60_000)
    let last = -1
    await until(() => {
      const still = made.pieces === last
      last = made.pieces
      return still
    })
    // What the sockets of both sides hold, and one write.
    expect(made.pieces * 64).toBeLessThan(16 * 1024)
    response.destroy()
    await until(() => made.ended)
    await app.close()
  })

  it('loses its stream after a while, and its place', async () => {
    const { app, made, response } = await stuck(100)
    const closed = new Promise((resolve) => response.once('close', resolve))
    await until(() => made.ended)
    response.resume()
    await closed
    expect(response.complete).toBe(false)
    await app.close()
  })
})

describe('an export that is stopped half way', () => {
  it('breaks off: it does not look whole', async () => {
    const app = Fastify()
    const stop = new AbortController()
    async function* broken() {
      yield 'first\n'
      await until(() => stop.signal.aborted)
      stop.signal.throwIfAborted()
    }
    app.get('/', (_, reply) => sendText(reply, { 'content-type': 'text/plain' }, broken()))
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const response = await fetch(address)
    stop.abort()
    await expect(response.text()).rejects.toThrow()
    await app.close()
  })
})

describe('the client', () => {
  it('follows for ever, and goes on from the last position when the server was away', async () => {
    const own = await openReadyLedger()
    const first = await own.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = own.app.server.address() as AddressInfo
    const stop = new AbortController()
    const seen: number[] = []
    const following = (async () => {
      const range = { after: 0, follow: true, signal: stop.signal } as const
      for await (const event of connect({ url: first, key: own.key }).events(range)) {
        seen.push(event.position)
      }
    })()
    await until(() => seen.length === 4)
    const again = await createLedger(own.database.runtimeUrl, '0', pino({ level: 'silent' }))
    await own.app.close()
    await again.app.listen({ host: '127.0.0.1', port })
    const payload = sampleCommand()
    const headers = { authorization: `Bearer ${own.key}` }
    await again.app.inject({ method: 'POST', url: '/v1/dispatches', payload, headers })
    await until(() => seen.length === 7)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7])
    stop.abort()
    await following
    await again.close()
    await own.close()
  })

  it('can stop in the middle, and leaves no stream open', async () => {
    const signals: (AbortSignal | null | undefined)[] = []
    const watched: typeof fetch = (input, init) => {
      signals.push(init?.signal)
      return fetch(input, init)
    }
    const client = connect({ url, key: ledger.key, fetch: watched })
    for await (const event of client.events({ after: 1, follow: true })) {
      expect(event.position).toBe(2)
      break
    }
    expect(signals.map((it) => it?.aborted)).toEqual([true])
  })

  it('throws what is a problem, and gives up on a server that was never there', async () => {
    const drain = async (client: ReturnType<typeof connect>) => {
      for await (const _ of client.events({ follow: true })) return
    }
    const denied = drain(connect({ url, key: 'none' }))
    await expect(denied).rejects.toBeInstanceOf(LedgerProblem)
    await expect(denied).rejects.toMatchObject({ problem: { code: 'unauthenticated' } })
    const nowhere = connect({ url: 'http://127.0.0.1:9', key: '', triesMax: 2 })
    await expect(drain(nowhere)).rejects.toBeInstanceOf(Unreachable)
  })

  it('lists a read model to its end, page by page', async () => {
    const client = connect({ url, key: ledger.key })
    await ledger.ask('GET', `/v1/outputs?minPosition=${await headOf(ledger)}`)
    const rows: string[] = []
    const query = { namespace: 'DRYRUN-NS:sample', pageSize: 1 }
    for await (const row of client.list('outputs', query)) rows.push(row.dispatchId)
    const { body } = await ledger.ask('GET', '/v1/outputs?pageSize=1000')
    expect(rows).toEqual(body.outputs.map((it: { dispatchId: string }) => it.dispatchId))
    expect(rows.length).toBeGreaterThan(2)
  })
})
