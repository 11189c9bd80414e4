import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, type Served, serveConsole, visit, withLink } from '../support/browser.ts'

let browser: Browser
let served: Served
const link = withLink(() => served.ledger.key)
/** The browser itself tells of a request that was refused. */
const REFUSED = /401 \(Unauthorized\)/

beforeAll(async () => {
  browser = await openBrowser()
  served = await serveConsole({ oneTimeKey: link.oneTimeKey })
})
afterAll(async () => {
  await browser.close()
  await served.close()
})

describe('opening the console', () => {
  it('takes the token of the link once, and out of the address', async () => {
    const address = `${served.url}/dispatches#token=${link.token()}`
    const first = await visit(browser, address)
    await first.page.getByRole('heading', { name: 'Dispatches' }).waitFor()
    expect(first.page.url()).toBe(`${served.url}/dispatches`)
    const [cookie] = await first.context.cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', value: served.ledger.key })
    expect(await first.page.evaluate('document.cookie')).toBe('')
    await first.close()

    const second = await visit(browser, address, { allowed: REFUSED })
    await second.page.getByText('The link was used already').waitFor()
    expect(second.page.url()).toBe(`${served.url}/dispatches`)
    await second.close()
  })

  it('takes a key that is typed in, and says so when it is none', async () => {
    const { page, close } = await visit(browser, served.url, { allowed: REFUSED })
    const field = page.getByLabel('Key')
    await field.fill('dl_nobody')
    await page.keyboard.press('Enter')
    await page.getByText('No valid key came with the request').waitFor()
    await field.fill(served.ledger.key)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(await page.content()).not.toContain(served.ledger.key)
    await close()
  })

  it('ends with a click, and with the key', async () => {
    const key = await served.ledger.newKey({ name: 'ops-ada' })
    const { page, close } = await visit(browser, served.url, { key, allowed: REFUSED })
    await page.getByRole('button', { name: /ops-ada/ }).click()
    await page.getByLabel('Key').waitFor()
    await page.getByLabel('Key').fill(key)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await served.ledger.ask('POST', `/v1/keys/${key.split('_')[1]}/revoke`)
    await page.getByLabel('Key').waitFor()
    await close()
  })
})
