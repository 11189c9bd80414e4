import type { BaselineCase, ContractBody, FixtureBody, TargetBody } from '../control/manifest.ts'
import { type ControlState, findContract, findFixture, newestTarget } from '../control/state.ts'
import type { Json, JsonObject } from '../json.ts'
import { LIMITS } from '../limits.ts'
import type { AskedCommand } from './command.ts'

/** What an executor is to invoke, with everything pinned and every limit resolved. */
export type Plan = Readonly<{
  program: JsonObject
  params: JsonObject
  fixture: Json
  target: TargetBody
  limits: Readonly<{ timeMs: number; rows: number; outputBytes: number }>
}>

/** The plan of a command that was admitted, or null while a part of it is missing. */
export function planFor(control: ControlState, command: AskedCommand): Plan | null {
  const contract = findContract(control, command.contract)?.body
  const fixture = contract && (findFixture(control, contract)?.body as FixtureBody | undefined)
  const target = newestTarget(control, command.target)?.body
  if (!contract || !fixture || !target) return null
  const { params } = command
  return {
    program: contract.program,
    params,
    fixture: fixture.data,
    target,
    limits: limitsOf(contract),
  }
}

/** A baseline case is invoked like a command, on a target that is no target. */
export const planForCase = (
  contract: ContractBody,
  fixture: FixtureBody,
  { params }: BaselineCase,
): Plan => ({
  program: contract.program,
  params,
  fixture: fixture.data,
  target: { kind: 'Target', id: 'baseline', version: 1, executor: contract.executor },
  limits: limitsOf(contract),
})

/** A contract may lower a limit, never raise it. */
export function limitsOf(contract: ContractBody): Plan['limits'] {
  const { timeMs, rows, bytes } = contract.limits ?? {}
  return {
    timeMs: Math.min(timeMs ?? LIMITS.executorTimeMs, LIMITS.executorTimeMs),
    rows: Math.min(rows ?? LIMITS.outputRows, LIMITS.outputRows),
    outputBytes: Math.min(bytes ?? LIMITS.outputBytes, LIMITS.outputBytes),
  }
}
