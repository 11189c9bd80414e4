import { availableParallelism } from 'node:os'
import type { Json } from '../../../domain/json.ts'
import { LIMITS } from '../../../domain/limits.ts'
import {
  type Evidence,
  type Executor,
  ExecutorFailure,
  type Log,
  type Plan,
  type Report,
} from '../../ports.ts'
import { Pool } from './pool.ts'
import type { Isolation } from './protocol.ts'

export type SimulatorOptions = Readonly<{
  /** How many runs may compute at once. A run that takes long has one of them to itself. */
  processes?: number
  log?: Log
}>

/** Two at least: one may be busy with a slow run. */
const PROCESSES_MIN = 2
const PROCESSES_MAX = 8

/**
 * The executor of type `simulator`: a contract's JSONata expression over `{ params, fixture }`, in
 * a process that can do nothing but compute.
 *
 * Trust: nothing an expression does reaches this process, another run, a clock, chance, a file or
 * the network. It does not promise that an expression is right.
 *
 * | failure  | code             | the run gave no report because |
 * |----------|------------------|---|
 * | threw    | S…, T…, D…       | the expression does not compile, or threw this error of JSONata |
 * | threw    | removed-<name>   | it called a function that is not there: eval, millis, now, random, shuffle |
 * | threw    | clock            | $toMillis had to fill in today's date |
 * | threw    | stalled          | it waits for something that cannot happen |
 * | threw    | no-program       | the contract's program is not `{ jsonata: "…" }` |
 * | threw    | unknown          | it threw something without a code |
 * | timeout  | time             | it took longer than the plan allows |
 * | timeout  | aborted          | the caller gave up |
 * | timeout  | busy             | too many runs are waiting |
 * | timeout  | no-process       | no process can be started |
 * | timeout  | process-lost     | its process was ended by somebody else, and it was alone in it |
 * | timeout  | closed           | the executor was closed |
 * | limit    | memory           | its data outgrew the heap of a process |
 * | limit    | depth            | it nests or recurses too deeply |
 * | limit    | output           | its output is longer than the plan allows |
 * | not-json | no-output        | it returned nothing, or a verdict without an output |
 * | not-json | not-a-verdict    | it returned something else than exactly a verdict and an output |
 * | not-json | function, undefined, number, object, too-deep, nul-character, lone-surrogate, forbidden-key | the output holds what JSON, or the ledger, cannot |
 */
export function createSimulator(
  options: SimulatorOptions = {},
): Executor & { facts(): Promise<Json>; close(): Promise<void> } {
  const pool = new Pool(options.processes ?? processesOfMachine(), options.log)
  return {
    type: 'simulator',
    sideEffects: 'none',
    build: 1,
    io: false,
    facts: () => facts(pool),
    dryRun: (plan, signal) => dryRun(pool, plan, signal),
    close: () => pool.close(),
  }
}

const processesOfMachine = (): number =>
  Math.min(Math.max(PROCESSES_MIN, availableParallelism()), PROCESSES_MAX)

async function dryRun(pool: Pool, plan: Plan, signal: AbortSignal): Promise<Report> {
  const begun = performance.now()
  const { jsonata } = plan.program
  if (typeof jsonata !== 'string') throw new ExecutorFailure('threw', 'no-program')
  const { result, isolation } = await pool.run(plan, jsonata, signal)
  return {
    verdict: result.verdict,
    output: JSON.parse(result.output) as Json,
    evidence: evidenceOf(isolation),
    stats: { durationMs: performance.now() - begun },
  }
}

function evidenceOf({ holds, engine, version, removed }: Isolation): Evidence {
  return { isolated: { holds, seen: { engine, version, removed } } }
}

const PROBE = '{ "verdict": "would_succeed", "output": null }'
const PROBE_PLAN = {
  params: {},
  fixture: null,
  limits: {
    timeMs: LIMITS.executorTimeMs,
    rows: LIMITS.outputRows,
    outputBytes: LIMITS.outputBytes,
  },
}

/** Asks a process that is up, or runs something so that one is. */
async function facts(pool: Pool): Promise<Json> {
  const { signal } = new AbortController()
  const isolation = pool.isolation ?? (await pool.run(PROBE_PLAN, PROBE, signal)).isolation
  const { holds, engine, version, removed } = isolation
  return { isolation: holds ? 'process' : 'unproven', engine, version, removed }
}
