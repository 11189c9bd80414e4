import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pc from 'picocolors'
import pino from 'pino'
import { type Answer, connect, type Ledger } from '../client/index.ts'
import { readConfig } from '../config.ts'
import { type RunningLedger, serve } from '../main.ts'
import { packageRoot } from '../package.ts'
import { inRequests, readManifests } from './catalogue.ts'
import { showRecorded } from './dispatch.ts'
import { showProblem } from './session.ts'

type DemoOptions = Readonly<{ keep?: boolean; json?: boolean }>

/** One thing the tour does, and what must come of it. */
type Step = Readonly<{
  name: string
  says: string
  expect: number
  ask(ledger: Ledger): Promise<Answer>
  show(answer: Answer): string
}>

/**
 * The tour: starts a ledger on a throw-away directory, dispatches the sample catalogue over HTTP,
 * and shows every outcome. Exits 1 when an outcome is not the one it should be.
 */
export async function demo(options: DemoOptions): Promise<number> {
  const dataDir = await makeDataDir()
  const config = readConfig({
    LEDGER_DATA_DIR: dataDir,
    LEDGER_PORT: '0',
    LEDGER_LOG_LEVEL: 'warn',
  })
  say(options, pc.dim(`Starting a ledger in ${dataDir} …`))
  const running = await serve(config, pino({ level: 'silent' }))
  const stop = stopOnSignal(running, options.keep ? null : dataDir)
  try {
    say(options, pc.dim(`It listens on ${running.url}, on a Postgres of its own.`))
    const key = (await readFile(running.adminKeyFile ?? '', 'utf8')).trim()
    return await tour(connect({ url: running.url, key }), options)
  } finally {
    stop.forget()
    await running.close()
    if (options.keep)
      say(options, `\nKept. Serve it: LEDGER_DATA_DIR=${dataDir} dispatch-ledger serve`)
    else await rm(dataDir, { recursive: true, force: true })
  }
}

async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-demo-'))
  // As root, Postgres runs as another user, who must be able to pass through.
  if (process.getuid?.() === 0) await chmod(dataDir, 0o711)
  return dataDir
}

