import { evidence } from '../../domain/gates/evidence.ts'
import { readOnly } from '../../domain/gates/read-only.ts'
import {
  SPECIMEN_COMMAND,
  SPECIMEN_MANIFESTS,
  specimenControl,
} from '../../domain/gates/specimen.ts'
import type { Json } from '../../domain/json.ts'
import { verifyingDial } from '../../src/executors/http/dial.ts'
import { createHttp, type HttpOptions } from '../../src/executors/http/http.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { parseHttpAllow } from '../../src/http-allow.ts'
import { type Executor, ExecutorFailure, type Plan, type Report } from '../../src/ports.ts'
import type { HostileNetwork, HostileService, HostileStep } from './hostile-http.ts'
import { HOSTILE_CA, type HostileServer, openHostile } from './hostile-service.ts'
import { type HttpPlan, httpPlan } from './http-plan.ts'

type Method = HostileService['methods'][number]
type Dial = NonNullable<HttpOptions['dial']>

/** How a dry run ended: the code of its refusal or null, why, and its report where there is one. */
export type End = Readonly<{ code: string | null; why: string; report: Report | null }>

/** What an entry was up to: all that must not have happened can be asked of it. */
export type Trial = Readonly<{
  end: End
  /** Addresses that were connected to. */
  dialled: readonly string[]
  server: HostileServer
  elapsedMs: number
}>

const SHORT_MS = 150
const LONG_MS = 5_000
/** Behind the limit of a run, on a machine that is busy with other tests. */
export const SOON_MS = 2_000
const never = () => new AbortController().signal

const controlOf = ({ program, target }: Plan) =>
  specimenControl({
    manifests: [
      { ...SPECIMEN_MANIFESTS.contract, executor: 'http', program },
      SPECIMEN_MANIFESTS.fixture,
      { ...target, id: SPECIMEN_MANIFESTS.target.id },
    ],
  })

/** The code with which the gate refuses what the executor shows of a plan, or null. */
export async function gateOn(executor: Executor, plan: Plan): Promise<string | null> {
  const facts = await executor.facts(plan)
  const seen = { sideEffects: 'none', facts }
  return readOnly.judge({ command: SPECIMEN_COMMAND, control: controlOf(plan), seen }).code
}

async function endOf(executor: Executor, plan: Plan): Promise<End> {
  const judge = (seen: Json) =>
    evidence.judge({ command: SPECIMEN_COMMAND, control: controlOf(plan), seen }).code
  try {
    const report = await executor.dryRun(plan, never())
    const broken = Object.entries(report.evidence).filter(([, { holds }]) => !holds)
    return { code: judge(report.evidence), why: broken.map(([it]) => it).join(' '), report }
  } catch (error) {
    if (!(error instanceof ExecutorFailure)) throw error
    const { failure, code } = error
    return { code: judge({ failure, code }), why: `${failure} ${code}`, report: null }
  }
}

const LOOPBACK = /^127\./
const DIAL = verifyingDial(HOSTILE_CA)

/** Connects, and writes down to what; nothing may leave this machine. */
function watchedDial(dial: Dial = DIAL): Readonly<{ dialled: string[]; dial: Dial }> {
  const dialled: string[] = []
  return {
    dialled,
    dial(options, callback) {
      dialled.push(options.hostname)
      if (LOOPBACK.test(options.hostname)) return dial(options, callback)
      return callback(new Error(`${options.hostname} is not on this machine`), null)
    },
  }
}

type Ports = Pick<HttpOptions, 'lookup' | 'dial'>

export const httpTo = (allow: string, ports: Ports = {}) =>
  createHttp({ allow: parseHttpAllow(allow), reader: createSqlRead({}), ...ports })

const DRY: readonly HostileStep[] = [
  {
    head: ['200 OK', 'Preference-Applied: tx=rollback', 'Content-Type: application/json'],
    body: '{"ok":true}',
  },
]

