import type { AddressInfo } from 'node:net'
import chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContext, chromium as launcher, type Page } from 'playwright-core'
import { expect, inject } from 'vitest'
import { readConsoleFiles } from '../../src/console-files.ts'
import type { Parts } from '../../src/main.ts'
import { createOneTimeKey } from '../../src/one-time-key.ts'
import { openReadyLedger, type TestLedger } from './ledger.ts'

/** The package's own arguments would switch off what the tests are about: sandboxed origins, web security. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu']
const VIEWPORT = { width: 1_440, height: 900 }

export const openBrowser = async (): Promise<Browser> =>
  launcher.launch({ executablePath: await chromium.executablePath(), args: ARGUMENTS })

export type Served = Readonly<{ ledger: TestLedger; url: string; close(): Promise<void> }>

/** A ledger with the built console, listening. */
export async function serveConsole(parts: Parts = {}, port = 0): Promise<Served> {
  const ledger = await openReadyLedger({ consoleFiles: consoleFiles(), ...parts })
  return { ledger, url: await listen(ledger.app, port), close: () => ledger.close() }
}

export const consoleFiles = () => readConsoleFiles(inject('consoleFolder'))

export async function listen(app: TestLedger['app'], port = 0): Promise<string> {
  await app.listen({ host: '127.0.0.1', port })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

export type Theme = 'light' | 'dark'
export type Visit = Readonly<{
  page: Page
  context: BrowserContext
  /** Fails where the page broke a rule of its policy, threw, or wrote to its console. */
  close(): Promise<void>
}>
type VisitOptions = Readonly<{
  theme?: Theme
  /** A key to be signed in with; left out nobody is. */
  key?: string
  /** What the page may complain about: refused requests are told to the console by the browser itself. */
  allowed?: RegExp
}>

/** A page of a browser that has never been here. */
export async function visit(
  browser: Browser,
  url: string,
  { theme = 'light', key, allowed }: VisitOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: new URL(url).origin,
    colorScheme: theme,
    viewport: VIEWPORT,
    reducedMotion: 'reduce',
    locale: 'en-US',
  })
  if (key !== undefined) {
    const headers = { authorization: `Bearer ${key}` }
    await context.request.post('/v1/session', { headers })
  }
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return {
    page,
    context,
    async close() {
      await context.close()
      expect(complaints.filter((it) => allowed?.test(it) !== true)).toEqual([])
    },
  }
}

/** The parts of a server that prints a link, and the link. */
export function withLink(key: () => string) {
  let once: ReturnType<typeof createOneTimeKey> | null = null
  return {
    /** The token, drawn when it is first asked for: the key is made with the ledger. */
    token: () => (once ??= createOneTimeKey(key())).token ?? '',
    oneTimeKey: { token: null, redeem: (token: string) => once?.redeem(token) ?? null },
  }
}
