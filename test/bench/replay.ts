import { randomUUID } from 'node:crypto'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { untilFollowed } from '../support/followed.ts'
import { figureOf, type Line, perSecond } from './figures.ts'
import { repeated, run } from './http.ts'
import type { Lab } from './lab.ts'
import { type Server, startServer } from './server.ts'
import { smallCommand } from './small-contract.ts'

const REFUSALS = Number(process.env['BENCH_REFUSALS'] ?? 1_000_000)
const REPLAY_SECONDS = 5
const WAL_GOAL_BYTES = 100

/** What a repeat costs: no row, next to no WAL. And a storm of one refusal: one event. */
export async function replaySection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  try {
    return [...(await replays(lab, server)), await refusals(lab, server)]
  } finally {
    await server.stop()
  }
}

async function replays(lab: Lab, server: Server): Promise<readonly Line[]> {
  const command = { ...smallCommand, occurrence: randomUUID() }
  await send(server, lab, command)
  await untilFollowed(lab.owner)
  await untilQuiet(lab)
  const before = await tip(lab)
  const { requests, duration } = await run(server, lab, repeated(command), {
    duration: REPLAY_SECONDS,
  })
  const after = await tip(lab)
  const wal = (after.wal - before.wal) / requests.total
  return [
    { name: 'replays, 64 connections', value: perSecond(figureOf([requests.total / duration])) },
    {
      name: 'events written by them',
      value: String(after.position - before.position),
      goal: '0',
      met: after.position === before.position,
    },
    {
      name: 'WAL per replay',
      value: `${wal.toFixed(1)} B`,
      goal: `< ${WAL_GOAL_BYTES} B`,
      met: wal < WAL_GOAL_BYTES,
    },
  ]
}

async function refusals(lab: Lab, server: Server): Promise<Line> {
  const command: AskedCommand = { ...smallCommand, occurrence: randomUUID(), mode: 'REAL_RUN' }
  const before = await tip(lab)
  const load = { ...repeated(command), expected: 403 }
  const { requests, duration } = await run(server, lab, load, { amount: REFUSALS })
  const written = (await tip(lab)).position - before.position
  const rate = (requests.total / duration).toFixed(0)
  return {
    name: `events of ${requests.total} equal refusals (${rate}/s)`,
    value: String(written),
    goal: '1',
    met: written === 1,
  }
}

const send = (server: Server, lab: Lab, command: AskedCommand): Promise<unknown> =>
  run(server, lab, repeated(command), { amount: 1, connections: 1 })

async function tip(lab: Lab): Promise<{ position: number; wal: number }> {
  const { rows } = await lab.owner.query<{ position: string; wal: string }>(
    `select position, pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal from ledger.head`,
  )
  return { position: Number(rows[0]?.position), wal: Number(rows[0]?.wal) }
}

/** Until the read models are written and the server has nothing left to do. */
async function untilQuiet(lab: Lab): Promise<void> {
  let last = -1
  for (;;) {
    const { wal } = await tip(lab)
    if (wal === last) return
    last = wal
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}
