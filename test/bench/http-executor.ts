import { Pool } from 'undici'
import type { HttpOptions } from '../../src/executors/http/http.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { parseHttpAllow } from '../../src/http-allow.ts'
import type { Executor } from '../../src/ports.ts'
import { httpCatalogueOf } from '../support/front-door.ts'
import { httpPlan } from '../support/http-plan.ts'
import { figureOf, type Line, perSecond, ratioLine } from './figures.ts'
import { dispatchRates, rateOf } from './http.ts'
import type { Lab } from './lab.ts'
import { startMarkedService } from './server.ts'

const REQUESTS = 10_000
const RUNS = 7
const IN_FLIGHT = 32
const GOAL = 0.6
const BODY = { name: 'Ada Lovelace', credits: 30 }

/** A dry run over HTTP beside undici doing the same request to the same service. */
export async function httpExecutorSection(lab: Lab): Promise<readonly Line[]> {
  const service = await startMarkedService()
  try {
    const { bare, dry } = await compare(service.url)
    const catalogue = httpCatalogueOf('bench-http', service.url, { program: { body: BODY } })
    const env = { LEDGER_HTTP_ALLOW: service.url }
    const recorded = await dispatchRates(lab, { catalogue, env })
    const ratios = dry.map((rate, turn) => rate / (bare[turn] ?? Number.NaN))
    return [
      { name: `undici alone, ${IN_FLIGHT} in flight`, value: perSecond(figureOf(bare)) },
      { name: 'the same as a dry run', value: perSecond(figureOf(dry)) },
      ratioLine('dry run / undici, median of the runs', figureOf(ratios).median, GOAL),
      {
        name: 'DRY_RUN of it through the front door, 64 connections',
        value: perSecond(figureOf(recorded)),
      },
    ]
  } finally {
    await service.stop()
  }
}

type Built = Readonly<{ createHttp(options: HttpOptions): Executor & { close(): Promise<void> } }>

/** As it is installed: what tsx makes of the source names every function anew each time. */
const built = (): Promise<Built> =>
  import(new URL('../../dist/src/executors/http/http.js', import.meta.url).href) as Promise<Built>

/** In turns, so that a busy moment of the machine falls on both. */
async function compare(origin: string) {
  const { createHttp } = await built()
  const executor = createHttp({ allow: parseHttpAllow(origin), reader: createSqlRead({}) })
  const pool = new Pool(origin, { connections: IN_FLIGHT })
  const headers = { prefer: 'tx=rollback', 'content-type': 'application/json' }
  const body = JSON.stringify(BODY)
  const plan = httpPlan(origin, { body: BODY, headers: { prefer: 'tx=rollback' } })
  // Whoever asks has a signal; what it costs to make one is not the executor's.
  const signals = Array.from({ length: IN_FLIGHT }, () => new AbortController().signal)
  let turn = 0
  const asks = {
    bare: async () => {
      const answer = await pool.request({ method: 'POST', path: '/', headers, body })
      await answer.body.json()
    },
    dry: async () => {
      await executor.dryRun(plan, signals[turn++ % IN_FLIGHT] as AbortSignal)
    },
  }
  const rate = (ask: () => Promise<void>) => rateOf(ask, REQUESTS, IN_FLIGHT)
  const rates = { bare: [] as number[], dry: [] as number[] }
  // The first turn is not counted: a server in use has compiled what it runs.
  for (let round = -1; round < RUNS; round++) {
    const [bare, dry] = [await rate(asks.bare), await rate(asks.dry)]
    if (round < 0) continue
    rates.bare.push(bare)
    rates.dry.push(dry)
  }
  await Promise.all([pool.close(), executor.close()])
  return rates
}
