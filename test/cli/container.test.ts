/** What docker would do with the Dockerfile, without docker: its own words, step by step. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { connect as connectLedger } from '../../src/client/index.ts'
import { whyNotServable } from '../../src/stores/postgres/migrate.ts'
import { createPool } from '../../src/stores/postgres/pool.ts'
import { COMPILED_CLI } from '../support/compiled.ts'
import {
  commandsOf,
  copyOf,
  environmentOf,
  interpolate,
  isSent,
  ROOT,
  readCompose,
  readDockerfile,
  restsOf,
  type Stage,
} from '../support/containers.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts'
import { withDatabase } from '../support/global-setup.ts'
import { SAMPLE_CATALOGUE, sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

/** An account that owns nothing. Only root may become it. */
const NOBODY = { uid: 65_534, gid: 65_534 }
const COMPILED = resolve(dirname(COMPILED_CLI), '..', '..')
const WORKDIR = '/app'

const stages = readDockerfile()
const image = stages.at(-1)
if (image === undefined) throw new Error('the Dockerfile has no stage')
const { entrypoint, command, health } = commandsOf(image)

let folder: string
let app: string
const children: ChildProcess[] = []

/** Where a path of a stage lies on this machine. */
const place = (stage: string, path: string): string => join(folder, stage, resolve(WORKDIR, path))

async function build(stage: Stage): Promise<void> {
  await mkdir(place(stage.name, '.'), { recursive: true })
  for (const { name, rest } of stage.instructions) {
    if (name === 'COPY') await copy(stage.name, copyOf(rest))
    if (name === 'RUN') await run(stage, rest)
    if (name === 'WORKDIR') expect(rest).toBe(WORKDIR)
  }
}

async function copy(stage: string, { flags, sources, to }: ReturnType<typeof copyOf>) {
  const { from, chmod: mode } = flags
  for (const source of sources) {
    const target = place(stage, to.endsWith('/') ? join(to, source) : to)
    // No other stage takes it: moving ten thousand files costs nothing.
    if (from !== undefined) await rename(place(from, source), target)
    else if (isSent(source)) await cp(join(ROOT, source), target, { recursive: true })
    else throw new Error(`${source} is not sent`)
    if (mode !== undefined) await chmod(target, Number.parseInt(mode, 8))
  }
}

/** The stage that builds has the packages of this checkout, and is built once for all tests. */
async function run(stage: Stage, line: string): Promise<void> {
  const builds = restsOf(stage, 'RUN').includes('npm run build')
  if (line === 'npm run build') {
    await cp(COMPILED, place(stage.name, 'dist'), { recursive: true })
  } else if (!/^npm ci( --[a-z-]+(=[a-z]+)?)+$/.test(line)) {
    throw new Error(`What would this do: ${line}?`)
  } else if (!builds) {
    const [program = '', ...args] = line.split(' ')
    await promisify(execFile)(program, [...args, '--prefer-offline', '--no-audit'], {
      cwd: place(stage.name, '.'),
    })
  }
}

