import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, Unreachable } from '../../src/client/index.ts'
import { sampleCommand } from '../support/sample.ts'

let server: Server | undefined
afterEach(() => server?.close())

type Script = readonly (readonly [status: number, body: object] | 'hang up')[]

/** A server that answers as told, one line a request, and counts what it was asked. */
async function serving(script: Script): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  server = createServer((request, response) => {
    const line = script[Math.min(asked, script.length - 1)] ?? 'hang up'
    asked += 1
    request.resume()
    if (line === 'hang up') return void request.socket.destroy()
    response.writeHead(line[0], { 'content-type': 'application/json' })
    response.end(JSON.stringify(line[1]))
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked: () => asked }
}

const busy = [503, { code: 'contended', whoMustAct: 'nobody' }] as const
const done = [200, { outcome: 'replayed' }] as const

describe('the client', () => {
  it('sends the same dispatch again after 503, 429 and a lost connection', async () => {
    const { url, asked } = await serving([busy, 'hang up', done])
    const answer = await connect({ url, key: '' }).dispatch(sampleCommand())
    expect(answer.outcome).toBe('replayed')
    expect(asked()).toBe(3)
  })

  it.each([403, 409, 422, 423])('never repeats a %i: a refusal is a value', async (status) => {
    const { url, asked } = await serving([[status, { code: 'some-code' }]])
    const answer = await connect({ url, key: '' }).dispatch(sampleCommand())
    expect(answer).toMatchObject({ outcome: 'refused', code: 'some-code' })
    expect(asked()).toBe(1)
  })

  it('does not wait for an operator', async () => {
    const { url, asked } = await serving([[503, { code: 'x', whoMustAct: 'operator' }]])
    await connect({ url, key: '' }).dispatch(sampleCommand())
    expect(asked()).toBe(1)
  })

  it('repeats a halt, and never a release: a halt may have come in between', async () => {
    const { url, asked } = await serving(['hang up', done])
    const ledger = connect({ url, key: '' })
    const set = (state: string) =>
      ledger.request('PUT', '/v1/switch/global', { state, reason: 'x' })
    await expect(set('DRY_RUN_ONLY')).rejects.toBeInstanceOf(Unreachable)
    expect(asked()).toBe(1)
    await set('HALTED')
    expect(asked()).toBe(2)
  })

  it('refuses to send what JSON would change on the way', async () => {
    const { url, asked } = await serving([done])
    const params = { n: Number.NaN }
    await expect(connect({ url, key: '' }).dispatch(sampleCommand({ params }))).rejects.toThrow(
      'NaN',
    )
    expect(asked()).toBe(0)
  })
})
