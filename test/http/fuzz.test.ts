import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import * as fc from 'fast-check'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { STATUS } from '../../src/http/problem.ts'
import type { EventStore } from '../../src/ports.ts'
import { makeKnown, SCOPES } from '../support/known.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { type Answer, type OpenApi, type Operation, readDocument } from '../support/openapi.ts'
import { type Known, plainRequestFor, requestsFor, type Sent } from '../support/requests.ts'
import { findUnsound } from '../support/sound.ts'
import { createWire } from '../support/wire.ts'

/** Requests for each operation; `FUZZ_RUNS=1000` hunts for longer. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 20)

/** The tests are named after the committed document, which is the served one: the first test. */
const committed = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')
const document = readDocument(JSON.parse(committed) as OpenApi)

let ledger: TestLedger
let store: EventStore
let url: string
let wire: ReturnType<typeof createWire>
let known: Known

beforeAll(async () => {
  const log = pino({ level: 'error' }, { write: (line) => unforeseen.push(line) })
  ledger = await openReadyLedger({ store: (it) => (store = it) }, log)
  url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
  wire = createWire(url)
  known = await makeKnown(ledger)
})
afterAll(async () => {
  wire.close()
  await ledger.close()
})

/** The server answers what nobody foresaw as best it can, and logs it: each line is a finding. */
const unforeseen: string[] = []

const head = async (): Promise<number> => (await store.head()).position

/** Each operation starts on a ledger that is released. */
async function release(): Promise<void> {
  for (const scope of SCOPES) {
    const path = `/v1/switch/${encodeURIComponent(scope)}`
    await ledger.ask('PUT', path, { state: 'DRY_RUN_ONLY', reason: 'the next operation' })
  }
}

it('is asked what its own document says', async () => {
  const { paths, components } = (await ledger.ask('GET', '/openapi.json')).body
  expect({ paths, components }).toEqual({
    paths: JSON.parse(committed).paths,
    components: JSON.parse(committed).components,
  })
})

/** These say nothing of the log. */
const NO_POSITION = ['getMe', 'createKey', 'listKeys', 'revokeKey', 'selfTest'].concat([
  'getLiveness',
  'getReadiness',
  'getProblem',
  'listViews',
  'readView',
])
/** Nothing that is sent to these could be wrong but the method. */
const TAKES_NOTHING = ['getLiveness', 'getReadiness']

type Body = Readonly<{
  code?: ErrorCode
  status?: number
  stage?: string | null
  recorded?: string
  retryable?: boolean
  gates?: readonly unknown[]
  eventsAppended?: number
}>
type Item = Readonly<{ status: number; body: Body }>

/** The operation that a request reaches: another one, or none, where its method was changed. */
function reached(asked: Operation, { method }: Pick<Sent, 'method'>): Operation | undefined {
  const meant = method === 'HEAD' ? 'GET' : method
  return document.operations.find((it) => it.path === asked.path && it.method === meant)
}

/** What a batch answered for each command; of any other answer, itself. */
function itemsOf(operation: Operation | undefined, answer: Answer): readonly Item[] {
  return operation?.id === 'dispatchBatch' && answer.status === 200
    ? (answer.json as { results: Item[] }).results
    : [{ status: answer.status, body: answer.json ?? {} }]
}

function judge(operation: Operation | undefined, { method }: Sent, answer: Answer): void {
  const { status, headers, trailers } = answer
  const refused = status >= 400
  if (!refused) expect(operation, 'no other method is answered').toBeDefined()
  if (refused) expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  if (!refused && !NO_POSITION.includes(operation?.id ?? '') && method !== 'HEAD') {
    expect({ ...headers, ...trailers }['ledger-position']).toMatch(/^[0-9]+$/)
  }
  if (method === 'HEAD') return
  if (operation !== undefined) expect(document.whyNotPromised(operation, answer)).toBeNull()
  for (const item of itemsOf(operation, answer)) judgeItem(item)
}

/** Any problem has a code of the catalogue, and that code’s status. 500 is none of them. */
function judgeItem({ status, body }: Item): void {
  if (status < 400) return
  expect(Object.keys(ERRORS)).toContain(body.code)
  expect([status, body.status]).toEqual(Array(2).fill(STATUS[body.code as ErrorCode]))
}

