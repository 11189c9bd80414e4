import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOneTimeKey, type OneTimeKey } from '../../src/one-time-key.ts'
import { openLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const command = sampleCommand({ mode: 'PLAN_ONLY' })

let ledger: TestLedger
let linked: TestLedger

beforeAll(async () => {
  ledger = await openLedger()
  await ledger.setSwitch('DRY_RUN_ONLY')
})
afterAll(async () => {
  await linked?.close()
  await ledger.close()
})

type Headers = Record<string, string>
const HOST = '127.0.0.1:4400'
const NAME = 'ledger_key_4400'

/** As a browser asks: without a key of its own. */
async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  headers: Headers,
  body?: object,
) {
  const payload = body === undefined ? {} : { payload: body }
  const reply = await ledger.app.inject({
    method,
    url,
    headers: { host: HOST, ...headers },
    ...payload,
  })
  return {
    status: reply.statusCode,
    cookie: String(reply.headers['set-cookie'] ?? ''),
    text: reply.payload,
  }
}

const cookieOf = (key: string): Headers => ({ cookie: `${NAME}=${key}` })
const OWN: Headers = { 'sec-fetch-site': 'same-origin' }

describe('a session of the console', () => {
  it('is the key in a cookie that no script reads and no other site sends', async () => {
    const { status, cookie } = await ask('POST', '/v1/session', {
      authorization: `Bearer ${ledger.key}`,
    })
    expect(status).toBe(204)
    expect(cookie).toBe(`${NAME}=${ledger.key}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict`)
    const me = await ask('GET', '/v1/me', { ...cookieOf(ledger.key), ...OWN })
    expect(me.status).toBe(200)
  })

  it('is marked Secure where a proxy says that the browser came by https', async () => {
    const { cookie } = await ask('POST', '/v1/session', {
      authorization: `Bearer ${ledger.key}`,
      'x-forwarded-proto': 'https',
    })
    expect(cookie).toMatch(/; Secure$/)
  })

  it('is not opened by a key that is none', async () => {
    const { status, cookie } = await ask('POST', '/v1/session', { authorization: 'Bearer dl_no' })
    expect({ status, cookie }).toEqual({ status: 401, cookie: '' })
  })

  it('does what its key may do, and writes', async () => {
    const headers = { ...cookieOf(ledger.key), ...OWN }
    const made = await ask('POST', '/v1/dispatches', headers, command)
    expect(made.status).toBeLessThan(500)
    expect(JSON.parse(made.text)).toHaveProperty('dispatchId')
    const reader = await ledger.newKey({ scopes: ['dispatch:read'] })
    const refused = await ask('POST', '/v1/dispatches', { ...cookieOf(reader), ...OWN }, command)
    expect(refused.status).toBe(403)
  })

  it('ends at once when its key is revoked', async () => {
    const key = await ledger.newKey()
    const headers = { ...cookieOf(key), ...OWN }
    expect((await ask('GET', '/v1/me', headers)).status).toBe(200)
    const id = key.split('_')[1]
    expect((await ledger.ask('POST', `/v1/keys/${id}/revoke`)).status).toBe(200)
    expect((await ask('GET', '/v1/me', headers)).status).toBe(401)
  })

  it('is forgotten on request', async () => {
    const { status, cookie } = await ask('DELETE', '/v1/session', cookieOf(ledger.key))
    expect(status).toBe(204)
    expect(cookie).toBe(`${NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`)
  })

  it('gives way to a key in the header', async () => {
    const headers = { ...cookieOf(ledger.key), ...OWN, authorization: 'Bearer dl_other' }
    expect((await ask('GET', '/v1/me', headers)).status).toBe(401)
  })
})

describe('a request by cookie from elsewhere', () => {
  const HALT = { state: 'HALTED', reason: 'forged' }
  const refused: readonly (readonly [string, Headers])[] = [
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this address', { 'sec-fetch-site': 'same-site' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['a browser that says nothing', {}],
    ['another origin', { origin: 'http://127.0.0.1:8080' }],
    ['an origin that is none', { origin: 'null' }],
  ]
  it.each(refused)('changes nothing: %s', async (_, headers) => {
    const before = await ledger.countEvents()
    const forged = await ask(
      'PUT',
      '/v1/switch/global',
      { ...cookieOf(ledger.key), ...headers },
      HALT,
    )
    expect(forged.status).toBe(401)
    expect(await ledger.countEvents()).toBe(before)
  })

  it('changes something from the own page of a browser that tells the origin alone', async () => {
    const headers = { ...cookieOf(ledger.key), origin: `http://${HOST}` }
    expect((await ask('PUT', '/v1/switch/global', headers, HALT)).status).toBe(200)
  })

  it('reads nothing from another site or port', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { ...cookieOf(ledger.key), 'sec-fetch-site': site }
      expect((await ask('GET', '/v1/me', headers)).status).toBe(401)
    }
  })

  it('counts for nothing under the name of another port, or twice', async () => {
    const other = { cookie: `ledger_key_4401=${ledger.key}`, ...OWN }
    expect((await ask('GET', '/v1/me', other)).status).toBe(401)
    const twice = { cookie: `${NAME}=${ledger.key}; ${NAME}=${ledger.key}`, ...OWN }
    expect((await ask('GET', '/v1/me', twice)).status).toBe(401)
  })
})

describe('the link that a server prints', () => {
  it('opens one session, and only one', async () => {
    let link: OneTimeKey | null = null
    const oneTimeKey = { token: null, redeem: (token: string) => link?.redeem(token) ?? null }
    linked = await openLedger({ oneTimeKey })
    link = createOneTimeKey(linked.key)
    const post = (token: string | null) =>
      linked.app.inject({ method: 'POST', url: '/v1/session/link', payload: { token } })
    expect((await post('another')).statusCode).toBe(401)
    const opened = await post(link.token)
    expect(opened.statusCode).toBe(204)
    expect(String(opened.headers['set-cookie'])).toContain(`=${linked.key}; Path=/`)
    const again = await post(link.token)
    expect(again.statusCode).toBe(401)
    expect(again.headers['set-cookie']).toBeUndefined()
    expect(again.json().detail).toContain('used already')
  })

  it('is redeemed once, by its own token', () => {
    const { token, redeem } = createOneTimeKey('dl_key')
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(redeem('')).toBeNull()
    expect(redeem(`${token}x`)).toBeNull()
    expect(redeem(token ?? '')).toBe('dl_key')
    expect(redeem(token ?? '')).toBeNull()
  })
})
