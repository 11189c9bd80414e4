import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeViolations } from '../support/axe.ts'
import { openBrowser, type Served, serveConsole, type Theme, visit } from '../support/browser.ts'
import { sampleCommand } from '../support/sample.ts'

let browser: Browser
let served: Served
let dispatchId: string

beforeAll(async () => {
  browser = await openBrowser()
  served = await serveConsole({ calls: { everyMs: 100 } })
  const { ledger } = served
  await ledger.dispatch(sampleCommand({ mode: 'REAL_RUN' }))
  dispatchId = (await ledger.dispatch(sampleCommand({ mode: 'PLAN_ONLY' }))).body.dispatchId
  await ledger.ask('PUT', '/v1/switch/executor:http', { state: 'HALTED', reason: 'being moved' })
  await ledger.setSwitch('HALTED')
  await ledger.dispatch(sampleCommand())
  await ledger.setSwitch('DRY_RUN_ONLY')
  await ledger.dispatch(sampleCommand())
  await ledger.dispatch(sampleCommand())
  const runs = Array.from({ length: 16 }, (_, at) => `nightly-${at}`)
  for (const occurrence of runs) await ledger.dispatch(sampleCommand({ occurrence }))
  await ledger.dispatch(sampleCommand({ occurrence: 'a', outputNamespace: 'PROD:sample' }))
  await ledger.dispatch(sampleCommand({ occurrence: 'b', params: { say: 1 } }))
})
afterAll(async () => {
  await browser.close()
  await served.close()
})

/** Each with what is there once it has all it shows. */
const SCREENS: readonly (readonly [string, () => string, string])[] = [
  ['overview', () => '/', 'never passes'],
  ['dispatches', () => '/dispatches', 'would_succeed'],
  [
    'dispatches, a filter',
    () => '/dispatches?filter=reached%20%3D%20%22Planned%22',
    'Nothing matches',
  ],
  ['one dispatch', () => `/dispatches/${dispatchId}`, 'global HALTED'],
  [
    'a dispatch that is none',
    () => `/dispatches/${dispatchId.replace(/.$/, 'f')}`,
    'no such dispatch',
  ],
  ['try', () => '/try', 'REAL_RUN is part of the language'],
  ['refusals', () => '/refusals', 'production-execution-not-authorized'],
  ['switch', () => '/switch', 'being moved'],
]
/** `UPDATE_SCREENS=1` leaves what was seen in docs/screens. */
const KEPT = process.env['UPDATE_SCREENS'] === undefined ? null : 'docs/screens'
const PICTURED = ['overview', 'dispatches', 'one dispatch', 'try', 'refusals', 'switch']

const NOT_FOUND = /404 \(Not Found\)/

describe.each(['light', 'dark'] as const)('in the %s theme', (theme: Theme) => {
  it.each(SCREENS)(
    '%s is shown, within its policy and to everybody',
    async (name, address, last) => {
      const { key } = served.ledger
      const options = { theme, key, allowed: NOT_FOUND }
      const { page, close } = await visit(browser, `${served.url}${address()}`, options)
      await page.getByText(last).filter({ visible: true }).first().waitFor()
      expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(theme)
      expect(await axeViolations(page)).toEqual([])
      if (KEPT !== null && PICTURED.includes(name)) {
        await page.screenshot({ path: `${KEPT}/${name.replace(' ', '-')}-${theme}.png` })
      }
      await close()
    },
  )
})

describe('the width of the page', () => {
  it.each(SCREENS)('cuts nothing off: %s', async (_name, address, last) => {
    const options = { key: served.ledger.key, allowed: NOT_FOUND }
    const { page, close } = await visit(browser, `${served.url}${address()}`, options)
    await page.getByText(last).filter({ visible: true }).first().waitFor()
    for (const width of [1_440, 1_240, 1_080, 900]) {
      await page.setViewportSize({ width, height: 900 })
      // What draws itself anew does so when it next can.
      const reaches = () => page.evaluate('document.documentElement.scrollWidth')
      await expect.poll(reaches, { timeout: 5_000 }).toBe(width)
    }
    await close()
  })
})

describe('the first load', () => {
  it('is under 60 KB, and every file of it comes from here', async () => {
    const { key } = served.ledger
    const { page, close } = await visit(browser, `${served.url}/livez`, { key })
    const sizes: Promise<number>[] = []
    const hosts = new Set<string>()
    page.on('response', (response) => {
      const url = new URL(response.url())
      hosts.add(url.origin)
      if (url.pathname.startsWith('/v1/')) return
      sizes.push(
        response
          .request()
          .sizes()
          .then((it) => it.responseBodySize),
      )
    })
    await page.goto(served.url)
    await page.getByText('Why calls were refused').waitFor()
    await page.locator('.plot canvas').waitFor()
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThan(60_000)
    expect([...hosts]).toEqual([served.url])
    await close()
  })
})

describe('a key that may do little', () => {
  it('is told which scope is missing, and shown the rest', async () => {
    const key = await served.ledger.newKey({
      scopes: ['dispatch:read', 'switch:read', 'catalogue:read'],
    })
    const allowed = /403 \(Forbidden\)|404/
    const at = async (path: string, ...texts: readonly string[]): Promise<void> => {
      const { page, close } = await visit(browser, `${served.url}${path}`, { key, allowed })
      for (const text of texts) await page.getByText(text).first().waitFor()
      await close()
    }
    await at('/', 'analytics:read', 'projections:read', 'DRY_RUN_ONLY')
    await at('/dispatches', 'events:read', 'would_succeed')
    await at(`/dispatches/${dispatchId}`, 'Halts are not drawn', 'Evidence that nothing changed')
    await at('/switch', 'switch:write', 'being moved')
    await at('/try', 'dispatch:append')
  })
})
