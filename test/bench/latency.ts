import { figureOf, type Line } from './figures.ts'
import { run, single } from './http.ts'
import { type Lab, untilFollowed } from './lab.ts'
import { startServer } from './server.ts'
import { smallCommand } from './small-contract.ts'

const RUNS = 3
const SECONDS = 10
const RATE = 1_000
const P99_GOAL_MS = 15

/** Answer times at a fixed rate: what a caller feels while the ledger is not saturated. */
export async function latencySection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  const load = single({ ...smallCommand, mode: 'VERIFY_ONLY' })
  const p50: number[] = []
  const p99: number[] = []
  try {
    await run(server, lab, load, { duration: SECONDS })
    for (let turn = 0; turn < RUNS; turn++) {
      await untilFollowed(lab)
      const { latency } = await run(server, lab, load, { overallRate: RATE, duration: SECONDS })
      p50.push(latency.p50)
      p99.push(latency.p99)
    }
  } finally {
    await server.stop()
  }
  const median = figureOf(p99).median
  return [
    { name: `VERIFY_ONLY at ${RATE}/s, p50`, value: `${figureOf(p50).median} ms` },
    {
      name: `VERIFY_ONLY at ${RATE}/s, p99`,
      value: `${median} ms (${p99.join(', ')})`,
      goal: `< ${P99_GOAL_MS} ms`,
      met: median < P99_GOAL_MS,
    },
  ]
}
