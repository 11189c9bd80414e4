import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, runCli } from '../support/cli.ts'
import { openLedger, type TestLedger } from '../support/ledger.ts'
import { SAMPLE_CATALOGUE, sampleCommand, sampleContract } from '../support/sample.ts'

let ledger: TestLedger
let folder: string
let env: Record<string, string>

beforeAll(async () => {
  ledger = await openLedger()
  const url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
  folder = await mkdtemp(join(tmpdir(), 'dispatch-ledger-cli-'))
  env = { LEDGER_URL: url, LEDGER_KEY: ledger.key }
})
afterAll(async () => {
  await ledger.close()
  await rm(folder, { recursive: true, force: true })
})

const run = (...args: string[]): Promise<Finished> => runCli(args, { env })

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const lines = ({ stdout }: Finished): unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

describe('before anything is set up', () => {
  it('says that the switch is unset, and that a dispatch could not be judged: exit 3', async () => {
    expect((await run('switch')).stdout).toContain('unset')
    const command = await file('early.json', sampleCommand())
    const early = await run('dispatch', command)
    expect(early).toMatchObject({ code: 3, stderr: '' })
    expect(early.stdout).toContain('kill-switch-indeterminate')
  })

  it('sets the switch only with a reason', async () => {
    const without = await run('switch', 'set', 'DRY_RUN_ONLY')
    expect(without.code).toBe(2)
    expect(without.stderr).toContain('--reason')
    const set = await run('switch', 'set', 'DRY_RUN_ONLY', '--reason', 'a test')
    expect(set).toMatchObject({ code: 0 })
    expect(set.stdout).toMatch(/global {2}DRY_RUN_ONLY {2}in force from position \d+/)
    expect((await run('switch', '--json')).stdout).toContain('"DRY_RUN_ONLY"')
  })
})

describe('the catalogue', () => {
  it('is checked, applied, found unchanged, listed', async () => {
    const path = await file('catalogue.json', SAMPLE_CATALOGUE)
    const check = await run('catalogue', 'apply', path, '--check')
    expect(check).toMatchObject({ code: 0 })
    expect(check.stdout).toContain('new       Contract sample.echo@1')
    expect((await run('catalogue', 'list')).stdout).toContain('The catalogue is empty')
    expect((await run('catalogue', 'apply', path)).code).toBe(0)
    expect((await run('catalogue', 'apply', path)).stdout).toContain(
      'unchanged Contract sample.echo@1',
    )
    expect((await run('catalogue', 'list')).stdout).toContain('sample.echo')
  })

  it('reads YAML, and refuses anchors, tags and broken text with the file’s name: exit 2', async () => {
    const yaml = 'kind: Target\nid: sample/yaml\nversion: 1\nexecutor: simulator\n'
    const good = await file('target.yaml', yaml)
    expect((await run('catalogue', 'apply', good)).stdout).toContain(
      'new       Target sample/yaml@1',
    )
    for (const [name, text] of [
      ['anchor.yaml', 'a: &x {b: 1}\nc: *x\n'],
      ['tag.yaml', 'kind: !!binary aGk=\n'],
      ['broken.yaml', 'kind: [\n'],
      ['twice.yaml', 'kind: Target\nkind: Target\n'],
    ] as const) {
      const bad = await run('catalogue', 'apply', await file(name, text))
      expect(bad, name).toMatchObject({ code: 2, stdout: '' })
      expect(bad.stderr).toContain(name)
    }
  })

  it('shows what conflicts and registers nothing: exit 1', async () => {
    const changed = { ...sampleContract, targets: 'sample/one' }
    const conflict = await run('catalogue', 'apply', await file('changed.json', changed))
    expect(conflict.code).toBe(1)
    expect(conflict.stdout).toContain('conflict  Contract sample.echo@1')
  })

  it('retires a version', async () => {
    expect((await run('catalogue', 'retire', 'Target', 'sample/yaml', '1')).code).toBe(0)
    expect((await run('catalogue', 'list')).stdout).toMatch(/sample\/yaml.*retired/)
    expect((await run('catalogue', 'retire', 'Target', 'sample/none', '1')).code).toBe(1)
  })
})

