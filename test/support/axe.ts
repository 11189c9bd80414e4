import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Violation = Readonly<{
  id: string
  help: string
  nodes: readonly Readonly<{ html: string; failureSummary: string }>[]
}>

/** What axe-core finds against WCAG 2.2 AA, in words. Put in by the debugger, which no policy binds. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(SOURCE)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then((it) => it.violations)`
  const found = (await page.evaluate(run)) as readonly Violation[]
  return found.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map((it) => it.html.slice(0, 160)).join(' | ')}`,
  )
}
