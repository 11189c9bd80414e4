import { randomBytes } from 'node:crypto'
import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedError } from './embedded-error.ts'
import type { Home } from './home.ts'
import { type Account, complaint, type Ran, run } from './run.ts'
import { makeWhole } from './whole-folder.ts'

/** A database cluster on disk, and how to run and enter it. */
export type Cluster = Home & Readonly<{ native: string; login: Login; fsync: boolean }>
/** The passwords of the two logins. */
export type Login = Readonly<{ owner: string; app: string }>

export const OWNER = 'postgres'
export const APP = 'ledger_app'
/** The database with the locks; the ledger's own holds nothing of the launcher. */
export const LOCK_DATABASE = 'postgres'
export const LEDGER_DATABASE = 'ledger'

/** Opens the cluster of a home; makes it, with its logins and databases, where there is none. */
export async function openCluster(home: Home, native: string, fsync: boolean): Promise<Cluster> {
  await makeWhole(home.clusterDir, (scratch) => build({ home, native, fsync, scratch }))
  return { ...home, native, fsync, login: await readLogin(home) }
}

/** It lies inside the cluster and is renamed with it, so the two can never disagree. */
const LOGIN_FILE = 'ledger-login.json'

async function readLogin({ clusterDir, dataDir }: Home): Promise<Login> {
  try {
    return parseLogin(await readFile(join(clusterDir, LOGIN_FILE), 'utf8'))
  } catch (cause) {
    if (isDenied(cause)) {
      throw new EmbeddedError(
        `The database in ${dataDir} belongs to another user: start as that user, or set LEDGER_DATA_DIR to a directory of your own.`,
      )
    }
    throw new EmbeddedError(
      `${clusterDir} is no database of Dispatch Ledger, its ${LOGIN_FILE} cannot be read: move it away, or set LEDGER_DATA_DIR to another directory.`,
    )
  }
}

function parseLogin(text: string): Login {
  const { owner, app } = JSON.parse(text)
  if (typeof owner !== 'string' || typeof app !== 'string') throw new Error('no passwords')
  return { owner, app }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EACCES'
}

type Building = Readonly<{ home: Home; native: string; fsync: boolean; scratch: string }>

async function build({ home, native, fsync, scratch }: Building): Promise<void> {
  const login = { owner: secret(), app: secret() }
  const passwordFile = join(scratch, 'password')
  const whole = join(scratch, 'whole')
  await give(scratch, home.account)
  await writeSecret(passwordFile, login.owner, home.account)
  const initdb = ['-D', whole, '-U', OWNER, `--pwfile=${passwordFile}`, ...LAYOUT]
  if (!fsync) initdb.push('--no-sync')
  demand(await run(join(native, 'bin', 'initdb'), initdb, { account: home.account }), home)
  await createLogins(join(native, 'bin', 'postgres'), whole, login, home)
  await writeSecret(join(whole, LOGIN_FILE), JSON.stringify(login), home.account)
}

/** Nothing in it depends on the machine: the order and case of text are Postgres's own. */
const LAYOUT = [
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
]

/** In single-user mode, before any connection can exist. It takes one statement a line. */
async function createLogins(
  postgres: string,
  clusterDir: string,
  login: Login,
  home: Home,
): Promise<void> {
  const statements = [
    `create role ${APP} login password '${login.app}'`,
    `create database ${LEDGER_DATABASE}`,
    `revoke connect on database ${LOCK_DATABASE} from public`,
    'create table serving (backend_pid int primary key, url text not null)',
  ]
  const args = ['--single', '-D', clusterDir, '-c', 'log_checkpoints=off', LOCK_DATABASE]
  const input = statements.map((statement) => `${statement};\n`).join('')
  const ran = await run(postgres, args, { account: home.account, input })
  // It goes on after a failed statement, and ends with status 0 nevertheless.
  demand(/\bERROR:/.test(ran.stderr) ? { ...ran, error: new Error('failed statement') } : ran, home)
}

function demand({ error, stderr }: Ran, { dataDir }: Home): void {
  if (error === undefined) return
  const why = stderr === '' ? error.message : complaint(stderr)
  throw new EmbeddedError(`Postgres could not make its database in ${dataDir}: ${why}`, {
    cause: error,
  })
}

/** Needs no quoting in SQL, in JSON or in a URL. */
function secret(): string {
  return randomBytes(24).toString('hex')
}

async function writeSecret(file: string, text: string, account: Account | undefined) {
  await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true })
  await give(file, account)
}

async function give(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid)
}
