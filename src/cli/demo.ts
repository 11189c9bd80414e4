import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pc from 'picocolors'
import pino from 'pino'
import { type Answer, connect, type Ledger } from '../client/index.ts'
import { readConfig } from '../config.ts'
import { serve } from '../main.ts'
import { makeSampleSource, type SampleSource } from '../sample-source.ts'
import { examineSqlSource, sqlForReader } from '../wiring.ts'
import { agentApi } from './demo-agent-api.ts'
import { cutter } from './demo-cutter.ts'
import { databases } from './demo-databases.ts'
import { type Services, startServices } from './demo-services.ts'
import { exampleFile, type Runner, type Step } from './demo-step.ts'
import { count, type Outcomes, tableOfRunners } from './demo-table.ts'
import { EXIT, UsageError } from './exit.ts'
import { showProblem } from './session.ts'

type DemoOptions = Readonly<{ keep?: boolean; json?: boolean; database?: string }>

/**
 * The tour: starts a ledger on a throw-away directory, dispatches the sample catalogue over HTTP,
 * and shows every outcome. Exits 1 when an outcome is not the one it should be.
 */
export async function demo(options: DemoOptions): Promise<number> {
  if (options.database !== undefined) await assertAnswers(options.database)
  const signals = heedSignals()
  const dataDir = await makeDataDir()
  try {
    return await demoIn(dataDir, options, signals)
  } catch (error) {
    // Ctrl-C reaches the services, too, and whoever still waits for them.
    if (signals.left()) return INTERRUPTED
    throw error
  } finally {
    signals.forget()
    if (!options.keep) await rm(dataDir, { recursive: true, force: true })
  }
}

/** A database that does not answer ends the tour before it begins. */
async function assertAnswers(database: string): Promise<void> {
  if (!/^postgres(ql)?:\/\//.test(database))
    throw new UsageError('--database must start with postgres://')
  const [first] = await examineSqlSource(CHECKED, database)
  if (first?.status === 'unknown') throw new Error(`The database of --database: ${first.found}`)
}

/** The name that the health checks have for the database they look at. */
const CHECKED = 'checked'

async function demoIn(dataDir: string, options: DemoOptions, signals: Signals): Promise<number> {
  say(options, pc.dim(`Starting a ledger in ${dataDir} …`))
  const log = pino({ level: 'silent' })
  const sample = await makeSampleSource({ dataDir }, log, [
    { schema: 'atlas', sql: await readExample('iu-command') },
    { schema: 'agent', sql: await readExample('agent-api') },
  ])
  try {
    if (signals.left()) return INTERRUPTED
    const services = await startServices(sample.writerUrl)
    try {
      if (signals.left()) return INTERRUPTED
      return await demoWith({ dataDir, sample, services }, options, signals)
    } finally {
      await services.stop()
    }
  } finally {
    await sample.release()
  }
}

const readExample = (name: string): Promise<string> =>
  readFile(exampleFile(name, 'schema.sql'), 'utf8')

type Parts = Readonly<{
  dataDir: string
  sample: SampleSource
  services: Services
}>

async function demoWith(parts: Parts, options: DemoOptions, signals: Signals): Promise<number> {
  const { sample, services } = parts
  const settings = settingsOf(parts, options)
  const config = readConfig({ ...settings, LEDGER_PORT: '0', LEDGER_LOG_LEVEL: 'warn' })
  const running = await serveWith(sample, config, pino({ level: 'silent' }))
  try {
    const { eventStoreDb } = config
    const place = eventStoreDb && ` The log is in EventStoreDB, prefix ${eventStoreDb.prefix}`
    say(options, pc.dim(`It listens on ${running.url}, on a Postgres of its own.${place ?? ''}`))
    if (options.database !== undefined)
      say(options, pc.dim('Health checks look at the database that you named.'))
    const key = (await readFile(running.adminKeyFile ?? '', 'utf8')).trim()
    const runners = [cutter(), ...databases(), agentApi(services.origins)]
    const exit = await tour(connect({ url: running.url, key }), runners, options, signals)
    if (exit === EXIT.no && options.database !== undefined) {
      const sql = await sqlForReader(CHECKED, options.database)
      say(options, `These make a login that will do:\n\n${sql}`)
    }
    return exit
  } finally {
    // They use the database that goes with the server.
    await services.stop()
    await running.close()
    if (options.keep) {
      const shown = Object.entries(settings).map(([name, value]) => `${name}='${value}'`)
      say(options, `\nKept. Serve it: ${shown.join(' ')} dispatch-ledger serve`)
      say(options, `Its services: DATABASE_URL='${sample.writerUrl}', examples/agent-api/README.md`)
    }
  }
}

/** Where dry runs may go: the sample database, the one to be checked, and the services. */
function settingsOf({ dataDir, sample, services }: Parts, { database }: DemoOptions) {
  const { readerUrl } = sample
  const sources = { atlas: readerUrl, agent: readerUrl, [CHECKED]: database ?? readerUrl }
  return {
    LEDGER_DATA_DIR: dataDir,
    LEDGER_SQL_SOURCES: JSON.stringify(sources),
    LEDGER_HTTP_ALLOW: Object.values(services.origins).join(','),
    ...logSettings(process.env),
  }
}

/** Every tour begins with an empty ledger: in EventStoreDB its streams have a prefix of their own. */
function logSettings({ LEDGER_STORE, EVENTSTORE_URL = '' }: NodeJS.ProcessEnv) {
  if (LEDGER_STORE !== 'eventstoredb') return {}
  const prefix = `demo-${randomBytes(4).toString('hex')}.`
  return { LEDGER_STORE, EVENTSTORE_URL, LEDGER_STREAM_PREFIX: prefix }
}

/** From then on the server keeps the database up. */
async function serveWith(sample: SampleSource, ...asked: Parameters<typeof serve>) {
  try {
    return await serve(...asked)
  } finally {
    await sample.release()
  }
}

async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-demo-'))
  // As root, Postgres runs as another user, who must be able to pass through.
  if (process.getuid?.() === 0) await chmod(dataDir, 0o711)
  return dataDir
}

