import pino from 'pino'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identify } from '../../src/identity.ts'
import { createLedger, type Ledger } from '../../src/main.ts'
import {
  consoleFiles,
  listen,
  openBrowser,
  type Served,
  serveConsole,
  visit,
} from '../support/browser.ts'
import { sampleCommand } from '../support/sample.ts'

let browser: Browser
let served: Served
let second: Ledger | null = null

beforeAll(async () => {
  browser = await openBrowser()
  served = await serveConsole()
})
afterAll(async () => {
  await browser.close()
  await second?.close()
  await served.close()
})

/** The browser tells of a server that is not there. */
const GONE = /ERR_|Failed to load/
const planOf = (occurrence: string) => sampleCommand({ occurrence, mode: 'PLAN_ONLY' })
const linkTo = (occurrence: string): string =>
  `td a[href$="${identify(planOf(occurrence)).dispatchId}"]`

describe('the live tail', () => {
  it('shows what comes, through a restart of the server', async () => {
    const { ledger, url } = served
    await ledger.dispatch(planOf('before'))
    const options = { key: ledger.key, allowed: GONE }
    const { page, close } = await visit(browser, `${url}/dispatches?tail=on`, options)
    await page.locator(linkTo('before')).waitFor()
    await page.getByRole('switch', { name: /^Live tail$/ }).waitFor()
    await ledger.dispatch(planOf('during'))
    await page.locator(`tr.new ${linkTo('during')}`).waitFor()

    await ledger.app.close()
    await page.getByText('The server does not answer').waitFor()
    const log = pino({ level: 'silent' })
    const { database, eventStoreDb } = ledger
    second = await createLedger(database.runtimeUrl, '0.0.0-test', log, {
      consoleFiles: consoleFiles(),
      eventStoreDb: eventStoreDb ?? null,
    })
    await listen(second.app, Number(new URL(url).port))
    const headers = { authorization: `Bearer ${ledger.key}` }
    const reply = await second.app.inject({
      method: 'POST',
      url: '/v1/dispatches',
      headers,
      payload: planOf('after'),
    })
    expect(reply.statusCode).toBe(201)
    await page.locator(`tr.new ${linkTo('after')}`).waitFor()
    await close()
  })
})
