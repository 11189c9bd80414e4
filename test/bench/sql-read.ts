import pg from 'pg'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { untilFollowed } from '../support/followed.ts'
import { sqlCatalogueOf } from '../support/front-door.ts'
import { sqlPlan } from '../support/sql-plan.ts'
import { figureOf, type Line, percentile, perSecond } from './figures.ts'
import { run, single } from './http.ts'
import type { Lab } from './lab.ts'
import { type Server, startServer } from './server.ts'

const ROUNDS = 2_000
const RUNS = 3
const IN_FLIGHT = 16
const ADDED_GOAL_MS = 2
const RATE_GOAL = 500
const SQL = 'select 1 as one'

/** A dry run on a database beside the same statement through node-pg alone. */
export async function sqlReadSection(lab: Lab): Promise<readonly Line[]> {
  const url = await makeReader(lab)
  const { bare, dry, facts, together } = await compare(url)
  const added = percentile(dry, 0.5) - percentile(bare, 0.5)
  const rate = figureOf(together)
  const recorded = figureOf(await dispatchRates(lab, url))
  return [
    { name: 'select 1 through node-pg alone, p50', value: ms(bare) },
    { name: 'the same as a dry run, p50', value: ms(dry) },
    {
      name: 'added by the dry run at p50',
      value: `${added.toFixed(2)} ms`,
      goal: `<= ${ADDED_GOAL_MS} ms`,
      met: added <= ADDED_GOAL_MS,
    },
    { name: 'what the login may do, looked up once a preflight, p50', value: ms(facts) },
    {
      name: `both, ${IN_FLIGHT} in flight`,
      value: perSecond(rate),
      goal: `>= ${RATE_GOAL}/s`,
      met: rate.median >= RATE_GOAL,
    },
    { name: 'DRY_RUN of it through the front door, 64 connections', value: perSecond(recorded) },
  ]
}

const ms = (sorted: readonly number[]): string => `${percentile(sorted, 0.5).toFixed(2)} ms`

async function makeReader({ owner, ownerUrl }: Lab): Promise<string> {
  await owner.query(`create role bench_reader login password 'read'`)
  const url = new URL(ownerUrl)
  url.username = 'bench_reader'
  url.password = 'read'
  return url.href
}

/** Each in turn, so that a busy moment of the machine falls on all of them. */
async function compare(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const executor = createSqlRead({ shop: url })
  const plan = sqlPlan(SQL)
  const { signal } = new AbortController()
  const asks = {
    bare: () => client.query(SQL),
    dry: () => executor.dryRun(plan, signal),
    facts: () => executor.facts(plan),
  }
  const times: Record<keyof typeof asks, number[]> = { bare: [], dry: [], facts: [] }
  for (let round = -ROUNDS / 10; round < ROUNDS; round++) {
    for (const [name, ask] of Object.entries(asks)) {
      const begun = performance.now()
      await ask()
      if (round >= 0) times[name as keyof typeof asks].push(performance.now() - begun)
    }
  }
  const together: number[] = []
  for (let turn = 0; turn < RUNS; turn++) {
    together.push(await rateOf(async () => void (await asks.facts(), await asks.dry())))
  }
  await Promise.all([client.end(), executor.close()])
  for (const list of Object.values(times)) list.sort((a, b) => a - b)
  return { ...times, together }
}

async function rateOf(ask: () => Promise<void>): Promise<number> {
  let left = ROUNDS
  const begun = performance.now()
  const one = async (): Promise<void> => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, one))
  return (ROUNDS * 1_000) / (performance.now() - begun)
}

async function dispatchRates(lab: Lab, url: string): Promise<readonly number[]> {
  const { manifests, command } = sqlCatalogueOf('bench', SQL)
  const server = await startServer(lab, { LEDGER_SQL_SOURCES: JSON.stringify({ bench: url }) })
  try {
    await register(server, lab, manifests)
    const rates: number[] = []
    // The first is not counted: a server in use has compiled what it runs.
    for (let turn = -1; turn < RUNS; turn++) {
      await untilFollowed(lab.owner)
      const load = single(command({ params: {}, mode: 'DRY_RUN' }))
      const { requests, duration } = await run(server, lab, load, {})
      if (turn >= 0) rates.push(requests.total / duration)
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
