import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { inject, onTestFinished } from 'vitest'
import {
  attachEmbeddedPostgres,
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/embedded/index.ts'
import { silentLog } from './silent-log.ts'
import { until } from './until.ts'

const CHILD = fileURLToPath(new URL('./embedded-child.ts', import.meta.url))

export const isRoot = process.getuid?.() === 0

/** A temporary folder; what runs in it is killed and it is removed when the test is over. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-embedded-'))
  chmodSync(folder, 0o755)
  onTestFinished(async () => {
    killPostmaster(join(folder, 'data'))
    await until(() => tryRemove(folder), { what: `${folder} to be removable` })
  })
  return folder
}

function tryRemove(folder: string): boolean {
  rmSync(folder, { recursive: true, force: true })
  return true
}

/** A data directory that does not exist. */
export function freshDataDir(): string {
  return join(freshFolder(), 'data')
}

let template: Promise<string> | undefined

/** A data directory whose database was made and stopped before: a copy takes a tenth of the time. */
export async function usedDataDir(): Promise<string> {
  template ??= makeTemplate()
  const dataDir = freshDataDir()
  // Unlike the copying of Node it keeps the owners, which Postgres insists on.
  execFileSync('cp', ['-a', await template, dataDir])
  return dataDir
}

/** It stays for the other files, and goes with the run. */
async function makeTemplate(): Promise<string> {
  const dataDir = join(inject('runDir'), `embedded-${process.pid}`)
  await (await start(dataDir)).stop()
  return dataDir
}

export function start(
  dataDir: string,
  more: Partial<EmbeddedOptions> = {},
): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, log: silentLog, fsync: false, ...more })
}

export function attach(dataDir: string) {
  return attachEmbeddedPostgres({ dataDir, log: silentLog, fsync: false })
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

export function postmasterPid(dataDir: string): number | undefined {
  try {
    return Number(readFileSync(join(dataDir, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])
  } catch {
    return undefined
  }
}

export function killPostmaster(dataDir: string): void {
  const pid = postmasterPid(dataDir)
  // The file may hold our own number, which stands for a server that is gone.
  if (pid === undefined || pid === process.pid) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was gone.
  }
}

/** A process that holds the server. It leads a process group, as one started at a terminal does. */
export class Holder {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(dataDir: string, url = '') {
    this.process = spawn(process.execPath, ['--import', 'tsx', CHILD, dataDir, url], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { stdout } = this.process
    if (stdout === null) throw new Error('no output to read')
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  async says(): Promise<Record<string, string>> {
    const { value } = await this.#lines.next()
    return JSON.parse(value ?? '{}')
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await ended
  }

  interruptGroup(): void {
    process.kill(-(this.process.pid ?? 0), 'SIGINT')
  }
}
