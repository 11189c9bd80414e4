import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { addStop } from '../../src/http/load.ts'
import { addStreams } from '../../src/http/streams.ts'
import type { Caller } from '../../src/ports.ts'
import { until } from '../support/until.ts'

const reader: Caller = { keyId: 'aaaaaaaaaaaa', scopes: ['events:read'], namespacePrefixes: [] }
let flooded = false
let caller: Caller | null | Error = reader
const app = () => {
  const server = Fastify({ forceCloseConnections: 'idle' })
  const authenticate = async () => {
    if (caller instanceof Error) throw caller
    return caller
  }
  addStreams(server, { authenticate }, addStop(server), 10)
  server.get('/', { config: { scope: 'events:read' } }, (request, reply) => {
    const signal = server.streams.open(request, reply)
    reply.hijack()
    reply.raw.write('begun')
    signal.addEventListener('abort', () => reply.raw.end('ended'))
  })
  server.get('/flood', { config: { scope: 'events:read' } }, (request, reply) => {
    server.streams.open(request, reply)
    reply.hijack()
    while (reply.raw.write(Buffer.alloc(1_000_000)) || reply.raw.writableLength < 50_000_000);
    flooded = true
  })
  return server
}
let server = app()
afterEach(async () => {
  await server.close()
  caller = reader
  server = app()
})

const open = async () => {
  if (!server.server.listening) await server.listen({ port: 0 })
  return fetch(server.listeningOrigin)
}

it.each([
  ['its key is revoked or has expired', null],
  ['its key may not read any more', { ...reader, scopes: [] }],
  ['its key cannot be looked up', new Error('the store is away')],
])('a stream ends when %s', async (_, found) => {
  const response = await open()
  caller = found
  expect(await response.text()).toBe('begunended')
})

it('a stream ends when the server stops', async () => {
  const response = await open()
  const closed = server.close()
  expect(await response.text()).toBe('begunended')
  await closed
})

it('as many may be open as there are places, and one that ends makes room', async () => {
  const first = await open()
  await Promise.all(Array.from({ length: LIMITS.streams - 1 }, open))
  const full = await open()
  expect(full.ok).toBe(false)
  expect(await full.json()).toMatchObject({ message: 'As many read the log as may at a time' })
  await first.body?.cancel()
  await until(async () => {
    const { ok, body } = await open()
    if (!ok) await body?.cancel()
    return ok
  })
})

it('a stream whose client does not read is cut soon after it was told to end', async () => {
  const { port } = new URL(await open().then(() => server.listeningOrigin))
  const socket = connect(Number(port), '127.0.0.1').pause()
  socket.write('GET /flood HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(() => flooded)
  const begun = performance.now()
  await server.close()
  expect(performance.now() - begun).toBeLessThan(LIMITS.streamEndMs + 5_000)
  socket.destroy()
})