/** Ctrl-C in the middle leaves no server and no directory behind. */
function stopOnSignal(running: RunningLedger, throwAway: string | null): { forget(): void } {
  const stop = (): void => {
    void running
      .close()
      .then(() =>
        throwAway === null ? undefined : rm(throwAway, { recursive: true, force: true }),
      )
      .then(() => process.exit(130))
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return {
    forget() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}

const say = ({ json }: DemoOptions, line: string): void => {
  if (!json) process.stdout.write(`${line}\n`)
}

async function tour(ledger: Ledger, options: DemoOptions): Promise<number> {
  let wrong = 0
  for (const step of steps()) {
    say(options, `\n${pc.bold(step.name)}  ${pc.dim(step.says)}`)
    const answer = await step.ask(ledger)
    const { status, body } = answer
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ step: step.name, status, body })}\n`)
    }
    const shown = status < 300 ? step.show(answer) : showProblem(answer)
    say(options, `${colour(status)(String(status))} ${shown}`)
    if (status !== step.expect) {
      wrong += 1
      process.stderr.write(`${step.name}: expected ${step.expect}, found ${status}\n`)
    }
  }
  say(options, wrong === 0 ? `\n${pc.green('Every outcome was the expected one.')}` : '')
  return wrong === 0 ? 0 : 1
}

const colour = (status: number) => (status < 300 ? pc.green : pc.yellow)

const example = (...path: string[]): string => join(packageRoot(), 'examples', 'iu-cutter', ...path)

const commandOf = async (name: string): Promise<object> =>
  JSON.parse(await readFile(example('commands', `${name}.json`), 'utf8')) as object

const dispatch = (name: string, change: object) => async (ledger: Ledger) =>
  ledger.request('POST', '/v1/dispatches', { ...(await commandOf(name)), ...change })

const setSwitch = (state: string, reason: string) => (ledger: Ledger) =>
  ledger.request('PUT', '/v1/switch/global', { state, reason })

const recorded = ({ body }: Answer): string => showRecorded(body as never)
const inForce = ({ body }: Answer): string => {
  const { state, position } = body as { state: string; position: number }
  return `switch    ${state}, in force from position ${position}`
}

function steps(): readonly Step[] {
  return [...opening(), ...lifeCycle(), ...refusals(), ...reading()]
}

const opening = (): readonly Step[] => [
  {
    name: 'unset',
    says: 'A fresh ledger refuses everything: its kill switch was never set.',
    expect: 503,
    ask: dispatch('cut-section', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'switch',
    says: 'An operator sets it.',
    expect: 200,
    ask: setSwitch('DRY_RUN_ONLY', 'the demo begins'),
    show: inForce,
  },
  {
    name: 'catalogue',
    says: 'Its owner registers a contract, its fixture and its target; 26 golden cases must hold.',
    expect: 201,
    async ask(ledger) {
      const [manifests] = inRequests(readManifests(example('catalogue')))
      return ledger.request('POST', '/v1/catalogue', { manifests })
    },
    show: ({ body }) =>
      (
        body as { results: { kind: string; id: string; version: number; outcome: string }[] }
      ).results
        .map(({ kind, id, version, outcome }) => `${outcome.padEnd(9)} ${kind} ${id}@${version}`)
        .join('\n    '),
  },
]

const lifeCycle = (): readonly Step[] => [
  {
    name: 'plan',
    says: 'A service plans a cut of RFC 6962 into its sections.',
    expect: 201,
    ask: dispatch('cut-all', { mode: 'PLAN_ONLY' }),
    show: recorded,
  },
  {
    name: 'verify',
    says: 'The same command goes further: preflight.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'VERIFY_ONLY' }),
    show: recorded,
  },
  {
    name: 'dry-run',
    says: 'It really runs, in the simulator, and leaves evidence.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: (answer) => `${recorded(answer)}\n    ${unitsOf(answer)}`,
  },
  {
    name: 'repeat',
    says: 'The same command again: same id, no event, nothing runs.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'would-fail',
    says: 'A section that the document does not have: a result too, recorded for ever.',
    expect: 201,
    ask: dispatch('cut-missing-section', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'explain',
    says: 'What would another command be answered? Nothing is recorded.',
    expect: 200,
    async ask(ledger) {
      return ledger.request('POST', '/v1/explain', await commandOf('cut-chapters'))
    },
    show: ({ body }) => `would answer: ${(body as { wouldAnswer: string }).wouldAnswer}`,
  },
]

function unitsOf({ body }: Answer): string {
  const { output } = (body as { event: { data: { output: { units: { title: string }[] } } } }).event
    .data
  return `${output.units.length} units, from “${output.units[0]?.title}” to “${output.units.at(-1)?.title}”`
}

const refusals = (): readonly Step[] => [
  {
    name: 'real-run',
    says: 'A real run is never authorized. There is nothing that could carry it out.',
    expect: 403,
    ask: dispatch('cut-all', { mode: 'REAL_RUN' }),
    show: recorded,
  },
  {
    name: 'production',
    says: 'Output goes to a dry-run namespace, or nowhere.',
    expect: 403,
    ask: dispatch('cut-all', { outputNamespace: 'PROD:iu-cutter' }),
    show: recorded,
  },
  {
    name: 'halt',
    says: 'An operator halts everything.',
    expect: 200,
    ask: setSwitch('HALTED', 'the demo shows the switch'),
    show: inForce,
  },
  {
    name: 'halted',
    says: 'Now even what is recorded already is refused.',
    expect: 423,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'resume',
    says: 'The operator releases it.',
    expect: 200,
    ask: setSwitch('DRY_RUN_ONLY', 'the demo goes on'),
    show: inForce,
  },
]

const reading = (): readonly Step[] => [
  {
    name: 'replay',
    says: 'And the recorded answer is there again.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'list',
    says: 'Analysts read it from Postgres; this is the same read model over HTTP.',
    expect: 200,
    async ask(ledger) {
      const { position } = await ledger.request('GET', '/v1/switch')
      return ledger.request('GET', `/v1/dispatches?minPosition=${position}`)
    },
    show: ({ body }) =>
      (body as { dispatches: Record<string, string | null>[] }).dispatches
        .map(
          (it) =>
            `${it['dispatchId']}  ${it['reached'] ?? '-'}  ${it['verdict'] ?? it['lastRefusal']}`,
        )
        .join('\n    '),
  },
]
