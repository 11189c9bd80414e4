import { readFileSync } from 'node:fs'
import type { Line } from './figures.ts'
import { batchOf, run } from './http.ts'
import type { Lab } from './lab.ts'
import { startServer } from './server.ts'
import { smallCommand } from './small-contract.ts'

const DISPATCHES = Number(process.env['BENCH_DISPATCHES'] ?? 1_000_000)
const PARTS = 10
const BATCH = 50
const RSS_GOAL_MB = 250
const KB_PER_MB = 1_024

/** Resident memory of a server over a million dispatches, read models and all. */
export async function memorySection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  const rss: number[] = []
  try {
    const load = batchOf({ ...smallCommand, mode: 'VERIFY_ONLY' })
    for (let part = 0; part < PARTS; part++) {
      await run(server, lab, load, { amount: DISPATCHES / PARTS / BATCH, connections: 4 })
      rss.push(rssMb(server.pid))
    }
  } finally {
    await server.stop()
  }
  const most = Math.max(...rss)
  return [
    {
      name: `RSS over ${DISPATCHES} dispatches, at each tenth`,
      value: `${rss.map((it) => it.toFixed(0)).join(' ')} MB`,
      goal: `< ${RSS_GOAL_MB} MB`,
      met: most < RSS_GOAL_MB,
    },
  ]
}

function rssMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kb) / KB_PER_MB
}