/** Runs a command of the image as docker would: as a stranger, on files that nobody may write. */
function start(words: readonly string[], given: Readonly<Record<string, string>>): ChildProcess {
  const [program = '', ...args] = words
  const env = { PATH: dirname(process.execPath), ...environmentOf(image as Stage), ...given }
  const child = spawn(program, args, {
    ...NOBODY,
    cwd: app,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

async function finish(words: readonly string[], given: Readonly<Record<string, string>> = {}) {
  const child = start(words, given)
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (said.stdout += String(chunk)))
  child.stderr?.on('data', (chunk) => (said.stderr += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...said }
}

const cli = (...args: string[]): readonly string[] => [...entrypoint, ...args]

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return String(port)
}

/** A dispatch whose head the server has read, and whose body it waits for. */
async function begin(port: string, key: string, body: string) {
  const head = [
    'POST /v1/dispatches HTTP/1.1',
    'host: x',
    `authorization: Bearer ${key}`,
    'expect: 100-continue',
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  const socket = connect(Number(port), '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk) => (heard += String(chunk)))
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  await until(() => heard.includes('100 Continue'))
  return { finish: () => socket.write(body), said: () => heard }
}

const refusesConnections = (port: string): Promise<true> =>
  until(
    () =>
      new Promise<boolean>((done) => {
        const socket = connect(Number(port), '127.0.0.1')
        socket.once('error', () => done(true)).once('connect', () => done(false))
        socket.once('connect', () => socket.destroy())
      }),
  )

async function serveAndStop(database: TestDatabase): Promise<void> {
  const given = { DATABASE_URL: database.runtimeUrl, LEDGER_PORT: await freePort() }
  const port = given.LEDGER_PORT
  const may = ['--role', 'operator', '--scope', 'dispatch:append', 'catalogue:write']
  const owner = ['--database-url', database.ownerUrl]
  const [made, early] = await Promise.all([
    finish(cli('keys', 'create', '--name', 'first', ...may, ...owner)),
    finish(health, given),
  ])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const key = made.stdout.trim()
  expect(early.code).toBe(1)

  const server = start([...entrypoint, ...command], given)
  let said = ''
  server.stdout?.on('data', (chunk) => (said += String(chunk)))
  server.stderr?.resume()
  const ended = once(server, 'close')
  // Asking before would only take the processor from what starts.
  await until(() => said.includes('Dispatch Ledger'), { timeoutMs: 20_000 })
  await until(async () => (await finish(health, given)).code === 0, { timeoutMs: 20_000 })

  const ledger = connectLedger({ url: `http://127.0.0.1:${port}`, key, triesMax: 1 })
  await ledger.request('PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'a test' })
  await ledger.request('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })
  const underWay = await begin(port, key, JSON.stringify(sampleCommand()))
  server.kill('SIGTERM')
  await refusesConnections(port)
  underWay.finish()
  expect(await ended).toEqual([0, null])
  expect(underWay.said()).toMatch(/HTTP\/1\.1 201 [\s\S]*"verdict":"would_succeed"/)
}

async function serveWhatIsPrepared(): Promise<void> {
  const url = inject('systemUrl')
  // The start of the tests has said that there is none.
  if (url === null) return
  const empty = await createEmptyDatabase(url)
  const prepare = async (password: string): Promise<number | null> => {
    const [shell = '', ...words] = readCompose().services['prepare']?.command ?? []
    const { hostname: PGHOST, port: PGPORT, username: PGUSER, pathname } = new URL(empty.ownerUrl)
    const server = { PGHOST, PGPORT, PGUSER, PGDATABASE: pathname.slice(1) }
    const env = { PATH: process.env['PATH'] ?? '', ...server, LEDGER_APP_PASSWORD: password }
    const args = words.map((it) => interpolate(it, {}))
    return (await once(spawn(shell, args, { env, stdio: 'ignore' }), 'close'))[0]
  }
  expect(await prepare('stands/in@a:url')).toBe(1)
  expect(await prepare('first')).toBe(0)
  const owner = withDatabase(url, 'ledger_kurrentdb')
  expect(await finish(cli('migrate', '--database-url', owner))).toMatchObject({ code: 0 })
  expect(await prepare('another.one')).toBe(0)
  for (const [name, why] of [
    ['ledger_kurrentdb', null],
    ['ledger_eventstoredb', 'the database has no ledger schema'],
  ] as const) {
    const runtime = new URL(withDatabase(url, name))
    runtime.username = 'ledger_app'
    const pool = createPool(runtime.href, 'start')
    expect(await whyNotServable(pool)).toBe(why)
    await pool.end()
  }
  await empty.drop()
}

function asStranger(): void {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
    folder = await mkdtemp(join(tmpdir(), 'dispatch-ledger-image-'))
    for (const stage of stages) await build(stage)
    app = place((image as Stage).name, '.')
    await promisify(execFile)('chmod', ['-R', 'a-w,a+rX', folder])
  }, 120_000)
  afterAll(async () => {
    // Nothing is left of a test that failed.
    for (const child of children) child.kill('SIGKILL')
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  })

  it('cannot write where it stands', async () => {
    const attempt = await finish(['node', '-e', `fs.writeFileSync('written', '')`])
    expect(attempt.code).toBe(1)
    expect(attempt.stderr).toContain('EACCES')
  })

  it(
    'makes the first key, serves, is well, and answers what was under way when it must stop',
    () => serveAndStop(database),
    60_000,
  )
  it('serves the databases that docker-compose.yml prepares', serveWhatIsPrepared, 60_000)
}

if (process.getuid?.() === 0) describe('the image of the Dockerfile', asStranger)
else {
  it('is tried by root alone, who can become somebody else', () => {
    process.stdout.write('Not root: the steps of the Dockerfile were not tried.\n')
    expect(process.env['CI']).not.toBe('true')
  })
}
