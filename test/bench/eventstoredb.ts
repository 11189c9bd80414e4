import { randomBytes, randomUUID } from 'node:crypto'
import { type EventData, EventStoreDBClient, NO_STREAM } from '@eventstore/db-client'
import pino from 'pino'
import type { Mode } from '../../domain/dispatch/command.ts'
import type { createLedger } from '../../src/main.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import { type Figure, figureOf, type Line, perSecond, ratioLine } from './figures.ts'
import { rateOf } from './http.ts'
import type { Lab } from './lab.ts'
import { SMALL_CATALOGUE, smallCommand } from './small-contract.ts'

const DISPATCHES = 1_500
const RUNS = 5
const IN_FLIGHT = 64
const APPEND_GOAL = 0.6
const PROJECTOR_GOAL = 0.7

type Ledger = Awaited<ReturnType<typeof createLedger>>
type Built = Readonly<{ createLedger: typeof createLedger }>
/** As it is installed: what tsx makes of the source names every function anew each time. */
const built = (): Promise<Built> =>
  import(new URL('../../dist/src/main.js', import.meta.url).href) as Promise<Built>

/** The log in the server of EVENTSTORE_URL, beside the bare package on the same server. */
export async function eventStoreDbSection(lab: Lab): Promise<readonly Line[]> {
  const url = process.env['EVENTSTORE_URL']
  if (url === undefined) return [{ name: 'not measured', value: 'EVENTSTORE_URL is not set' }]
  const prefix = `bench-${randomBytes(4).toString('hex')}.`
  const client = EventStoreDBClient.connectionString(url)
  const eventStoreDb = { url, prefix }
  const open = async (): Promise<Ledger> =>
    (await built()).createLedger(lab.runtimeUrl, '0.0.0-bench', pino({ level: 'silent' }), {
      eventStoreDb,
      projectors: () => [],
    })
  const ledger = await open()
  try {
    await prepare(ledger, lab.key)
    const appends = [
      ...(await compareAppends({ lab, client, ledger, prefix }, 'PLAN_ONLY', 1)),
      ...(await compareAppends({ lab, client, ledger, prefix }, 'DRY_RUN', 3)),
    ]
    return [...appends, ...(await compareProjector(lab, client, eventStoreDb))]
  } finally {
    await ledger.close()
    await client.dispose()
  }
}

async function ask(ledger: Ledger, key: string, path: string, payload: object): Promise<void> {
  const headers = { authorization: `Bearer ${key}` }
  const method = path.startsWith('/v1/switch') ? 'PUT' : 'POST'
  const reply = await ledger.app.inject({ method, url: path, payload, headers })
  if (reply.statusCode >= 300) throw new Error(reply.payload)
}

async function prepare(ledger: Ledger, key: string): Promise<void> {
  await ask(ledger, key, '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'bench' })
  const target = { kind: 'Target', id: 'iu-cutter/rfc-6962', version: 1, executor: 'simulator' }
  await ask(ledger, key, '/v1/catalogue', { manifests: [target, ...SMALL_CATALOGUE] })
}

type Parts = Readonly<{ lab: Lab; client: EventStoreDBClient; ledger: Ledger; prefix: string }>

/** In turns, so that a busy moment of the machine falls on both. The first turn is not counted. */
async function compareAppends(
  { lab, client, ledger, prefix }: Parts,
  mode: Mode,
  events: number,
): Promise<readonly Line[]> {
  const sample = lab.sample.slice(0, events)
  const bare = async (): Promise<void> => {
    const callId = randomUUID()
    const recordedAt = new Date().toISOString()
    const stored = sample.map((event) => ({
      ...event,
      id: randomUUID(),
      contentType: 'application/json',
      metadata: { callId, ...event.metadata, recordedAt },
    })) as unknown as EventData[]
    const stream = `bare-${prefix}${randomUUID()}`
    await client.appendToStream(stream, stored, { expectedRevision: NO_STREAM })
  }
  const whole = (): Promise<void> => {
    const command = { ...smallCommand, mode, occurrence: randomUUID() }
    return ask(ledger, lab.key, '/v1/dispatches', command)
  }
  const rates = { bare: [] as number[], whole: [] as number[] }
  for (let round = -1; round < RUNS; round++) {
    const one = await rateOf(bare, DISPATCHES, IN_FLIGHT)
    const other = await rateOf(whole, DISPATCHES, IN_FLIGHT)
    if (round < 0) continue
    rates.bare.push(one)
    rates.whole.push(other)
  }
  const ratios = rates.whole.map((rate, turn) => rate / (rates.bare[turn] ?? Number.NaN))
  return [
    {
      name: `bare client, ${events} event(s), ${IN_FLIGHT} in flight`,
      value: perSecond(figureOf(rates.bare)),
    },
    { name: `${mode} through the whole write path`, value: perSecond(figureOf(rates.whole)) },
    ratioLine(`${mode} / bare client, median of the runs`, figureOf(ratios).median, APPEND_GOAL),
  ]
}

/** Read models from nothing to the tip, beside a subscription that only counts. */
async function compareProjector(
  lab: Lab,
  client: EventStoreDBClient,
  eventStoreDb: { url: string; prefix: string },
): Promise<readonly Line[]> {
  const { startProjectorsInThread } = (await import(
    new URL('../../dist/src/wiring.js', import.meta.url).href
  )) as typeof import('../../src/wiring.ts')
  const regex = `^${eventStoreDb.prefix.replaceAll('.', String.raw`\.`)}(control|dispatch-.*)$`
  const filter = { filterOn: 'streamName', regex, checkpointInterval: 1_000 } as const
  const startMs = performance.now()
  let events = 0
  let lastMs = startMs
  const subscription = client.subscribeToAll({ fromPosition: 'start', filter })
  subscription.on('error', () => undefined)
  const watch = setInterval(() => {
    if (events > 0 && performance.now() - lastMs > 2_000) subscription.destroy()
  }, 100)
  try {
    for await (const _event of subscription) {
      events += 1
      lastMs = performance.now()
    }
  } catch {
    // Destroyed: nothing came for two seconds.
  }
  clearInterval(watch)
  const bare = events / ((lastMs - startMs) / 1_000)
  for (const { name, version } of PROJECTIONS) {
    await lab.owner.query(`drop schema if exists rm_${name}_v${version} cascade`)
  }
  const place = { url: lab.runtimeUrl, eventStoreDb }
  const log = pino({ level: 'silent' })
  const begunMs = performance.now()
  const projectors = startProjectorsInThread({ place, log })
  const seconds = (await untilFollowed(lab, events)) - begunMs
  await Promise.all(projectors.map((it) => it.close()))
  const rate = (events / seconds) * 1_000
  const one = (value: number): Figure => figureOf([value])
  return [
    { name: `bare subscription, ${events} events`, value: perSecond(one(bare)) },
    { name: 'all read models from nothing to the tip', value: perSecond(one(rate)) },
    ratioLine('projector / bare subscription', rate / bare, PROJECTOR_GOAL),
  ]
}

const COUNTED = 'select count(*)::int as n from rm_gate_outcomes_v2.gate_outcomes'

/** When the facts of every event but those of `control` were there; -1 for the switch and the catalogue. */
async function untilFollowed({ owner }: Lab, events: number): Promise<number> {
  const control = 1 + 1 + SMALL_CATALOGUE.length
  for (;;) {
    const found = await owner.query<{ n: number }>(COUNTED).catch(() => ({ rows: [{ n: 0 }] }))
    if ((found.rows[0]?.n ?? 0) >= events - control) return performance.now()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