describe('dispatch', () => {
  it('exits 0 for would_succeed, 1 for would_fail and for a refusal', async () => {
    const good = await run('dispatch', await file('good.json', sampleCommand()))
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).toContain('created   DryRunRecorded would_succeed -> DRYRUN-NS:sample')
    const failing = sampleCommand({ params: { fail: true } })
    expect((await run('dispatch', await file('fail.json', failing))).code).toBe(1)
    const refused = await run('dispatch', join(folder, 'good.json'), '--mode', 'REAL_RUN')
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain('production-execution-not-authorized (403, rule 1)')
  })

  it('takes an array, NDJSON and standard input; of many the highest exit code', async () => {
    const two = [sampleCommand(), sampleCommand({ params: { fail: true } })]
    const array = await run('dispatch', '--json', await file('two.json', two))
    expect(array.code).toBe(1)
    expect(lines(array)).toMatchObject([{ outcome: 'replayed' }, { outcome: 'replayed' }])
    const ndjson = two.map((it) => JSON.stringify(it)).join('\n')
    const piped = await runCli(['dispatch', '-', '--json'], { env, stdin: ndjson })
    expect(piped.code).toBe(1)
    expect(lines(piped)).toHaveLength(2)
  })

  it('needs a mode, a readable file and strict JSON: exit 2, and nothing is sent', async () => {
    const { mode: _, ...modeless } = sampleCommand({ occurrence: 'modeless' })
    const path = await file('modeless.json', modeless)
    const without = await run('dispatch', path)
    expect(without).toMatchObject({ code: 2, stdout: '' })
    expect(without.stderr).toContain('--mode')
    expect((await run('dispatch', path, '--mode', 'PLAN_ONLY')).code).toBe(0)
    expect((await run('dispatch', join(folder, 'absent.json'))).code).toBe(2)
    const twice = await run(
      'dispatch',
      await file('twice.json', '{"mode":"DRY_RUN","mode":"DRY_RUN"}'),
    )
    expect(twice).toMatchObject({ code: 2 })
    expect(twice.stderr).toContain('duplicate-key')
    const odd = await run('dispatch', await file('odd.json', { ...sampleCommand(), more: 1 }))
    expect(odd.code).toBe(2)
    expect(odd.stdout).toContain('schema-invalid')
  })

  it('cannot tell when no server answers: exit 3, one sentence', async () => {
    const path = await file('good.json', sampleCommand())
    const away = await runCli(['dispatch', path, '--url', 'http://127.0.0.1:9'], { env })
    expect(away).toMatchObject({ code: 3, stdout: '' })
    expect(away.stderr).toMatch(/^No answer from http:\/\/127\.0\.0\.1:9 \(.+\)\n$/)
  })

  it('names the key file that is not there: exit 2', async () => {
    const path = await file('good.json', sampleCommand())
    const keyless = await runCli(['dispatch', path, '--key-file', join(folder, 'no.key')], { env })
    expect(keyless).toMatchObject({ code: 2, stdout: '' })
    expect(keyless.stderr).toContain('no.key does not exist')
  })
})

describe('reading', () => {
  it('computes ids offline, equal to the server’s', async () => {
    const path = await file('good.json', sampleCommand())
    const offline = await runCli(['id', path, '--json'])
    const [id] = lines(offline) as [{ dispatchId: string }]
    const [answered] = lines(await run('dispatch', path, '--json')) as [{ dispatchId: string }]
    expect(id.dispatchId).toBe(answered.dispatchId)
    expect((await runCli(['id', await file('bad.json', { target: 'x' })])).code).toBe(2)
  })

  it('explains a command before and a dispatch after', async () => {
    const fresh = await file('fresh.json', sampleCommand({ occurrence: 'fresh' }))
    const before = await run('explain', fresh)
    expect(before.code).toBe(0)
    expect(before.stdout).toContain('would answer: created')
    const missing = await file('m.json', sampleCommand({ contract: { id: 'no.such', version: 1 } }))
    expect(await run('explain', missing)).toMatchObject({ code: 1 })
    const [{ dispatchId }] = lines(await run('dispatch', fresh, '--json')) as [
      { dispatchId: string },
    ]
    const after = await run('explain', dispatchId)
    expect(after.stdout).toContain('The run left complete evidence that nothing was mutated.')
    expect((await run('show', dispatchId)).stdout).toBe(after.stdout)
    expect(lines(await run('show', dispatchId, '--json'))).toMatchObject([
      { dispatchId, reached: 'DryRunRecorded', events: [{}, {}, {}] },
    ])
    expect((await run('show', '00000000-0000-8000-8000-000000000000')).code).toBe(1)
    expect((await run('show', 'nonsense')).code).toBe(2)
  })

  it('lists dispatches and prints every event', async () => {
    expect((await run('list')).stdout).toContain('would_fail')
    const all = lines(await run('events', '--json'))
    expect(all.length).toBe(await ledger.countEvents())
    expect(lines(await run('events', '--json', '--type', 'SwitchSet'))).toHaveLength(1)
    expect((await run('events', '--after', 'soon')).code).toBe(2)
  })

  it('lists what a filter finds, in the order that is asked', async () => {
    const failed = await run('list', '--filter', 'verdict = would_fail', '--json')
    const { dispatches } = lines(failed)[0] as { dispatches: { verdict: string }[] }
    expect(new Set(dispatches.map((it) => it.verdict))).toEqual(new Set(['would_fail']))
    const found = await run('refusals', '--filter', 'code = none', '--order-by', 'recordedAt')
    expect(found).toMatchObject({ code: 0, stdout: 'No refusals yet.\n' })
  })

  it('points at the character of a filter that cannot be read: exit 2', async () => {
    const { code, stdout } = await run('list', '--filter', 'reached:* AND\tverdict < x')
    expect(code).toBe(2)
    expect(stdout).toContain('filter, character 23: found "<", expected a comparison of verdict')
    expect(stdout).toMatch(/^ {10}reached:\* AND verdict < x\n {32}\^\n/m)
    const order = await run('refusals', '--order-by', 'code')
    expect(order.code).toBe(2)
    expect(order.stdout).toMatch(/^ {10}code\n {10}\^\n/m)
  })

  it('halts, and says who must act: exit 1', async () => {
    await run('switch', 'set', 'HALTED', '--reason', 'the end')
    const halted = await run('dispatch', join(folder, 'good.json'))
    expect(halted.code).toBe(1)
    expect(halted.stdout).toContain('Who must act: operator.')
  })
})

