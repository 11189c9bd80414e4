import type { FixtureBody } from '../../domain/control/manifest.ts'
import {
  type ControlState,
  findContract,
  findFixture,
  newestTarget,
  type RegisteredManifest,
} from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { limitsOf, planFor } from '../../domain/dispatch/plan.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { ExecutorRegistry, Facts, RunBaseline } from '../ports.ts'
import { missingBindings } from './bindings.ts'
import { createParamsJudge } from './params.ts'

/** All cases together end before the request does. */
const BASELINE_SLACK_MS = LIMITS.requestSlackMs - 1_000

/** Gathers what the gates need to see. Each function is asked only once its gate's turn has come. */
export function createFacts(executors: ExecutorRegistry, runBaseline: RunBaseline): Facts {
  const judgeParams = createParamsJudge()
  const executorOf = (command: AskedCommand, control: ControlState) => {
    const type = findContract(control, command.contract)?.body.executor
    return type === undefined ? undefined : executors.get(type)
  }
  return {
    async params(command, control) {
      const contract = findContract(control, command.contract)
      if (contract === undefined) return null
      const { sha256, body } = contract
      const judged = judgeParams(sha256, body.params, command.params)
      if (!judged.valid) return judged
      const target = newestTarget(control, command.target)?.body
      const missing = missingBindings(body, target, command.params)
      return missing.length === 0 ? judged : { valid: false, errors: missing }
    },
    async executor(command, control) {
      const executor = executorOf(command, control)
      return executor ? { type: executor.type, build: executor.build } : null
    },
    async 'read-only'(command, control) {
      const executor = executorOf(command, control)
      const plan = planFor(control, command)
      if (executor === undefined || plan === null) return null
      return { sideEffects: executor.sideEffects, facts: await executor.facts(plan) }
    },
    async baseline(command, control) {
      const contract = findContract(control, command.contract)
      const cases = contract?.body.baseline?.length ?? 0
      if (contract === undefined || cases === 0) return null
      const fixture = findFixture(control, contract.body) as RegisteredManifest<FixtureBody>
      const timeMs = limitsOf(contract.body).timeMs + BASELINE_SLACK_MS
      return { ...(await runBaseline(contract, fixture, timeMs)) }
    },
  }
}
