import { randomUUID } from 'node:crypto'
import autocannon from 'autocannon'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { untilFollowed } from '../support/followed.ts'
import { type Figure, figureOf, type Line, perSecond, ratioLine } from './figures.ts'
import type { Lab } from './lab.ts'
import { pgbench } from './pgbench.ts'
import { type Server, startEcho, startServer } from './server.ts'
import { smallCommand } from './small-contract.ts'

const RUNS = 3
const SECONDS = 5
const CONNECTIONS = 64
const BATCH = 50

export type Load = Readonly<{
  path: string
  perRequest: number
  body(): string
  /** The status that every answer must have, where it is no success. */
  expected?: number
}>
export type Pace = Readonly<{
  connections?: number
  duration?: number
  amount?: number
}>

/** New commands through the front door: key, strict parser, every gate, the log. */
export async function httpSection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  const echo = await startEcho()
  const loads = {
    verify: single({ ...smallCommand, mode: 'VERIFY_ONLY' }),
    dryRun: single({ ...smallCommand, mode: 'DRY_RUN' }),
    batch: batchOf({ ...smallCommand, mode: 'VERIFY_ONLY' }),
  }
  const rates: Record<string, number[]> = {
    yardstick: [],
    echo: [],
    verify: [],
    dryRun: [],
    batch: [],
  }
  const add = (name: string, rate: number) => rates[name]?.push(rate)
  try {
    // A server in use has compiled what it runs.
    for (const load of Object.values(loads)) await measure(server, lab, load)
    for (let turn = 0; turn < RUNS; turn++) {
      add('yardstick', Math.max(...(await pgbench(lab, SECONDS))))
      add('echo', await measure(echo, lab, loads.verify))
      for (const [name, load] of Object.entries(loads)) add(name, await measure(server, lab, load))
    }
  } finally {
    await Promise.all([server.stop(), echo.stop()])
  }
  const of = (name: string): Figure => figureOf(rates[name] ?? [])
  const ratio = (name: string, to: string) => of(name).median / of(to).median
  return [
    {
      name: 'pgbench, a transaction per dispatch, best of 8/16/32',
      value: perSecond(of('yardstick')),
    },
    { name: 'Fastify + zod echo of the same body', value: perSecond(of('echo')) },
    { name: `VERIFY_ONLY, ${CONNECTIONS} connections`, value: perSecond(of('verify')) },
    { name: `DRY_RUN, ${CONNECTIONS} connections`, value: perSecond(of('dryRun')) },
    { name: `VERIFY_ONLY in batches of ${BATCH}`, value: perSecond(of('batch')) },
    ratioLine('VERIFY_ONLY / pgbench', ratio('verify', 'yardstick'), 0.7),
    ratioLine('DRY_RUN / pgbench', ratio('dryRun', 'yardstick'), 0.3),
    ratioLine('batch / single', ratio('batch', 'verify'), 2),
  ]
}

const next = (command: AskedCommand): AskedCommand => ({ ...command, occurrence: randomUUID() })

export const single = (command: AskedCommand): Load => ({
  path: '/v1/dispatches',
  perRequest: 1,
  body: () => JSON.stringify(next(command)),
})

/** The same command over and over. */
export const repeated = (command: AskedCommand): Load => ({
  path: '/v1/dispatches',
  perRequest: 1,
  body: () => JSON.stringify(command),
})

export const batchOf = (command: AskedCommand): Load => ({
  path: '/v1/dispatches/batch',
  perRequest: BATCH,
  body: () => JSON.stringify({ dispatches: Array.from({ length: BATCH }, () => next(command)) }),
})

async function measure(server: Server, lab: Lab, load: Load): Promise<number> {
  await untilFollowed(lab.owner)
  const result = await run(server, lab, load, {})
  return (result.requests.total * load.perRequest) / result.duration
}

export async function run(
  server: Server,
  lab: Lab,
  load: Load,
  pace: Pace,
): Promise<autocannon.Result> {
  let refused = ''
  const result = await autocannon({
    url: server.url,
    connections: CONNECTIONS,
    ...(pace.amount === undefined ? { duration: SECONDS } : {}),
    ...pace,
    requests: [
      {
        method: 'POST',
        path: load.path,
        headers: { authorization: `Bearer ${lab.key}`, 'content-type': 'application/json' },
        setupRequest: (request) => ({ ...request, body: load.body() }),
        onResponse: (status, body) => {
          if (status >= 300 && status !== load.expected) refused = body
        },
      },
    ],
  })
  if (refused !== '' || result.errors > 0) {
    throw new Error(`${result.errors} requests failed, one was answered: ${refused}`)
  }
  return result
}

/** How many of `count` a second, so many under way at a time. */
export async function rateOf(
  ask: () => Promise<void>,
  count: number,
  inFlight: number,
): Promise<number> {
  let left = count
  const begun = performance.now()
  const one = async (): Promise<void> => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return (count * 1_000) / (performance.now() - begun)
}

type Reaching = Readonly<{
  catalogue: { manifests: readonly object[]; command(asked: Partial<AskedCommand>): AskedCommand }
  /** Where the server may reach. */
  env: Readonly<Record<string, string>>
}>

/** Dry runs a second that are judged, invoked, recorded and answered by a server of their own. */
export async function dispatchRates(
  lab: Lab,
  { catalogue, env }: Reaching,
): Promise<readonly number[]> {
  const server = await startServer(lab, env)
  try {
    await register(server, lab, catalogue.manifests)
    const load = single(catalogue.command({ params: {}, mode: 'DRY_RUN' }))
    const rates: number[] = []
    // The first is not counted: a server in use has compiled what it runs.
    for (let turn = -1; turn < RUNS; turn++) {
      const rate = await measure(server, lab, load)
      if (turn >= 0) rates.push(rate)
    }
    return rates
  } finally {
    await server.stop()
  }
}

async function register(
  { url }: Server,
  { key }: Lab,
  manifests: readonly object[],
): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ manifests })
  const reply = await fetch(`${url}/v1/catalogue`, { method: 'POST', headers, body })
  if (!reply.ok) throw new Error(await reply.text())
}
