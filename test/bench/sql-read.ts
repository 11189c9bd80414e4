import pg from 'pg'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { sqlCatalogueOf } from '../support/front-door.ts'
import { sqlPlan } from '../support/sql-plan.ts'
import { figureOf, type Line, percentile, perSecond } from './figures.ts'
import { dispatchRates, rateOf } from './http.ts'
import type { Lab } from './lab.ts'

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
  const recorded = figureOf(
    await dispatchRates(lab, {
      catalogue: sqlCatalogueOf('bench', SQL),
      env: { LEDGER_SQL_SOURCES: JSON.stringify({ bench: url }) },
    }),
  )
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
  const asks = {
    bare: () => client.query(SQL),
    dry: () => executor.dryRun(plan, new AbortController().signal),
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
  const both = async () => void (await asks.facts(), await asks.dry())
  for (let turn = 0; turn < RUNS; turn++) {
    together.push(await rateOf(both, ROUNDS, IN_FLIGHT))
  }
  await Promise.all([client.end(), executor.close()])
  for (const list of Object.values(times)) list.sort((a, b) => a - b)
  return { ...times, together }
}
