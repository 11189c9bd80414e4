import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from './lab.ts'

/** Linux counts processor time in ticks of 10 ms: `man 5 proc`, `/proc/[pid]/stat`. */
const TICK_MICROS = 10_000
const FIELD = { parent: 1, user: 11, system: 12, childUser: 13, childSystem: 14 } as const

function statOf(pid: number): readonly number[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return null
  }
}

const TIMES = [FIELD.user, FIELD.system, FIELD.childUser, FIELD.childSystem]
/** With the children that have ended: a connection that closed keeps its account there. */
const microsOf = (stat: readonly number[] | null): number =>
  TIMES.reduce((sum, field) => sum + (stat?.[field] ?? 0), 0) * TICK_MICROS

/** Processor time in microseconds of a server with its simulators, and of the Postgres of the lab. */
export function cpuMicros(lab: Lab, pid: number): Readonly<{ server: number; postgres: number }> {
  const file = join(lab.dataDir, 'pg', 'postmaster.pid')
  const postmaster = Number(readFileSync(file, 'utf8').split('\n')[0])
  return { server: familyMicros(pid), postgres: familyMicros(postmaster) }
}

/** A process with its children, those that have ended too. */
function familyMicros(parent: number): number {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids
    .map((pid) => ({ pid, stat: statOf(pid) }))
    .filter(({ pid, stat }) => pid === parent || stat?.[FIELD.parent] === parent)
    .reduce((sum, { stat }) => sum + microsOf(stat), 0)
}
