import { type Command, connect, type Ledger } from '../../src/client/index.ts'
import { sampleCommand } from './sample.ts'

/** What the callers of a storm were told: nothing of it may be missing from the log afterwards. */
export type Acknowledged = {
  calls: number
  /** How far each dispatch had come by what its callers were told. */
  readonly reached: Map<string, { command: Command; events: Set<string> }>
  readonly refusalIds: Set<string>
  readonly outcomes: Map<string, number>
  readonly unreachable: number[]
}

export const nothingYet = (): Acknowledged => ({
  calls: 0,
  reached: new Map(),
  refusalIds: new Set(),
  outcomes: new Map(),
  unreachable: [],
})

type StormOptions = Readonly<{
  /** Where the server is: it may be another one after each kill. */
  server(): Readonly<{ url: string; key: string }>
  callers: number
  pauseMs: number
  signal: AbortSignal
}>

const MODES = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'DRY_RUN', 'REAL_RUN'] as const

/**
 * Callers that send mixed commands until they are stopped: new ones, repeats, deeper modes and
 * refusals of every kind. A call that cannot be answered is left; what was answered is kept.
 */
export async function storm(told: Acknowledged, options: StormOptions): Promise<void> {
  const caller = async (name: number): Promise<void> => {
    for (let n = 0; !options.signal.aborted; n++) {
      const { url, key } = options.server()
      await callOnce(connect({ url, key, triesMax: 1 }), nextCommand(name, n), told)
      await new Promise((resolve) => setTimeout(resolve, options.pauseMs))
    }
  }
  await Promise.all(Array.from({ length: options.callers }, (_, name) => caller(name)))
}

/** Every command comes some four times, in modes that differ, from callers that share some of them. */
function nextCommand(caller: number, n: number): Command {
  const mode = MODES[(n * 7 + caller) % MODES.length] ?? 'DRY_RUN'
  const shared = n % 5 === 0
  const occurrence = `${shared ? 'shared' : caller}-${Math.floor(n / 4)}`
  const params = n % 11 === 0 ? { fail: true } : n % 13 === 0 ? { say: 7 } : { say: 'hello' }
  const outputNamespace = n % 17 === 0 ? 'production' : 'DRYRUN-NS:storm'
  return sampleCommand({ occurrence, mode, params, outputNamespace })
}

async function callOnce(ledger: Ledger, command: Command, told: Acknowledged): Promise<void> {
  told.calls += 1
  const answer = await ledger.dispatch(command).catch(() => null)
  if (answer === null) {
    told.unreachable.push(told.calls)
    return
  }
  const outcome = answer.outcome === 'refused' ? answer.code : answer.outcome
  told.outcomes.set(outcome, (told.outcomes.get(outcome) ?? 0) + 1)
  if (answer.outcome === 'refused') {
    if (typeof answer['refusalId'] === 'string') told.refusalIds.add(answer['refusalId'])
    return
  }
  const known = told.reached.get(answer.dispatchId) ?? { command, events: new Set() }
  known.events.add(answer.event.id)
  told.reached.set(answer.dispatchId, known)
}

/** What somebody was told and the log does not hold. */
export function findLost(told: Acknowledged, ids: ReadonlySet<string>): readonly string[] {
  const events = [...told.reached.values()].flatMap((it) => [...it.events])
  return [...events, ...told.refusalIds].filter((id) => !ids.has(id))
}
