import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { digestOf } from '../../src/identity.ts'
import type { Executor, FailureKind, Plan, Report } from '../../src/ports.ts'

/** An executor under test, and plans that make it do what the promises are about. */
export type ExecutorSubject = Readonly<{
  executor: Executor
  /** Ends with a report within a moment. */
  quick: Plan
  /** Ends by its time limit alone. */
  endless: (timeMs: number) => Plan
  /** Has an output of more than `outputBytes`. */
  oversized: (outputBytes: number) => Plan
  /** A digest of all that a mutation could have changed. */
  watched: () => Promise<string>
  close: () => Promise<void>
}>

/** What must be refused. */
export type NegativeControl = Readonly<{
  name: string
  plan: () => Plan
  failure: FailureKind
  code: string
}>

export type ExecutorConformance = Readonly<{
  /** The names of evidence that executors of this type declare. */
  evidence: readonly string[]
  negativeControls: readonly NegativeControl[]
  open: () => Promise<ExecutorSubject>
}>

/** Far longer than any test waits: what ends before was ended. */
const LONG_MS = 25_000
/** "Soon", on a machine that is busy with other tests. */
const SOON_MS = 3_000

const never = () => new AbortController().signal

/** What the ledger would record of a report: no clocks, no durations. */
const recorded = ({ verdict, output, evidence }: Report): string =>
  digestOf({ verdict, output, evidence })

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work.catch(() => undefined)
  return performance.now() - begun
}

/** The promises of the port `Executor`. Every executor runs this suite unchanged. */
export function describeExecutor(type: string, conformance: ExecutorConformance): void {
  describe(`the executor ${type}`, () => {
    let subject: ExecutorSubject
    let watchedBefore: string
    const run = (plan: Plan, signal = never()) => subject.executor.dryRun(plan, signal)

    beforeAll(async () => {
      subject = await conformance.open()
      watchedBefore = await subject.watched()
    })
    afterAll(() => subject.close())

    it('declares its type, its build and that it has no side effects', () => {
      expect(subject.executor).toMatchObject({ type, sideEffects: 'none' })
      expect(subject.executor.build).toBeGreaterThanOrEqual(1)
    })

    it('has no verb but the dry one', () => {
      const verbs = Object.entries(subject.executor).filter(([, one]) => typeof one === 'function')
      const names = verbs.map(([name]) => name).filter((name) => name !== 'close')
      expect(names.toSorted()).toEqual(['dryRun', 'facts'])
    })

    it('shows the same facts each time, as JSON', async () => {
      const facts = await subject.executor.facts(subject.quick)
      expect(canonicalJson(await subject.executor.facts(subject.quick))).toBe(canonicalJson(facts))
    })

    it('reports a verdict, an output and exactly the evidence it declares', async () => {
      const report = await run(subject.quick)
      expect(['would_succeed', 'would_fail']).toContain(report.verdict)
      expect(Object.keys(report.evidence).toSorted()).toEqual(conformance.evidence.toSorted())
      expect(Object.values(report.evidence).every(({ holds }) => holds)).toBe(true)
      expect(() => recorded(report)).not.toThrow()
    })

    it('gives the same plan the same verdict, output and evidence', async () => {
      const first = recorded(await run(subject.quick))
      const together = await Promise.all(Array.from({ length: 20 }, () => run(subject.quick)))
      expect(new Set(together.map(recorded))).toEqual(new Set([first]))
    })

    it('runs nothing for a caller that gave up before', async () => {
      const failure = run(subject.quick, AbortSignal.abort())
      await expect(failure).rejects.toMatchObject({ failure: 'timeout', code: 'aborted' })
    })

    it('ends soon after its caller gives up', async () => {
      const caller = new AbortController()
      const endless = run(subject.endless(LONG_MS), caller.signal)
      const ended = endless.then(
        () => 'reported',
        (error: unknown) => error,
      )
      await run(subject.quick)
      caller.abort()
      expect(await elapsedMs(endless)).toBeLessThan(SOON_MS)
      expect(await ended).toMatchObject({ failure: 'timeout', code: 'aborted' })
    })

    it('keeps the time limit of the plan', async () => {
      const endless = run(subject.endless(200))
      expect(await elapsedMs(endless)).toBeLessThan(200 + SOON_MS)
      await expect(endless).rejects.toMatchObject({ failure: 'timeout', code: 'time' })
    })

    it('keeps the output limit of the plan', async () => {
      const oversized = run(subject.oversized(1_000))
      await expect(oversized).rejects.toMatchObject({ failure: 'limit', code: 'output' })
    })

    it.each(conformance.negativeControls)('refuses $name', async ({ plan, failure, code }) => {
      const error: unknown = await run(plan()).then(
        () => 'reported',
        (thrown: unknown) => thrown,
      )
      expect(error).toMatchObject({ name: 'ExecutorFailure', failure, code })
    })

    it('still reports after all of that, and has changed nothing', async () => {
      await expect(run(subject.quick)).resolves.toHaveProperty('verdict')
      expect(await subject.watched()).toBe(watchedBefore)
    })
  })
}
