import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, runCli, startServer, stopServer } from '../support/cli.ts'
import { eventsAfter, headOf } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const ACTOR = `direct:${userInfo().username}`
let ledger: TestLedger
let folder: string
beforeAll(async () => {
  ledger = await openReadyLedger()
  folder = await mkdtemp(join(tmpdir(), 'dispatch-ledger-direct-'))
  await chmod(folder, 0o711)
})
afterAll(async () => {
  await ledger.close()
  await rm(folder, { recursive: true, force: true })
})

/** Without a key and without the address of a server. */
const direct = (env: Record<string, string>, ...args: string[]): Promise<Finished> =>
  runCli(['switch', 'set', '--direct', '--reason', 'the server is gone', ...args], { env })
const here = () => ({ DATABASE_URL: ledger.database.runtimeUrl })

describe('switch set HALTED --direct', () => {
  it('binds a server that is alive, from its very next call', async () => {
    const before = await headOf(ledger)
    const halted = await direct(here(), 'HALTED', '--scope', 'contract:sample.echo')
    expect(halted).toMatchObject({ code: 0, stderr: '' })
    const [event, ...others] = await eventsAfter(ledger, before)
    expect(others).toEqual([])
    expect(event).toMatchObject({
      type: 'SwitchSet',
      data: { scope: 'contract:sample.echo', state: 'HALTED', reason: 'the server is gone' },
      metadata: { actor: ACTOR, correlationId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    })
    expect(halted.stdout).toContain(
      `contract:sample.echo  HALTED  in force from position ${event.position}\n`,
    )
    expect(halted.stdout).toContain(`by ${ACTOR}; no server was asked`)
    const { status, body } = await ledger.dispatch(sampleCommand())
    expect([status, body.code]).toEqual([423, 'kill-switch-engaged'])
  })

  it('appends nothing where it is halted already, and says since when and by whom', async () => {
    const before = await headOf(ledger)
    const again = await direct(here(), 'HALTED', '--scope', 'contract:sample.echo')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain(`nothing appended: halted already at 20`)
    expect(again.stdout).toContain(`by ${ACTOR}: the server is gone`)
    expect(await eventsAfter(ledger, before)).toEqual([])
    const json = await direct(here(), 'HALTED', '--scope', 'contract:sample.echo', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      scope: 'contract:sample.echo',
      appended: 0,
      position: { state: 'HALTED', actor: ACTOR },
    })
  })

  it('halts a bundled database beside its server, and after it was killed', async () => {
    const env = { LEDGER_DATA_DIR: join(folder, 'data') }
    const serving = await startServer(env)
    const beside = await direct(env, 'HALTED', '--scope', 'executor:simulator')
    expect(beside).toMatchObject({ code: 0, stderr: '' })
    const shown = await runCli(['switch'], { env: { ...env, LEDGER_URL: serving.url } })
    expect(shown.stdout).toContain('executor:simulator  HALTED')
    await stopServer(serving, 'SIGKILL')
    const dead = await direct(env, 'HALTED')
    expect(dead).toMatchObject({ code: 0, stderr: '' })
    expect(dead.stdout).toContain('global  HALTED  in force from position 2')
  })
})

describe('switch set --direct that halts nothing', { concurrent: true }, () => {
  it('cannot release: exit 2', async () => {
    const release = await direct(here(), 'DRY_RUN_ONLY')
    expect(release).toMatchObject({ code: 2, stdout: '' })
    expect(release.stderr).toContain('--direct can only set HALTED')
    const long = await direct(here(), 'HALTED', '--reason', 'x'.repeat(501))
    expect(long).toMatchObject({ code: 2, stdout: '' })
    expect((await ledger.ask('GET', '/v1/switch')).body.scopes.global.state).toBe('DRY_RUN_ONLY')
  })

  it('halts nothing that is not known: exit 1', async () => {
    const typo = await direct(here(), 'HALTED', '--scope', 'contract:sample.ecko')
    expect(typo).toMatchObject({ code: 1, stdout: '' })
    expect(typo.stderr).toContain('There is no switch scope contract:sample.ecko')
    expect(typo.stderr).toContain('Nothing was halted.')
  })

  it('says that the database is down, and that nothing was halted: exit 3', async () => {
    const down = await direct({ DATABASE_URL: 'postgres://x:y@127.0.0.1:9/z' }, 'HALTED')
    expect(down).toMatchObject({ code: 3, stdout: '' })
    expect(down.stderr).toMatch(/^Postgres did not answer: .*ECONNREFUSED.*Nothing was halted\.\n$/)
  })

  it('makes no ledger where there is none: exit 2', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    const none = await direct({ LEDGER_DATA_DIR: empty }, 'HALTED')
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('There is no ledger in')
  })
})
