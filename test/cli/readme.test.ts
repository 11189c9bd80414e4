import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dryRun } from '../../src/dry-run/index.ts'
import { runCli } from '../support/cli.ts'
import { openLedger, type TestLedger } from '../support/ledger.ts'

const README = 'README.md'
const TOUR = /```console\n\$ dispatch-ledger ([^\n]*)\n([\s\S]*?)```/g

let ledger: TestLedger
let url: string
beforeAll(async () => {
  ledger = await openLedger()
  url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => ledger.close())

/** Times, key ids and this run's exact moment are all that may differ from what the README shows. */
const masked = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-22T12:00:00.000Z')
    .replaceAll(/key:[a-z2-7]{12}/g, 'key:aaaaaaaaaaaa')

/** The snippet as a service would run it, but for where the client and the server are. */
async function runSnippet(code: string, at: string, key: string): Promise<string> {
  const client = new URL('../../src/client/index.ts', import.meta.url).pathname
  const program = code
    .replace("'dispatch-ledger/client'", JSON.stringify(client))
    .replace('http://127.0.0.1:4400', at)
  const file = join(await mkdtemp(join(tmpdir(), 'dispatch-ledger-readme-')), 'snippet.mts')
  await writeFile(file, program)
  const env = { ...process.env, LEDGER_KEY: key }
  const tsx = import.meta.resolve('tsx')
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, file], { env })
  return stdout
}

const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')

it('shows what the commands of its tour really print: `UPDATE_README=1` writes it anew', async () => {
  const env = { LEDGER_URL: url, LEDGER_KEY: ledger.key }
  let readme = await readFile(README, 'utf8')
  const blocks = [...readme.matchAll(TOUR)]
  expect(blocks.length).toBeGreaterThan(8)
  for (const [block, command = '', shown = ''] of blocks) {
    const { stdout, stderr } = await runCli(words(command), { env })
    expect(stderr).toBe('')
    const printed = masked(stdout)
    if (process.env['UPDATE_README'] !== '1') expect.soft(shown, command).toBe(printed)
    else {
      const at = readme.indexOf(
        block,
        readme.indexOf(`$ dispatch-ledger ${command}\n${shown}`) - 12,
      )
      const written = `\`\`\`console\n$ dispatch-ledger ${command}\n${printed}\`\`\``
      readme = readme.slice(0, at) + written + readme.slice(at + block.length)
    }
  }
  if (process.env['UPDATE_README'] === '1') await writeFile(README, readme)
}, 120_000)

it('shows a client snippet that runs: refused while halted, and answered after the release', async () => {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(await readFile(README, 'utf8')) ?? []
  expect(await runSnippet(code, url, ledger.key)).toBe('kill-switch-engaged operator\n')
  await ledger.setSwitch('DRY_RUN_ONLY')
  expect(await runSnippet(code, url, ledger.key)).toBe('go 2449079a-4d51-8fc4-9532-2e11674156ed\n')
})

it('shows a service that commits, and undoes what it is only asked about', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(await readFile(README, 'utf8')) ?? []
  const body = code.replace(/^import .*$/m, '')
  const pool = new pg.Pool({ connectionString: ledger.database.ownerUrl })
  await pool.query(`create table users (id int, name text); insert into users values (1, 'Ada')`)
  const app = Fastify()
  const make = Object.getPrototypeOf(async () => undefined).constructor as FunctionConstructor
  await make('app', 'dryRun', 'pool', body)(app, dryRun, pool)
  const rename = async (name: string, headers: Record<string, string>) => {
    const asked = { method: 'POST', url: '/users/1/rename', headers, payload: { name } } as const
    const reply = await app.inject(asked)
    const { rows } = await pool.query('select name from users')
    return { users: reply.json().users, marker: reply.headers['preference-applied'], rows }
  }
  expect(await rename('Lady', { prefer: 'tx=rollback' })).toEqual({
    users: [{ id: 1, name: 'Lady' }],
    marker: 'tx=rollback',
    rows: [{ name: 'Ada' }],
  })
  expect(await rename('Lady', {})).toMatchObject({ marker: undefined, rows: [{ name: 'Lady' }] })
  await app.close()
  await pool.end()
})
