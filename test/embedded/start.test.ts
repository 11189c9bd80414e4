import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DirectoryInUse, EmbeddedError } from '../../src/embedded/index.ts'
import {
  freshDataDir,
  freshFolder,
  Holder,
  isRoot,
  postmasterPid,
  query,
  start,
  usedDataDir,
} from '../support/embedded-home.ts'
import { until } from '../support/until.ts'

describe('a data directory', () => {
  it('is made at the first start and keeps rows and port at the next', async () => {
    const dataDir = freshDataDir()
    const first = await start(dataDir)
    await query(first.ownerUrl, 'create table kept as select 7 as n')
    await first.stop()
    const second = await start(dataDir)
    expect(await query(second.ownerUrl, 'select n from kept')).toEqual([{ n: 7 }])
    expect([first.adopted, second.adopted]).toEqual([false, false])
    expect(second.ownerUrl).toBe(first.ownerUrl)
    await second.stop()
  })

  it('holds nothing but the database and its log', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    expect((await readdir(dataDir)).toSorted()).toEqual(['pg', 'pg.log'])
    expect(statSync(join(dataDir, 'pg.log')).mode & 0o777).toBe(0o600)
    expect(statSync(join(dataDir, 'pg/ledger-login.json')).mode & 0o777).toBe(0o600)
    await postgres.stop()
  })

  it('is refused with the variable to set when it cannot be written', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'file'), '')
    const refused = start(join(folder, 'file', 'data'))
    await expect(refused).rejects.toThrow(/cannot be written .* LEDGER_DATA_DIR/)
    await expect(refused).rejects.toBeInstanceOf(EmbeddedError)
  })

  it('is refused when its pg folder is somebody else’s', async () => {
    const dataDir = freshDataDir()
    await mkdir(join(dataDir, 'pg'), { recursive: true })
    await expect(start(dataDir)).rejects.toThrow(/is no database of Dispatch Ledger/)
  })

  it.runIf(isRoot)('below a closed folder is refused in one sentence', async () => {
    const closed = join(freshFolder(), 'closed')
    await mkdir(closed, { mode: 0o700 })
    await expect(start(join(closed, 'data'))).rejects.toThrow(
      /^You are root, so Postgres runs as the user nobody, who cannot reach .*\/closed\/data: set LEDGER_DATA_DIR to a directory that this user can reach\.$/,
    )
  })

  it.runIf(isRoot)('stays root’s, and the server runs as nobody', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    expect(statSync(dataDir).uid).toBe(0)
    expect(statSync(join(dataDir, 'pg')).uid).not.toBe(0)
    expect(statSync(`/proc/${postmasterPid(dataDir)}`).uid).toBe(statSync(join(dataDir, 'pg')).uid)
    await postgres.stop()
  })
})

describe('the server', () => {
  it('listens on loopback alone, asks for scram passwords, and sorts by bytes', async () => {
    const postgres = await start(await usedDataDir())
    const names = ['listen_addresses', 'unix_socket_directories', 'server_encoding', 'fsync']
    const [shown] = await query(
      postgres.ownerUrl,
      `select ${names.map((name) => `current_setting('${name}') as ${name}`).join(', ')},
        (select array_agg(distinct auth_method) from pg_hba_file_rules) as auth,
        (select datcollate from pg_database where datname = 'ledger') as collate`,
    )
    expect(shown).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      server_encoding: 'UTF8',
      fsync: 'off',
      auth: ['scram-sha-256'],
      collate: 'C',
    })
    const wrong = new URL(postgres.ownerUrl)
    wrong.password = 'wrong'
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
    await postgres.stop()
  })

  it('gives the runtime a login that is no superuser and stays out of the launcher’s database', async () => {
    const postgres = await start(await usedDataDir())
    const roles = `select current_user as who, rolsuper, rolcreaterole, rolcreatedb
      from pg_roles where rolname = current_user`
    expect(await query(postgres.runtimeUrl, roles)).toEqual([
      { who: 'ledger_app', rolsuper: false, rolcreaterole: false, rolcreatedb: false },
    ])
    const other = new URL(postgres.runtimeUrl)
    other.pathname = '/postgres'
    await expect(query(other.href, 'select 1')).rejects.toMatchObject({ code: '42501' })
    await postgres.stop()
  })

  it('is gone when stop resolves, however often it is called', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    await Promise.all([postgres.stop(), postgres.stop()])
    await postgres.stop()
    expect(postmasterPid(dataDir)).toBeUndefined()
    await expect(query(postgres.ownerUrl, 'select 1')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })

  it('is not interrupted together with us at a terminal', async () => {
    const holder = new Holder(await usedDataDir())
    await holder.says()
    holder.interruptGroup()
    expect(await holder.says()).toEqual({ interrupted: { alive: 1 } })
  })
})

describe('two starts on one directory', () => {
  it('at once make one database: one serves, the other names its URL', async () => {
    const dataDir = freshDataDir()
    const announced = start(dataDir).then((won) =>
      won.announce('http://127.0.0.1:4400').then(() => won),
    )
    const other = start(dataDir).then((won) =>
      won.announce('http://127.0.0.1:4400').then(() => won),
    )
    const outcomes = await Promise.allSettled([announced, other])
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected')
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect([won.length, lost.length]).toEqual([1, 1])
    expect(lost[0]?.reason).toBeInstanceOf(DirectoryInUse)
    expect(lost[0]?.reason.message).toContain('serves it at http://127.0.0.1:4400')
    await won[0]?.value.stop()
  })

  it('in two processes: the second names the first', async () => {
    const dataDir = await usedDataDir()
    const holder = new Holder(dataDir, 'http://[::1]:4401')
    await holder.says()
    await expect(start(dataDir)).rejects.toThrow(
      `${dataDir} is in use: Dispatch Ledger serves it at http://[::1]:4401.`,
    )
    await holder.kill()
  })

  it('leave nothing of a start that was killed half-way', async () => {
    const dataDir = freshDataDir()
    const holder = new Holder(dataDir)
    const scratch = () => readdirSync(dataDir).some((name) => name.startsWith('pg.making-'))
    await until(scratch, { what: 'initdb to begin' })
    await holder.kill()
    const postgres = await start(dataDir)
    await postgres.stop()
    // Its initdb may have gone on without it until then.
    await until(async () => {
      const again = await start(dataDir)
      await again.stop()
      return !scratch()
    })
  })
})
