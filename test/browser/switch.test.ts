import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, type Served, serveConsole, visit } from '../support/browser.ts'

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

const TABS_MAX = 60

/** Goes there as somebody does who has no mouse. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = 'document.activeElement?.id || document.activeElement?.textContent?.trim()'
  for (let tabs = 0; tabs < TABS_MAX; tabs++) {
    if ((await page.evaluate(focused)) === name) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`No ${TABS_MAX} tabs lead to ${name}`)
}

async function flip(page: Page, verb: 'Halt' | 'Release', reason: string): Promise<void> {
  await tabTo(page, verb)
  await page.keyboard.press('Enter')
  await tabTo(page, 'reason')
  await page.keyboard.type(reason)
  await tabTo(page, 'confirm')
  await page.keyboard.type(`${verb.toLowerCase()} global`)
  await page.keyboard.press('Enter')
}

describe('the kill switch by keyboard alone', () => {
  it('halts and releases, and every flip is an event with its reason', async () => {
    const { ledger, url } = served
    const { page, close } = await visit(browser, url, { key: ledger.key })
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { name: 'Kill switch' }).waitFor()

    await flip(page, 'Halt', 'a drill, by keyboard')
    await page.getByText('Everything is halted.').waitFor()
    const halted = await ledger.ask('GET', '/v1/switch')
    expect(halted.body.scopes.global).toMatchObject({
      state: 'HALTED',
      reason: 'a drill, by keyboard',
    })

    await flip(page, 'Release', 'the drill is over')
    await page.getByText('Everything is halted.').waitFor({ state: 'detached' })
    const released = await ledger.ask('GET', '/v1/switch')
    expect(released.body.scopes.global).toMatchObject({
      state: 'DRY_RUN_ONLY',
      reason: 'the drill is over',
      revision: halted.body.scopes.global.revision + 1,
    })
    await close()
  })

  it('is not flipped while the phrase is another', async () => {
    const { ledger, url } = served
    const before = await ledger.countEvents()
    const { page, close } = await visit(browser, `${url}/switch`, { key: ledger.key })
    await page.getByLabel('Reason').fill('a mistake')
    for (const phrase of ['halt globa', 'halt global ', 'release global', 'HALT GLOBAL']) {
      await page.locator('#confirm').fill(phrase)
      expect(await page.getByRole('button', { name: 'Halt now' }).isDisabled()).toBe(true)
      await page.locator('#confirm').press('Enter')
    }
    expect(await ledger.countEvents()).toBe(before)
    await close()
  })
})
