import { beforeAll, describe, expect, it } from 'vitest'
import { openLedger, type TestLedger } from '../support/ledger.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openLedger()
  return () => ledger.close()
})
const get = (path: string) => ledger.app.inject(path)

describe('GET /docs', () => {
  it('is a page whose scripts and styles all come from this server', async () => {
    const { headers, payload } = await get('/docs')
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https:|\*/)
    const linked = [...payload.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(linked).toHaveLength(4)
    for (const path of linked) {
      const file = await get(path)
      expect({ path, status: file.statusCode }).toEqual({ path, status: 200 })
      expect(file.headers['content-type']).toMatch(/^(text\/(css|javascript)|image\/png)/)
    }
    expect(payload).not.toMatch(/<script>|onload=|style=/)
  })

  it('shows the document of this server', async () => {
    const { payload } = await get('/docs/start.js')
    expect(payload).toContain(`url: '/openapi.json'`)
    const bundle = await get('/docs/swagger-ui-bundle.js')
    expect(bundle.payload).toContain('SwaggerUIBundle')
  })

  it.each(['package.json', '..%2Fpackage.json', 'constructor', 'index.html'])(
    'gives out no other file: %s',
    async (file) => {
      const answer = await get(`/docs/${file}`)
      expect(answer.statusCode).toBe(404)
      expect(answer.json().code).toBe('not-found')
    },
  )
})

describe('every answer', () => {
  it.each(['/livez', '/v1/switch', '/nothing', '/openapi.json', '/docs/start.js', '/metrics'])(
    'of %s is data to a browser',
    async (path) => {
      expect((await get(path)).headers).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
    },
  )
})
