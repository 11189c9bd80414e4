import { untilFollowed } from '../support/followed.ts'
import { cpuMicros } from './cpu.ts'
import { figureOf, type Line } from './figures.ts'
import { run, single } from './http.ts'
import type { Lab } from './lab.ts'
import { startServer } from './server.ts'
import { smallCommand } from './small-contract.ts'

const SECONDS = 5
const ROUNDS = 4

/** Processor time per dispatch, which says more than a rate on a machine that does other things. */
export async function cpuSection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  const lines: Line[] = []
  try {
    for (const mode of ['VERIFY_ONLY', 'DRY_RUN'] as const) {
      const micros: { server: number; postgres: number }[] = []
      for (let round = 0; round < ROUNDS; round++) {
        await untilFollowed(lab.owner)
        const before = cpuMicros(lab, server.pid)
        const load = single({ ...smallCommand, mode })
        const { requests } = await run(server, lab, load, { duration: SECONDS })
        const after = cpuMicros(lab, server.pid)
        micros.push({
          server: (after.server - before.server) / requests.total,
          postgres: (after.postgres - before.postgres) / requests.total,
        })
      }
      // The first round compiles.
      const of = (part: 'server' | 'postgres') =>
        figureOf(micros.slice(1).map((it) => it[part])).median.toFixed(0)
      const value = `${of('server')} µs server + ${of('postgres')} µs Postgres`
      lines.push({ name: `${mode}, processor time per dispatch`, value })
    }
  } finally {
    await server.stop()
  }
  return lines
}
