import type { FixtureBody } from '../../domain/control/manifest.ts'
import {
  type ControlState,
  findContract,
  findFixture,
  type RegisteredManifest,
} from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { limitsOf } from '../../domain/dispatch/plan.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { ExecutorRegistry, Facts, RunBaseline } from '../ports.ts'
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
      return contract ? judgeParams(contract.sha256, contract.body.params, command.params) : null
    },
    async executor(command, control) {
      const executor = executorOf(command, control)
      return executor ? { type: executor.type, build: executor.build } : null
    },
    async 'read-only'(command, control) {
      const executor = executorOf(command, control)
      if (executor === undefined) return null
      return { sideEffects: executor.sideEffects, facts: await executor.facts() }
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
