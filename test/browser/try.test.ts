import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identify } from '../../src/identity.ts'
import { openBrowser, type Served, serveConsole, visit } from '../support/browser.ts'
import { sampleCommand } from '../support/sample.ts'

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

/** The browser tells of what is not there yet, and of what was refused. */
const TOLD = /404 \(Not Found\)|403 \(Forbidden\)/

function addressOf(occurrence: string): string {
  const { contract, target, params, outputNamespace } = sampleCommand()
  const asked = new URLSearchParams({
    contract: `${contract.id}@${contract.version}`,
    target,
    namespace: outputNamespace,
    occurrence,
    params: JSON.stringify(params),
  })
  return `${served.url}/try?${asked.toString()}`
}

const press = (page: Page, mode: string): Promise<void> =>
  page.getByRole('button', { name: new RegExp(`^${mode}`) }).click()

describe('trying a dispatch', () => {
  it('tells the id before anything is sent, and a second click writes 0 events', async () => {
    const { ledger } = served
    const { dispatchId } = identify(sampleCommand({ occurrence: 'twice' }))
    const before = await ledger.countEvents()
    const { page, close } = await visit(browser, addressOf('twice'), {
      key: ledger.key,
      allowed: TOLD,
    })
    await page.getByText(dispatchId).first().waitFor()
    await page.getByText('would add 3 events').waitFor()
    expect(await ledger.countEvents()).toBe(before)

    await press(page, 'DRY_RUN')
    await page.getByText('201', { exact: true }).waitFor()
    expect(await ledger.countEvents()).toBe(before + 3)
    await page.getByText('would replay, 0 events').first().waitFor()

    await press(page, 'DRY_RUN')
    await page.getByText('200', { exact: true }).waitFor()
    await page.locator('.rows-written', { hasText: '0' }).waitFor()
    expect(await ledger.countEvents()).toBe(before + 3)
    await close()
  })

  it('shows a real run refused, why, and who must act', async () => {
    const { ledger } = served
    const { page, close } = await visit(browser, addressOf('real'), {
      key: ledger.key,
      allowed: TOLD,
    })
    await page.getByText('would add 3 events').waitFor()
    await press(page, 'REAL_RUN')
    await page.getByText('403', { exact: true }).waitFor()
    await page.getByText('production-execution-not-authorized').first().waitFor()
    const { dispatchId } = identify(sampleCommand({ occurrence: 'real' }))
    const { body } = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/events`)
    expect(body.events.map((it: { type: string }) => it.type)).toEqual(['Refused'])
    await close()
  })
})
