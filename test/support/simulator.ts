import type { Json, JsonObject } from '../../domain/json.ts'
import type { createSimulator } from '../../src/executors/simulator/simulator.ts'
import type { ExecutorFailure, Log, Plan } from '../../src/ports.ts'
import { silentLog } from './silent-log.ts'

export type Given = { params?: JsonObject; fixture?: Json; timeMs?: number; outputBytes?: number }

export const planOf = (jsonata: string, given: Given = {}): Plan => ({
  program: { jsonata },
  params: given.params ?? {},
  fixture: given.fixture ?? null,
  target: { kind: 'Target', id: 'test', version: 1, executor: 'simulator' },
  limits: { timeMs: given.timeMs ?? 10_000, rows: 100, outputBytes: given.outputBytes ?? 65_536 },
})
export const outputting = (output: string) => `{ "verdict": "would_succeed", "output": ${output} }`

export const ENDLESS = '($f := function() { $f() }; $f())'
export const ENDLESS_REGEX = `$match("${'a'.repeat(64)}!", /^(a+)+$/)`
/** DESIGN section 5. */
export const MEMORY_BOMB = '($f := function($s) { $f($append($s, $s)) }; $f([1..1000]))'
/** Takes a function for plain data: its environment and its syntax tree lie open. */
export const OPEN_LAMBDA = '({} ~> |$| function($x){ $x + 1 }, "_jsonata_lambda"|)'

export const never = () => new AbortController().signal
export type Simulator = ReturnType<typeof createSimulator>

export const outputOf = async (simulator: Simulator, expression: string, given?: Given) =>
  (await simulator.dryRun(planOf(outputting(expression), given), never())).output

/** `failure code`, or `reported`. */
export const failureOf = (simulator: Simulator, plan: Plan, signal = never()): Promise<string> =>
  simulator.dryRun(plan, signal).then(
    () => 'reported',
    ({ failure, code }: ExecutorFailure) => `${failure} ${code}`,
  )

/** The process ids that a simulator logs, as they come up. */
export function watchedLog(): { log: Log; pids: number[] } {
  const pids: number[] = []
  const log: Log = { ...silentLog, info: ({ pid }) => void pids.push(Number(pid)) }
  return { log, pids }
}

/**
 * The most that our own loop computed in one turn while it waited. In CPU time: on a busy machine
 * the clock also counts the turns of others.
 */
export async function longestTurnMs(work: Promise<unknown>): Promise<number> {
  let longest = 0
  let before = process.cpuUsage()
  const ticking = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    longest = Math.max(longest, (user + system) / 1_000)
    before = process.cpuUsage()
  }, 1)
  await work
  clearInterval(ticking)
  return longest
}
