import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { examineNode, judgeDisk } from '../../src/cli/machine.ts'
import type { Finding } from '../../src/ports.ts'
import { runCli } from '../support/cli.ts'
import { openLedger, type TestLedger } from '../support/ledger.ts'

let folder: string
let ledger: TestLedger
let url: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dispatch-ledger-doctor-'))
  ledger = await openLedger()
  url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
  return async () => {
    await ledger.close()
    await rm(folder, { recursive: true })
  }
})

/** Runs doctor in a folder of its own, so that no `.env` of this machine counts. */
async function doctor(env: Record<string, string>, args: readonly string[] = []) {
  const ran = await runCli(['doctor', '--json', ...args], { env, cwd: folder })
  const findings = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding)
  const of = (check: string) => findings.find((finding) => finding.check === check)
  return { ...ran, of, notOk: findings.filter(({ status }) => status !== 'ok') }
}

describe('doctor', () => {
  it('looks at the database and the server, and ends with 1 where something is found', async () => {
    const { code, of, stdout } = await doctor({
      DATABASE_URL: ledger.database.runtimeUrl,
      LEDGER_URL: url,
    })
    // The Postgres of the tests runs without fsync.
    expect(of('settings')).toMatchObject({ status: 'problem', found: 'fsync is off' })
    expect(of('schema')?.status).toBe('ok')
    expect(of('server')).toMatchObject({ status: 'warning', found: 'switch: unset' })
    expect(of('read models')?.status).toBe('ok')
    expect(code).toBe(1)
    expect(stdout).not.toContain(new URL(ledger.database.runtimeUrl).password)
    expect(of('configuration')?.found).toContain('DATABASE_URL=postgresql://ledger_app:***@')
  })

  it('ends with 3 and says what to do where there is no database', async () => {
    const { code, of, notOk } = await doctor({ LEDGER_DATA_DIR: join(folder, 'none') })
    expect(code).toBe(3)
    expect(notOk).toEqual([of('postgres')])
    expect(of('postgres')).toMatchObject({
      status: 'unknown',
      todo: expect.stringContaining('dispatch-ledger serve'),
    })
    expect(of('server')?.status).toBe('ok')
  })

  it('cannot tell where a server that somebody named does not answer', async () => {
    const env = { LEDGER_DATA_DIR: join(folder, 'none') }
    const { of } = await doctor(env, ['--url', 'http://127.0.0.1:1'])
    expect(of('server')).toMatchObject({ status: 'unknown' })
  })

  it('stops at a setting that cannot be used, and names it', async () => {
    const { code, notOk } = await doctor({ LEDGER_PORT: 'many' })
    expect(code).toBe(1)
    expect(notOk).toMatchObject([
      { check: 'configuration', found: expect.stringContaining('LEDGER_PORT') },
    ])
  })

  it('says which settings stand in .env', async () => {
    await writeFile(join(folder, '.env'), 'LEDGER_PORT=4501\n')
    const { of } = await doctor({ LEDGER_HOST: '::1', LEDGER_DATA_DIR: join(folder, 'none') })
    await rm(join(folder, '.env'))
    expect(of('configuration')?.found).toContain('LEDGER_PORT=4501 (.env)')
    expect(of('configuration')?.found).toContain('LEDGER_HOST=::1 (environment)')
  })

  it('finds a key file that others can read', async () => {
    const file = join(folder, 'open.key')
    await writeFile(file, 'dl_secret\n')
    const env = { LEDGER_KEY_FILE: file, LEDGER_DATA_DIR: join(folder, 'none') }
    await chmod(file, 0o644)
    const open = await doctor(env)
    expect(open.of('key file')).toMatchObject({
      status: 'problem',
      todo: expect.stringContaining('chmod 600'),
    })
    await chmod(file, 0o600)
    expect((await doctor(env)).of('key file')?.status).toBe('ok')
    expect(open.stdout).not.toContain('dl_secret')
  })

  it('writes for people one line a finding', async () => {
    const env = { LEDGER_DATA_DIR: join(folder, 'none') }
    const { stdout } = await runCli(['doctor'], { env, cwd: folder })
    const lines = stdout.trim().split('\n')
    expect(lines.every((line) => /^(ok|warning|problem|unknown) +\w/.test(line))).toBe(true)
    expect(lines.length).toBeGreaterThan(4)
  })
})

describe('what doctor thinks of a machine', () => {
  it.each([
    ['20.18.3', 'problem'],
    ['18.99.0', 'problem'],
    ['20.19.0', 'ok'],
    ['22.1.0', 'ok'],
  ])('Node %s: %s', (version, status) => expect(examineNode(version).status).toBe(status))

  it.each([
    [99, 'problem'],
    [1_023, 'warning'],
    [1_024, 'ok'],
  ])('%d MiB free: %s', (mib, status) =>
    expect(judgeDisk('data', mib * 1024 * 1024).status).toBe(status),
  )
})
