import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the console of this run was built. */
    consoleFolder: string
  }
}

/** Builds the console as it is shipped, in a folder of its own: others may be building the package. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-console-'))
  const { NODE_ENV } = process.env
  // The test runner says `test` there, and packages are built larger for that.
  process.env['NODE_ENV'] = 'production'
  await build({ logLevel: 'warn', build: { outDir } })
  process.env['NODE_ENV'] = NODE_ENV
  project.provide('consoleFolder', outDir)
  return () => rm(outDir, { recursive: true, force: true })
}
