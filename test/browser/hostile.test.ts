import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { openBrowser, type Served, serveConsole, visit } from '../support/browser.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let browser: Browser
let served: Served

beforeAll(async () => {
  browser = await openBrowser()
  served = await serveConsole()
})
afterAll(async () => {
  await browser.close()
  await served.close()
})

const TOLD = /404 \(Not Found\)/
const MARKUP =
  '</pre><script>window.ran = 1</script><img src=x onerror="window.ran = 2"><a href="javascript:window.ran = 3">go</a>'
const TURNED = '\u202e\u2066txet desrever\u2069 ريال \u{1f47b}\u0001'
/** Within the limit of params, and far more than a screen. */
const LONG = 'w'.repeat(LIMITS.paramsBytes - 20)

const ran = (page: Page): Promise<unknown> => page.evaluate('window.ran')

/** As text on the page, or in a field of it. */
const SHOWS = `document.body.innerText.includes('window.ran') ||
  [...document.querySelectorAll('input, textarea')].some((it) => it.value.includes('window.ran'))`

/** Recorded for ever, whatever the contract says of its params. */
async function record(say: string, occurrence: string): Promise<string> {
  const { body } = await served.ledger.dispatch(sampleCommand({ params: { say }, occurrence }))
  return body.dispatchId
}

describe('text of others', () => {
  it.each([
    ['markup', MARKUP, 'h-markup'],
    ['turned', TURNED, 'h-turned'],
    ['long', LONG, 'h-long'],
  ])('is shown, and never run: %s', async (_, say, occurrence) => {
    const dispatchId = await record(say, occurrence)
    const { key } = served.ledger
    const addresses = [
      `/dispatches/${dispatchId}`,
      `/dispatches?filter=${encodeURIComponent(`dispatchId = "${dispatchId}"`)}`,
      `/try?${new URLSearchParams({ contract: 'sample.echo@1', target: 'sample/one', params: JSON.stringify({ say }).slice(0, 5_000) }).toString()}`,
    ]
    for (const address of addresses) {
      const { page, close } = await visit(browser, `${served.url}${address}`, {
        key,
        allowed: TOLD,
      })
      await page.getByText('sample.echo').first().waitFor()
      if (!address.startsWith('/try')) {
        const shown = JSON.stringify(say).slice(1, 30)
        await page.locator('pre', { hasText: shown }).first().waitFor()
      }
      expect(await ran(page)).toBeUndefined()
      expect(await page.locator('main img, main script').count()).toBe(0)
      await close()
    }
  })

  it('of a reason and of an address stays text, too', async () => {
    const { ledger, url } = served
    await ledger.ask('PUT', '/v1/switch/executor:http', { state: 'HALTED', reason: MARKUP })
    for (const address of [
      '/switch',
      '/',
      `/dispatches?filter=${encodeURIComponent(MARKUP)}`,
      `/refusals?code=${encodeURIComponent(MARKUP)}`,
      `/try?contract=${encodeURIComponent(MARKUP)}`,
    ]) {
      const options = { key: ledger.key, allowed: /4\d\d \(/ }
      const { page, close } = await visit(browser, `${url}${address}`, options)
      await until(async () => (await page.evaluate(SHOWS)) === true, { what: address })
      expect(await ran(page)).toBeUndefined()
      await close()
    }
  })

  it('in a policy that lets nothing else in', async () => {
    const reply = await fetch(served.url)
    expect(reply.headers.get('content-security-policy')).toBe(
      "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    )
    const html = await reply.text()
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/)
  })
})