type Signals = Readonly<{ left(): boolean; forget(): void }>

/** As a shell says it of a program that Ctrl-C has ended. */
const INTERRUPTED = 130

/** Ctrl-C leaves no server and no directory behind: what is under way is finished, and no more begun. */
function heedSignals(): Signals {
  let isLeft = false
  const leave = (): void => {
    isLeft = true
  }
  process.once('SIGINT', leave)
  process.once('SIGTERM', leave)
  return {
    left: () => isLeft,
    forget() {
      process.off('SIGINT', leave)
      process.off('SIGTERM', leave)
    },
  }
}

const say = ({ json }: DemoOptions, line: string): void => {
  if (!json) process.stdout.write(`${line}\n`)
}

async function tour(
  ledger: Ledger,
  runners: readonly Runner[],
  options: DemoOptions,
  signals: Signals,
): Promise<number> {
  let wrong = 0
  const rows = runners.map((runner) => ({ ...runner, outcomes: new Map() as Outcomes }))
  for (const { steps, outcomes } of rows) {
    for (const step of steps) {
      if (signals.left()) return INTERRUPTED
      const answer = await takeStep(step, ledger, options)
      count(outcomes, answer)
      const why = whyWrong(step, answer)
      if (why === null) continue
      wrong += 1
      process.stderr.write(`${step.name}: ${why}\n`)
    }
  }
  say(options, `\n${tableOfRunners(rows)}`)
  say(options, wrong === 0 ? `\n${pc.green('Every outcome was the expected one.')}` : '')
  return wrong === 0 ? EXIT.yes : EXIT.no
}

async function takeStep(step: Step, ledger: Ledger, options: DemoOptions): Promise<Answer> {
  say(options, `\n${pc.bold(step.name)}  ${pc.dim(step.says)}`)
  const answer = await step.ask(ledger)
  const { status, body } = answer
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ step: step.name, status, body })}\n`)
  }
  const shown = status < 300 ? step.show(answer) : showProblem(answer)
  say(options, `${colour(status)(String(status))} ${shown}`)
  return answer
}

const whyWrong = (step: Step, answer: Answer): string | null =>
  answer.status === step.expect
    ? (step.whyWrong?.(answer) ?? null)
    : `expected ${step.expect}, found ${answer.status}`

const colour = (status: number) => (status < 300 ? pc.green : pc.yellow)
