import { canonicalJson } from '../../domain/canonical-json.ts'
import type { BaselineCase, ContractBody, FixtureBody } from '../../domain/control/manifest.ts'
import { planForCase } from '../../domain/dispatch/plan.ts'
import { LIMITS } from '../../domain/limits.ts'
import { digestOf } from '../identity.ts'
import {
  type BaselineResult,
  type Executor,
  ExecutorFailure,
  type ExecutorRegistry,
  type RunBaseline,
} from '../ports.ts'
import { within } from '../within.ts'

const CACHED_MAX = 1_000
/** Cases under way at a time: a baseline leaves room for dispatches. */
const AT_ONCE = 32

/**
 * Runs golden cases. Only n of n is kept, by the content of contract and fixture and by the build:
 * a mismatch or a time-out may be gone the next time. Equal questions that come together are asked once.
 */
export function createBaselineRunner(executors: ExecutorRegistry): RunBaseline {
  const answers = new Map<string, Promise<BaselineResult>>()
  return (contract, fixture, timeMs) => {
    const executor = executors.get(contract.body.executor)
    if (executor === undefined) return Promise.reject(new ExecutorFailure('threw', 'no-executor'))
    const key = `${contract.sha256} ${fixture.sha256} ${executor.build}`
    const known = answers.get(key)
    if (known !== undefined) return known
    const answer = withinTime(timeMs, (signal) =>
      runCases(executor, contract.body, fixture.body, signal),
    )
    answers.set(key, answer)
    answer.then(
      ({ cases, matched }) => cases === matched || answers.delete(key),
      () => answers.delete(key),
    )
    const [oldest] = answers.keys()
    if (answers.size > CACHED_MAX && oldest !== undefined) answers.delete(oldest)
    return answer
  }
}

/** Cases that are still under way when the time is over are ended, too. */
async function withinTime<T>(timeMs: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  try {
    return await within(timeMs, run(controller.signal), tooLate)
  } finally {
    controller.abort()
  }
}

function tooLate(): never {
  throw new ExecutorFailure('timeout', 'baseline')
}

async function runCases(
  executor: Executor,
  contract: ContractBody,
  fixture: FixtureBody,
  signal: AbortSignal,
): Promise<BaselineResult> {
  const cases = contract.baseline ?? []
  const matches: boolean[] = []
  for (let from = 0; from < cases.length; from += AT_ONCE) {
    const slice = cases.slice(from, from + AT_ONCE)
    const run = slice.map((one) => matchesCase(executor, contract, fixture, { one, signal }))
    matches.push(...(await Promise.all(run)))
  }
  const differing = cases.filter((_, index) => matches[index] !== true).map((one) => one.name)
  return {
    cases: cases.length,
    matched: cases.length - differing.length,
    digest: digestOf(cases),
    differing: differing.slice(0, LIMITS.refusalListedNames),
  }
}

async function matchesCase(
  executor: Executor,
  contract: ContractBody,
  fixture: FixtureBody,
  { one, signal }: { one: BaselineCase; signal: AbortSignal },
): Promise<boolean> {
  try {
    const { verdict, output } = await executor.dryRun(planForCase(contract, fixture, one), signal)
    return verdict === one.verdict && canonicalJson(output) === canonicalJson(one.output)
  } catch (error) {
    // Out of time says nothing about the case; anything else is another answer than the recorded one.
    if (error instanceof ExecutorFailure && error.failure !== 'timeout') return false
    throw error
  }
}
