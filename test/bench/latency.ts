import { untilFollowed } from '../support/followed.ts'
import { figureOf, type Line, percentile } from './figures.ts'
import { single } from './http.ts'
import type { Lab } from './lab.ts'
import { startServer } from './server.ts'
import { smallCommand } from './small-contract.ts'
import { steady } from './steady.ts'

const RUNS = 3
const RATE = { rate: 1_000, seconds: 10 }
const P99_GOAL_MS = 15

/** Answer times at a fixed rate: what a caller feels while the ledger is not saturated. */
export async function latencySection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  const load = single({ ...smallCommand, mode: 'VERIFY_ONLY' })
  const p50: number[] = []
  const p99: number[] = []
  try {
    await steady(server, lab, load, RATE)
    for (let turn = 0; turn < RUNS; turn++) {
      await untilFollowed(lab.owner)
      const times = await steady(server, lab, load, RATE)
      p50.push(percentile(times, 0.5))
      p99.push(percentile(times, 0.99))
    }
  } finally {
    await server.stop()
  }
  const median = figureOf(p99).median
  const all = p99.map((it) => it.toFixed(1)).join(', ')
  return [
    { name: `VERIFY_ONLY at ${RATE.rate}/s, p50`, value: `${figureOf(p50).median.toFixed(1)} ms` },
    {
      name: `VERIFY_ONLY at ${RATE.rate}/s, p99`,
      value: `${median.toFixed(1)} ms (${all})`,
      goal: `< ${P99_GOAL_MS} ms`,
      met: median < P99_GOAL_MS,
    },
  ]
}
