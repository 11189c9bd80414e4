import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { parseHttpAllow } from '../../src/http-allow.ts'
import { runCli } from '../support/cli.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts'
import { openLedger, type TestLedger } from '../support/ledger.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LINKED = ['node_modules', 'src', 'domain', 'package.json', 'tsconfig.json']
const BLOCK = /^```[a-z]+ (examples\/\S+)\n([\s\S]*?)^```$/gm
const CONSOLE = /```console\n([\s\S]*?)```/

let checkout: string
let database: TestDatabase
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'dispatch-ledger-newcomer-'))
  for (const name of LINKED) await symlink(join(ROOT, name), join(checkout, name))
  await cp(join(ROOT, 'examples'), join(checkout, 'examples'), { recursive: true })
  database = await createEmptyDatabase(inject('ownerUrl'))
  await database.query(await readFile(join(ROOT, 'examples/agent-api/schema.sql'), 'utf8'))
})
afterAll(async () => {
  await database.drop()
  await rm(checkout, { recursive: true })
})

/** The section of the document, as a newcomer has it before them. */
async function section(): Promise<string> {
  const text = await readFile(join(ROOT, 'docs/executors.md'), 'utf8')
  return text.split('### Give a service a dry-run entry point')[1]?.split('\n## ')[0] ?? ''
}

/** Steps 1 and 2: a file that is there gets its route above its last two lines, others are made. */
async function writeFiles(document: string): Promise<string[]> {
  const blocks = [...document.matchAll(BLOCK)]
  for (const [, file = '', text = ''] of blocks) {
    const path = join(checkout, file)
    if (!file.endsWith('.mjs')) await writeFile(path, text)
    else {
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
      await writeFile(path, [...lines.slice(0, -2), text, ...lines.slice(-2), ''].join('\n'))
    }
  }
  return blocks.map(([, file = '']) => file)
}

/** Step 3, on a port that is free. */
async function startService(): Promise<{ origin: string; stop(): Promise<void> }> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const args = (scripts['agent-api'] as string).split(' ').slice(1)
  const env = { ...process.env, DATABASE_URL: database.ownerUrl, PORT: '0' }
  const child = spawn(process.execPath, args, { cwd: checkout, env })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const origin = /http:\S+/.exec(String(line))?.[0] ?? ''
  return {
    origin,
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

const listOf = async (file: string): Promise<string> => readFile(join(checkout, file), 'utf8')

it('gives the sample service another dry-run entry point by the steps of docs/executors.md', async () => {
  const document = await section()
  const files = await writeFiles(document)
  expect(files).toHaveLength(3)
  const service = await startService()
  const targets = 'examples/agent-api/catalogue/targets.yaml'
  const moved = (await listOf(targets)).replaceAll('http://127.0.0.1:8081', service.origin)
  await writeFile(join(checkout, targets), moved)
  const ledger: TestLedger = await openLedger({ httpAllow: parseHttpAllow(service.origin) })
  try {
    const url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
    const env = { LEDGER_URL: url, LEDGER_KEY: ledger.key }
    const shown = CONSOLE.exec(document)?.[1] ?? ''
    const commands = [...shown.matchAll(/^\$ dispatch-ledger (.*)$/gm)].map(([, it]) => it ?? '')
    expect(commands).toHaveLength(3)
    let last = ''
    for (const command of commands) {
      const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((it) => it[1] ?? it[2] ?? '')
      const { code, stdout, stderr } = await runCli(words, { env, cwd: checkout })
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
      last = stdout.split('\n')[0] ?? ''
    }
    expect(last).toBe(shown.trimEnd().split('\n').at(-1))
    const users = await database.query('select name from agent.users where id = 2')
    expect(users).toEqual([{ name: 'Grace' }])
  } finally {
    await ledger.close()
    await service.stop()
  }
}, 60_000)
