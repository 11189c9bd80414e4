import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { runCli, type Serving, startServer, stopServer } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { withDatabase } from '../support/global-setup.ts'

let database: TestDatabase
let dataDir: string
let serving: Serving | undefined

beforeAll(async () => {
  database = await createDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-serve-'))
  await chmod(dataDir, 0o711)
})
afterEach(async () => {
  if (serving !== undefined) await stopServer(serving)
  serving = undefined
})
afterAll(async () => {
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const serve = (env: Record<string, string>) =>
  runCli(['serve'], { env: { LEDGER_PORT: '0', ...env } })

describe('a start that cannot go on: one sentence, exit 2', () => {
  it('names the variable of a bad setting, and never shows a database URL', async () => {
    const port = await serve({ LEDGER_PORT: 'http' })
    expect(port).toMatchObject({ code: 2, stdout: '' })
    expect(port.stderr).toBe(
      'LEDGER_PORT must be a port number, or 0 for a free one; found "http".\n',
    )
    const url = await serve({ DATABASE_URL: 'mysql://me:secret@host/db' })
    expect(url.code).toBe(2)
    expect(url.stderr).toMatch(/^DATABASE_URL must be .*\n$/)
    expect(url.stderr).not.toContain('secret')
  })

  it('says that the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    const taken = await serve({ LEDGER_PORT: String(port), DATABASE_URL: database.runtimeUrl })
    other.close()
    expect(taken).toMatchObject({ code: 2, stdout: '' })
    expect(taken.stderr).toContain(
      `Port ${port} is in use: set LEDGER_PORT to another one, or to 0.`,
    )
  })

  it('says that the database is away', async () => {
    const away = await serve({ DATABASE_URL: 'postgres://x:y@127.0.0.1:9/z' })
    expect(away).toMatchObject({ code: 3, stdout: '' })
    expect(away.stderr).toMatch(/^Cannot reach the database of DATABASE_URL: .+\n$/)
  })

  it('prints the migrate command for a database without the schema', async () => {
    await database.query('create database bare')
    const bare = await serve({ DATABASE_URL: withDatabase(inject('runtimeUrl'), 'bare') })
    await database.query('drop database bare')
    expect(bare).toMatchObject({ code: 2, stdout: '' })
    expect(bare.stderr).toContain('dispatch-ledger migrate --database-url <owner>')
  })

  it('refuses a login that may change the log', async () => {
    const strong = await serve({ DATABASE_URL: database.ownerUrl })
    expect(strong).toMatchObject({ code: 2, stdout: '' })
    expect(strong.stderr).toContain('may change ledger.commits')
  })

  it('says that the data directory cannot be written', async () => {
    const odd = await serve({ LEDGER_DATA_DIR: '/dev/null/ledger' })
    expect(odd).toMatchObject({ code: 2, stdout: '' })
    expect(odd.stderr).toContain('/dev/null/ledger')
    expect(odd.stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('a server on its own Postgres', () => {
  it('says where everything is, keeps its key to itself, refuses a second one, and ends with 0', async () => {
    serving = await startServer({ LEDGER_DATA_DIR: dataDir })
    const { url, banner } = serving
    const [first, ...rest] = banner.split('\n')
    expect(first).toMatch(/^Dispatch Ledger \d+\.\d+\.\d+$/)
    expect(rest.map((line) => line.trim().split(/\s{2,}/)[0])).toEqual([
      'store',
      'url',
      'console',
      'data',
      'admin key',
      '',
    ])
    expect(banner).toContain('guarantee atomic')
    expect((await stat(join(dataDir, 'admin.key'))).mode & 0o777).toBe(0o600)
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({
      ready: true,
      checks: { switch: { ok: false, detail: 'unset' } },
    })
    const second = await serve({ LEDGER_DATA_DIR: dataDir })
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(second.stderr).toContain(url)
    const key = await runCli(['keys', 'create', '--name', 'ci', '--role', 'auditor'], {
      env: { LEDGER_DATA_DIR: dataDir, LEDGER_URL: url },
    })
    expect(key.stdout).toMatch(/^dl_/)
    const logged = await stopAndRead(serving)
    serving = undefined
    expect(logged.code).toBe(0)
    expect(logged.stderr).not.toContain((await readFile(join(dataDir, 'admin.key'), 'utf8')).trim())
  })

  it('starts again on the same data with the same key', async () => {
    const before = await readFile(join(dataDir, 'admin.key'), 'utf8')
    serving = await startServer({ LEDGER_DATA_DIR: dataDir })
    expect(await readFile(join(dataDir, 'admin.key'), 'utf8')).toBe(before)
    const env = { LEDGER_DATA_DIR: dataDir, LEDGER_URL: serving.url }
    expect((await runCli(['switch'], { env })).code).toBe(0)
  })
})

async function stopAndRead(server: Serving): Promise<{ code: number | null; stderr: string }> {
  let stderr = ''
  server.child.stderr?.on('data', (chunk) => {
    stderr += String(chunk)
  })
  return { code: await stopServer(server, 'SIGINT'), stderr }
}

describe('migrate', () => {
  it('applies once, then has nothing to do, and prints the logins to make', async () => {
    await database.query('create database fresh_one')
    const url = withDatabase(inject('ownerUrl'), 'fresh_one')
    const first = await runCli(['migrate', '--database-url', url])
    const second = await runCli(['migrate', '--database-url', url])
    await database.query('drop database fresh_one')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toContain('Applied 0001_ledger')
    expect(first.stdout.match(/CREATE ROLE/g)).toHaveLength(2)
    expect(second.stdout).toContain('Nothing to do')
  })

  it('wants to know which database: exit 2', async () => {
    expect(await runCli(['migrate'])).toMatchObject({ code: 2, stdout: '' })
  })
})
