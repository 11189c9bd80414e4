import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Client, Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import type { EmbeddedPostgres } from '../../src/embedded/index.ts'
import {
  freshFolder,
  Holder,
  killPostmaster,
  postmasterPid,
  query,
  start,
  usedDataDir,
} from '../support/embedded-home.ts'
import { until } from '../support/until.ts'

/** A server with one committed row that outlived the process which started it. */
async function orphan(dataDir: string): Promise<string> {
  const holder = new Holder(dataDir)
  const { ownerUrl } = await holder.says()
  if (ownerUrl === undefined) throw new Error('the child holds no server')
  await query(ownerUrl, 'create table kept as select 7 as n')
  await holder.kill()
  return ownerUrl
}

describe('a server whose process was killed', () => {
  it('is adopted by the next start, under the same URL and with its rows', async () => {
    const dataDir = await usedDataDir()
    const url = await orphan(dataDir)
    const pid = postmasterPid(dataDir)
    const postgres = await start(dataDir)
    expect(postgres.adopted).toBe(true)
    expect(postgres.ownerUrl).toBe(url)
    expect(postmasterPid(dataDir)).toBe(pid)
    expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }])
    await postgres.stop()
    expect(postmasterPid(dataDir)).toBeUndefined()
  })

  it('and which was killed as well is started again with every committed row', async () => {
    const dataDir = await usedDataDir()
    await orphan(dataDir)
    killPostmaster(dataDir)
    const postgres = await start(dataDir)
    expect(postgres.adopted).toBe(false)
    expect(await query(postgres.ownerUrl, 'select n from kept')).toEqual([{ n: 7 }])
    await postgres.stop()
  })

  it.runIf(process.platform === 'linux')(
    'and whose number now is a stranger’s does not hold the directory',
    async () => {
      const dataDir = await usedDataDir()
      await orphan(dataDir)
      killPostmaster(dataDir)
      const { uid, gid } = statSync(join(dataDir, 'pg'))
      const stranger = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' })
      const pidFile = join(dataDir, 'pg/postmaster.pid')
      writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(stranger.pid)))
      const postgres = await start(dataDir)
      expect(await query(postgres.ownerUrl, 'select n from kept')).toEqual([{ n: 7 }])
      expect(stranger.kill()).toBe(true)
      await postgres.stop()
    },
  )
})

it('a copy of a directory in use is a database of its own', async () => {
  const original = await usedDataDir()
  const first = await start(original)
  await query(first.ownerUrl, 'create table kept as select 7 as n')
  const copy = join(freshFolder(), 'data')
  execFileSync('cp', ['-a', original, copy])
  const second = await start(copy)
  expect(second.adopted).toBe(false)
  expect(second.ownerUrl).not.toBe(first.ownerUrl)
  await Promise.all([first.stop(), second.stop()])
})

describe('under a live process', () => {
  it('a server that is killed comes back at the same address', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    await postgres.announce('http://127.0.0.1:4400')
    const pool = new Pool({ connectionString: postgres.ownerUrl })
    pool.on('error', () => undefined)
    await pool.query('create table kept as select 7 as n')
    const pid = postmasterPid(dataDir)
    killPostmaster(dataDir)
    const rows = await until(async () => {
      const current = postmasterPid(dataDir)
      return current !== pid && (await pool.query('select n from kept')).rows
    })
    expect(rows).toEqual([{ n: 7 }])
    await until(() => seatHolder(postgres))
    await refusedAt(dataDir, 'http://127.0.0.1:4400')
    await pool.end()
    await postgres.stop()
  })

  it('a server whose port was taken meanwhile waits for it', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    const settings = join(dataDir, 'pg/postgresql.auto.conf')
    // It cannot come back before its port is taken.
    writeFileSync(settings, 'no_such_setting = 1\n')
    killPostmaster(dataDir)
    const taken = await until(() => listen(Number(new URL(postgres.ownerUrl).port)))
    writeFileSync(settings, '')
    await until(() => readFileSync(join(dataDir, 'pg.log'), 'utf8').includes('could not bind'))
    taken.close()
    await until(() => query(postgres.ownerUrl, 'select 1'))
    await postgres.stop()
  })

  it('a seat whose connection was cut is taken again', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    await postgres.announce('http://127.0.0.1:4400')
    const before = await seatHolder(postgres)
    await query(postgres.ownerUrl, `select pg_terminate_backend(${before})`)
    await until(() => isHeldByOther(postgres, before))
    await refusedAt(dataDir, 'http://127.0.0.1:4400')
    await postgres.stop()
  })

  it('a seat is taken again when the server cuts everybody after the crash of one session', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    const [before, pid] = [await seatHolder(postgres), postmasterPid(dataDir)]
    process.kill(before ?? 0, 'SIGKILL')
    await until(() => isHeldByOther(postgres, before))
    expect(postmasterPid(dataDir)).toBe(pid)
    await postgres.stop()
  })

  it('a seat that another process took is lost for good, and its server is left alone', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    const fatal = new Promise<Error>((resolve) => postgres.onFatal(resolve))
    const thief = new Client(lockDatabase(postgres))
    await thief.connect()
    const taken = thief.query('select pg_advisory_lock(1)')
    await query(postgres.ownerUrl, `select pg_terminate_backend(${await seatHolder(postgres)})`)
    await taken
    await thief.query("insert into serving values (pg_backend_pid(), 'http://thief')")
    expect((await fatal).message).toMatch(/is lost: .* serves it at http:\/\/thief/)
    await postgres.stop()
    expect((await thief.query('select 1 as alive')).rows).toEqual([{ alive: 1 }])
    await thief.end()
  })

  it('a server that cannot be started again is lost for good', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    const fatal = new Promise<Error>((resolve) => postgres.onFatal(resolve))
    writeFileSync(join(dataDir, 'pg/postgresql.auto.conf'), 'no_such_setting = 1\n')
    killPostmaster(dataDir)
    expect((await fatal).message).toMatch(/is lost: Postgres did not start: .*FATAL/)
    await postgres.stop()
  })
})

async function refusedAt(dataDir: string, url: string): Promise<void> {
  await until(() =>
    start(dataDir).then(
      () => false,
      (error) => String(error).includes(url),
    ),
  )
}

function lockDatabase({ ownerUrl }: EmbeddedPostgres): string {
  const url = new URL(ownerUrl)
  url.pathname = '/postgres'
  return url.href
}

async function isHeldByOther(postgres: EmbeddedPostgres, before?: number): Promise<boolean> {
  const holder = await seatHolder(postgres)
  return holder !== undefined && holder !== before
}

async function seatHolder(postgres: EmbeddedPostgres): Promise<number | undefined> {
  const text =
    "select pid from pg_locks where locktype = 'advisory' and granted and mode = 'ExclusiveLock'"
  const [row] = await query(lockDatabase(postgres), text)
  return row?.pid as number | undefined
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