describe('the command line itself', () => {
  it('suggests what was meant: exit 2', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, stderr: '' })
    const typo = await run('dispach', 'x')
    expect(typo.code).toBe(2)
    expect(typo.stderr).toContain('Did you mean dispatch?')
    expect((await run('list', '--jsn')).stderr).toContain('Did you mean --json?')
  })

  it('makes a key for a role, as the owner of the database', async () => {
    const owner = ['--database-url', ledger.database.ownerUrl]
    const made = await run('keys', 'create', '--name', 'ci', '--role', 'auditor', ...owner)
    expect(made.code).toBe(0)
    const key = made.stdout.trim()
    expect((await runCli(['events', '--json'], { env: { ...env, LEDGER_KEY: key } })).code).toBe(0)
    expect(
      (await runCli(['dispatch', join(folder, 'good.json')], { env: { ...env, LEDGER_KEY: key } }))
        .code,
    ).toBe(1)
    const odd = await run('keys', 'create', '--name', 'ci', '--role', 'king', ...owner)
    expect(odd).toMatchObject({ code: 2, stdout: '' })
    expect(odd.stderr).toContain('auditor')
    const stored = await ledger.database.query('select * from ledger.access_keys')
    expect(JSON.stringify(stored)).not.toContain(key.slice(-43))
  })

  it('makes a key through the server, lists it, and revokes it by its text', async () => {
    const limits = ['--namespace', 'DRYRUN-NS:ci', '--expires', '2099-12-31']
    const made = await run('keys', 'create', '--name', 'ci', '--role', 'dispatcher', ...limits)
    expect(made.code).toBe(0)
    const key = made.stdout.trim()
    const id = key.split('_')[1] ?? ''
    const listed = async () =>
      (await run('keys', 'list')).stdout.split('\n').find((it) => it.includes(id))
    expect((await listed())?.split(/ {2,}/).slice(1, 5)).toEqual([
      'ci',
      'dispatcher',
      'DRYRUN-NS:ci',
      '2099-12-31T00:00:00.000Z',
    ])
    const revoked = await run('keys', 'revoke', key)
    expect(revoked).toMatchObject({ code: 0, stderr: '' })
    expect(await listed()).toContain('revoked 20')
    const used = await runCli(['list'], { env: { ...env, LEDGER_KEY: key } })
    expect(used.stdout).toContain('unauthenticated')
    expect(await run('keys', 'revoke', 'aaaaaaaaaaaa')).toMatchObject({ code: 1 })
    const local = ['--expires', '2099-12-31T10:00']
    const odd = await run('keys', 'create', '--name', 'n', '--role', 'admin', ...local)
    expect(odd).toMatchObject({ code: 2, stdout: '' })
  })

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    expect((await run('--version')).stdout).toBe(`${version}\n`)
  })
})
