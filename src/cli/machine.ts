import { readFileSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type Config, SETTINGS } from '../config.ts'
import type { Finding } from '../ports.ts'

type Environment = Readonly<Record<string, string | undefined>>

const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, todo: null })

/** What can be seen without the database and without a server. */
export async function examineMachine(
  config: Config,
  environment: Environment,
): Promise<readonly Finding[]> {
  const embedded = config.databaseUrl === undefined
  return [
    examineNode(process.versions.node),
    examineConfiguration(environment),
    await examineKeyFile(config, environment),
    ...(embedded ? [await examineDisk(config.dataDir)] : []),
  ]
}

const NODE_MIN = [20, 19] as const

export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const enough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
  if (enough) return ok('node', `version ${version}`)
  const todo = `Use Node ${NODE_MIN.join('.')} or newer.`
  return { check: 'node', status: 'problem', found: `version ${version}`, todo }
}

/** Which settings are set, and where; passwords stay away. */
function examineConfiguration(environment: Environment): Finding {
  const file = dotEnv()
  const given = SETTINGS.filter((name) => (environment[name] ?? '') !== '')
  const shown = given.map((name) => {
    const value = environment[name] ?? ''
    const seen = name === 'LEDGER_SQL_SOURCES' ? namesIn(value) : masked(value)
    return `${name}=${seen} (${file[name] === value ? '.env' : 'environment'})`
  })
  return ok('configuration', [...shown, 'the rest by default'].join(', '))
}

function dotEnv(): Environment {
  try {
    return parseEnv(readFileSync('.env', 'utf8'))
  } catch {
    return {}
  }
}

/** Every URL of it holds a password. */
const namesIn = (sources: string): string => Object.keys(JSON.parse(sources) as object).join(', ')

/** A URL may hold a password before its host, and in its parameters. */
function masked(value: string): string {
  if (!value.includes('://')) return value
  if (!URL.canParse(value)) return '***'
  const url = new URL(value)
  if (url.password !== '') url.password = '***'
  for (const name of url.searchParams.keys()) {
    if (/pass|secret|key/i.test(name)) url.searchParams.set(name, '***')
  }
  return url.href
}

/** Whoever can read the key can do all that it may. */
async function examineKeyFile(config: Config, environment: Environment): Promise<Finding> {
  const file = environment['LEDGER_KEY_FILE'] || join(config.dataDir, 'admin.key')
  const found = await stat(file).catch(() => null)
  if (found === null) return ok('key file', `none at ${resolve(file)}`)
  const open = (found.mode & 0o077) !== 0
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
  if (!open) return ok('key file', `${resolve(file)}, mode ${mode}`)
  return {
    check: 'key file',
    status: 'problem',
    found: `${resolve(file)} can be read by others: mode ${mode}`,
    todo: `Run: chmod 600 ${file}. Then revoke the key and make another.`,
  }
}

const MIB = 1024 * 1024
const FREE_LEAST = 100 * MIB
const FREE_ENOUGH = 1024 * MIB

/** A full disk stops appends; nothing is lost, and nothing is recorded either. */
async function examineDisk(dataDir: string): Promise<Finding> {
  const folder = await nearest(resolve(dataDir))
  const { bavail, bsize } = await statfs(folder)
  return judgeDisk(dataDir, bavail * bsize)
}

export function judgeDisk(dataDir: string, free: number): Finding {
  const found = `${Math.floor(free / MIB)} MiB free at ${resolve(dataDir)}`
  if (free >= FREE_ENOUGH) return ok('disk', found)
  const status = free < FREE_LEAST ? 'problem' : 'warning'
  return { check: 'disk', status, found, todo: 'Make room, or move the data directory.' }
}

/** The folder itself where it is there, else the one it will be made in. */
async function nearest(folder: string): Promise<string> {
  const there = await stat(folder).catch(() => null)
  return there !== null || dirname(folder) === folder ? folder : nearest(dirname(folder))
}

const DEFAULT_URL = 'http://127.0.0.1:4400'
const ANSWER_MS = 5_000
const LAG_SECONDS_MAX = 30

/** Asks what needs no key. That none runs is a finding only where somebody named one. */
export async function examineServer(
  given: string | undefined,
  environment: Environment,
): Promise<readonly Finding[]> {
  const named = given || environment['LEDGER_URL']
  const url = named || DEFAULT_URL
  try {
    const readiness = (await (await ask(url, '/readyz')).json()) as Readiness
    const metrics = await (await ask(url, '/metrics')).text()
    return [...judgeReadiness(url, readiness), ...judgeLag(metrics)]
  } catch {
    const found = `none answers at ${url}`
    if (named === undefined) return [ok('server', found)]
    const todo = 'Start it, or look into its log.'
    return [{ check: 'server', status: 'unknown', found, todo }]
  }
}

type Readiness = Readonly<{
  ready: boolean
  checks: Readonly<Record<string, Readonly<{ ok: boolean; detail: string }>>>
}>

const ask = (url: string, path: string): Promise<Response> =>
  fetch(new URL(path, url), { signal: AbortSignal.timeout(ANSWER_MS) })

function judgeReadiness(url: string, { ready, checks }: Readiness): readonly Finding[] {
  const failing = Object.entries(checks).filter(([, check]) => !check.ok)
  if (failing.length === 0) return [ok('server', `ready at ${url}`)]
  const found = failing.map(([name, { detail }]) => `${name}: ${detail}`).join(', ')
  return ready
    ? [{ check: 'server', status: 'warning', found, todo: 'It is ready, but not all is well.' }]
    : [{ check: 'server', status: 'problem', found, todo: 'It refuses dispatches until then.' }]
}

function judgeLag(metrics: string): readonly Finding[] {
  const lags = [...metrics.matchAll(/^ledger_projection_lag_seconds\{name="(\w+)"\} (\S+)$/gm)]
  if (lags.length === 0) return []
  const behind = lags.filter(([, , seconds]) => Number(seconds) > LAG_SECONDS_MAX)
  if (behind.length === 0) return [ok('read models', `${lags.length}, all up to date`)]
  const found = behind.map(([, name, seconds]) => `${name} is ${seconds} s behind`).join(', ')
  const todo = 'Look for "projection stopped" in the log of the server.'
  return [{ check: 'read models', status: 'warning', found, todo }]
}