/** What the gate says of an entry of the network, and what the executor does with it all the same. */
export async function tryNetwork(
  input: HostileNetwork,
): Promise<Trial & Readonly<{ gate: string | null }>> {
  const server = await openHostile({ sends: DRY, next: DRY })
  const withPort = (text: string): string => text.replaceAll('{port}', String(server.port))
  const { resolves = [], rebinds = resolves, method, body } = input
  const answers = [resolves, rebinds]
  const { dialled, dial } = watchedDial()
  const executor = httpTo(withPort(input.allow), {
    lookup: () => Promise.resolve(answers.shift() ?? rebinds),
    dial,
  })
  const plan = httpPlan(withPort(input.origin), {
    method,
    ...(input.marker === undefined ? {} : { marker: input.marker as HttpPlan['marker'] & {} }),
    ...(body === undefined ? {} : { body }),
  })
  try {
    const gate = await gateOn(executor, plan)
    const begun = performance.now()
    const end = await endOf(executor, plan)
    return { gate, end, dialled, server, elapsedMs: performance.now() - begun }
  } finally {
    await executor.close()
    await server.close()
  }
}

/** What every trial with a service has beside it. */
export type Lab = Readonly<{
  /** Must never be reached. */
  canary: HostileServer
  /** Answers as it should. */
  good: HostileServer
  close(): Promise<void>
}>

export async function openLab(): Promise<Lab> {
  const canary = await openHostile({ sends: DRY, next: DRY })
  const good = await openHostile({ sends: DRY, next: DRY })
  return {
    canary,
    good,
    async close() {
      await canary.close()
      await good.close()
    },
  }
}

/** What is put off until the run is over, in the order of coming. */
type Later = (() => void)[]

/** Ports that treat one service as an entry says, and all others as they should. */
function portsFor({ connection }: HostileService, goodPort: number, later: Later): Ports {
  const lookups: Partial<Record<NonNullable<typeof connection>, HttpOptions['lookup']>> = {
    'never-resolved': () => new Promise(() => undefined),
    'resolved-late': () => new Promise((done) => later.push(() => done(['127.0.0.1']))),
    unresolvable: () => Promise.reject(new Error('ENOTFOUND')),
  }
  const isFine = connection !== 'never-made' && connection !== 'made-late'
  return {
    lookup: (connection && lookups[connection]) ?? (() => Promise.resolve(['127.0.0.1'])),
    dial(options, callback) {
      if (isFine || options.port === String(goodPort)) return DIAL(options, callback)
      if (connection === 'made-late') later.push(() => void DIAL(options, callback))
      return undefined
    },
  }
}

const stepsOf = (steps: readonly HostileStep[], canary: number): readonly HostileStep[] =>
  JSON.parse(JSON.stringify(steps).replaceAll('{canary}', String(canary))) as HostileStep[]

async function portNobodyListensAt(): Promise<number> {
  const closed = await openHostile({ sends: [] })
  await closed.close()
  return closed.port
}

export type ServiceTrial = Trial &
  Readonly<{
    timeMs: number
    /** How the request before it ended, where there was one. */
    first: End | null
    /** How a good request to a good service ended afterwards, by the same executor. */
    afterwards: End
  }>

/** One dry run against what an entry of the corpus says of a service. `use` looks while all is open. */
export async function tryService(
  { canary, good }: Lab,
  input: HostileService,
  { method, isSlow = false }: Readonly<{ method: Method; isSlow?: boolean }>,
  use: (trial: ServiceTrial) => Promise<void>,
): Promise<void> {
  const { sends, next, tls, connection, host = '127.0.0.1', marker } = input
  const server = await openHostile(
    { sends: stepsOf(sends, canary.port), next: next && stepsOf(next, canary.port) },
    tls,
  )
  const later: Later = []
  const port = connection === 'refused' ? await portNobodyListensAt() : server.port
  const origin = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`
  const goodOrigin = `http://127.0.0.1:${good.port}`
  const allow = LOOPBACK.test(host) ? `${origin}, ${goodOrigin}` : '127.0.0.1/32'
  const ports = portsFor(input, good.port, later)
  const { dialled, dial } = watchedDial(ports.dial)
  const executor = httpTo(allow, { ...ports, dial })
  const timeMs = isSlow ? SHORT_MS : LONG_MS
  const plan = httpPlan(origin, {
    method,
    ...(method === 'POST' ? { body: { a: 1 } } : {}),
    ...(marker === undefined ? {} : { marker: marker as HttpPlan['marker'] & {} }),
    limits: { timeMs },
  })
  try {
    const first = next === undefined ? null : await endOf(executor, plan)
    const begun = performance.now()
    const end = await endOf(executor, plan)
    const elapsedMs = performance.now() - begun
    for (const it of later) it()
    const afterwards = await endOf(executor, httpPlan(goodOrigin))
    await use({ first, end, afterwards, dialled, server, elapsedMs, timeMs })
  } finally {
    await executor.close()
    await server.close()
  }
}
