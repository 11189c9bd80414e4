import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { until } from './until.ts'

const FOLDER = '/usr/lib/postgresql'
/** Postgres does not run as root. The number is that of `nobody`. */
const ACCOUNT = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export type SystemPostgres = Readonly<{ ownerUrl: string; stop(): Promise<void> }>

/** Runs the oldest Postgres that is installed on this system, or gives null where there is none. */
export async function startSystemPostgres(): Promise<SystemPostgres | null> {
  const bin = await findPrograms()
  if (bin === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'dispatch-ledger-system-'))
  if (ACCOUNT.uid !== undefined) await chown(folder, ACCOUNT.uid, ACCOUNT.gid)
  const dataDir = join(folder, 'pg')
  const initdb = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']
  await promisify(execFile)(join(bin, 'initdb'), initdb, { ...ACCOUNT, cwd: folder })
  const port = await freePort()
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', dataDir, '-p', String(port), ...settings.flatMap((it) => ['-c', it])],
    { ...ACCOUNT, cwd: folder, stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => server.once('exit', resolve))
  const ownerUrl = `postgresql://postgres@127.0.0.1:${port}/postgres?sslmode=disable`
  await until(() => answers(ownerUrl), { what: 'the Postgres of this system' })
  return {
    ownerUrl,
    async stop() {
      server.kill('SIGQUIT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function findPrograms(): Promise<string | null> {
  const versions = await readdir(FOLDER).catch(() => [])
  const [oldest] = versions.map(Number).toSorted((a, b) => a - b)
  const bin = join(FOLDER, String(oldest), 'bin')
  return existsSync(join(bin, 'initdb')) ? bin : null
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

async function answers(url: string): Promise<true> {
  const client = new pg.Client(url)
  await client.connect()
  await client.end()
  return true
}