/** A repeat may go on where an executor was refused, and where a refusal could not be kept. */
const isSettled = ({ body }: Item): boolean =>
  body.code === undefined ||
  (body.stage !== 'execution' && (body.recorded === 'event' || body.gates === undefined))

describe.each(document.operations.map((it) => [it.id, it] as const))('%s', (id, operation) => {
  const seen = new Set<string>()

  it('keeps to the document whatever it is sent, and a repeat adds nothing', {
    timeout: RUNS * 1_500,
  }, async () => {
    await release()
    const key = await ledger.newKey()
    const nobodys = { method: operation.method, path: operation.path, headers: {}, body: null }
    const mine = { ...known, key }
    const [plain] = fc.sample(plainRequestFor(document, operation, mine), 1) as [Sent]
    const examples: [Sent][] = [[plain], [nobodys], [{ ...nobodys, method: 'PATCH' }]]
    const requests = requestsFor(document, operation, mine)
    await fc.assert(
      fc.asyncProperty(requests, async (sent) => {
        const before = await head()
        const answer = await wire.send(sent)
        const after = await head()
        const hit = reached(operation, sent)
        judge(hit, sent, answer)
        const items = itemsOf(hit, answer)
        const told = items.map((it) => it.body.eventsAppended)
        if (told.some((it) => it !== undefined)) {
          expect(after - before).toBe(told.reduce<number>((sum, it = 0) => sum + it, 0))
        }
        if (['GET', 'HEAD'].includes(sent.method)) expect(after).toBe(before)
        judge(hit, sent, await wire.send(sent))
        if (items.every(isSettled)) expect(await head()).toBe(after)
        expect(unforeseen.splice(0)).toEqual([])
        if (hit === operation || TAKES_NOTHING.includes(id)) {
          seen.add(`${String(answer.status)[0]}xx`)
        }
      }),
      { numRuns: RUNS, examples },
    )
  })

  it('was met with a yes and with a no', () => {
    expect([...seen]).toEqual(expect.arrayContaining(['2xx', '4xx']))
  })
})

it('says of a position that is not reached that it is not ready', async () => {
  const reads = document.operations.filter((it) =>
    it.parameters.some(({ name }) => name === 'minPosition'),
  )
  const answers = reads.map(async (operation) => {
    const { values } = known
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const [value] = fc.sample(values[`${operation.id} path:${name}`] as fc.Arbitrary<string>, 1)
      return encodeURIComponent(String(value))
    })
    const headers = { authorization: `Bearer ${known.key}` }
    const sent = { method: 'GET', path: `${path}?minPosition=999999999`, headers, body: null }
    const answer = await wire.send(sent)
    judge(operation, sent, answer)
    return [answer.status, (answer.json as Body).code]
  })
  expect(reads.length).toBeGreaterThan(5)
  expect(await Promise.all(answers)).toEqual(reads.map(() => [503, 'not-ready']))
})

/** Heads of requests that no client library would send. */
const NO_HTTP = [
  'GET /v1/me HTTP/1.1\r\nhost: x\r\nx: a\rb: c\r\n\r\n',
  'GET /v1/me HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n',
  'GET /v1/me HTTP/1.1\r\nhost: x\r\nx\0y: z\r\n\r\n',
  'GET /v1/me HTTP/1.1\r\nx: no host\r\n\r\n',
  'GET /v1/\r\nx: y HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET  HTTP/1.1\r\n\r\n',
  'POST /v1/dispatches HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
  'POST /v1/dispatches HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
  'POST /v1/dispatches HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /v1/dispatches HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
]

it.each(NO_HTTP)('ends a connection that speaks no HTTP, and goes on: %j', async (text) => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.end(text, 'latin1')
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  expect(Buffer.concat(pieces).toString()).toMatch(/^HTTP\/1\.1 (400|404|431) /)
  expect((await ledger.ask('GET', '/livez')).status).toBe(200)
})

it('leaves a sound log behind', async () => {
  expect(await findUnsound(store.read({ after: 0 }))).toEqual([])
})
