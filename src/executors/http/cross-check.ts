import { canonicalJson } from '../../../domain/canonical-json.ts'
import type { CrossCheck } from '../../../domain/control/manifest.ts'
import type { Plan } from '../../../domain/dispatch/plan.ts'
import type { JsonObject } from '../../../domain/json.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { digestOf } from '../../identity.ts'
import { type Evidence, type Executor, ExecutorFailure } from '../../ports.ts'

/** What one look found: the digest of its rows, and why it is known that it only looked. */
export type Look = Readonly<{ rows: string; evidence: Evidence }>

/** The cross-check of a plan as a dry run of type `sql-read`: same params, its own limit of time. */
export function planOfCrossCheck(plan: Plan, { sql, bind = [], ...source }: CrossCheck): Plan {
  const timeMs = Math.min(plan.limits.timeMs, LIMITS.crossCheckTimeMs)
  return {
    ...plan,
    program: { sql, bind },
    target: { ...plan.target, executor: 'sql-read', ...source },
    limits: { ...plan.limits, timeMs, rows: LIMITS.outputRows },
  }
}

/** Looks once. A database that could not be asked, or that only said why not, showed nothing. */
export async function look(reader: Executor, plan: Plan, signal: AbortSignal): Promise<Look> {
  const { verdict, output, evidence } = await reader.dryRun(plan, signal)
  if (verdict !== 'would_succeed') throw new ExecutorFailure('threw', 'cross-check')
  return { rows: digestOf(output), evidence }
}

export const isUnchanged = (before: Look, after: Look): boolean =>
  before.rows === after.rows && [before, after].every(isOnlyALook)

const isOnlyALook = ({ evidence }: Look): boolean => Object.values(evidence).every((it) => it.holds)

export const unchangedEvidence = (before: Look, after: Look | null): Evidence[string] => ({
  holds: after !== null && isUnchanged(before, after),
  seen: { before: seenOf(before), after: after === null ? null : seenOf(after) },
})

/** As JSON of its own: evidence of evidence. */
const seenOf = ({ rows, evidence }: Look): JsonObject => ({
  rows,
  evidence: JSON.parse(canonicalJson(evidence)) as JsonObject,
})
