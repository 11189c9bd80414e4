import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LedgerEvent } from '../../src/client/index.ts'
import { positionOf } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const DISPATCHERS = 16
const FLIPS = 25
/** So many answers must have come between two flips, so that each flip meets a storm. */
const BETWEEN = 6

type Called = Readonly<{ begunMs: number; endedMs: number; status: number; code?: string }>
type Halt = Readonly<{
  position: number
  ackedMs: number
  releaseSentMs: number
  releasedAt: number
}>

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

it('lets nothing advance between an acknowledged halt and its release', async () => {
  const calls: Called[] = []
  const storm = startStorm(calls)
  const flipMs: number[] = []
  const halts: Halt[] = []
  for (let flip = 0; flip < FLIPS; flip++) {
    await answered(calls, (it) => it.status < 300)
    const halt = await timed(flipMs, () => ledger.setSwitch('HALTED'))
    const ackedMs = performance.now()
    await answered(calls, (it) => it.status === 423)
    const releaseSentMs = performance.now()
    const release = await timed(flipMs, () => ledger.setSwitch('DRY_RUN_ONLY'))
    halts.push({
      ackedMs,
      releaseSentMs,
      position: positionOf(halt),
      releasedAt: positionOf(release),
    })
  }
  await storm.stop()

  const events = (await allEvents()).filter((it) => ADVANCING.includes(it.type))
  const advancing = events.filter((it) => !it.void)
  const inside = (halt: Halt) => (it: LedgerEvent) =>
    it.position > halt.position && it.position < halt.releasedAt
  expect(halts.flatMap((halt) => advancing.filter(inside(halt)))).toEqual([])
  const during = (halt: Halt) => (it: Called) =>
    it.begunMs > halt.ackedMs && it.endedMs < halt.releaseSentMs
  expect(
    halts.flatMap((halt) => calls.filter(during(halt))).filter((it) => it.status < 300),
  ).toEqual([])
  // The race was one: calls succeeded, were refused, and nothing else happened.
  expect(new Set(calls.map((it) => it.code ?? it.status))).toEqual(
    new Set([
      ...calls.filter((it) => it.code === 'contended').map(() => 'contended'),
      201,
      'kill-switch-engaged',
    ]),
  )
  expect(advancing.length).toBeGreaterThan(FLIPS * BETWEEN)
  report(flipMs, calls.length, events.length - advancing.length)
})

const ADVANCING = ['Planned', 'PreflightPassed', 'DryRunRecorded']
/** Sixteen callers at full speed, each call a command of its own. */
function startStorm(calls: Called[]): { stop(): Promise<void> } {
  const storm = { stopped: false }
  let next = 0
  const dispatcher = async (): Promise<void> => {
    while (!storm.stopped) {
      const mode = next % 2 === 0 ? 'DRY_RUN' : 'PLAN_ONLY'
      const command = sampleCommand({ mode, occurrence: `race-${next++}` })
      const begunMs = performance.now()
      const { status, body } = await ledger.dispatch(command)
      calls.push({ begunMs, endedMs: performance.now(), status, code: body.code })
    }
  }
  const running = Array.from({ length: DISPATCHERS }, dispatcher)
  return {
    async stop() {
      storm.stopped = true
      await Promise.all(running)
    },
  }
}

/** Waits until so many more calls were answered in this way. */
async function answered(calls: readonly Called[], like: (call: Called) => boolean): Promise<void> {
  const from = calls.length
  await until(() => calls.slice(from).filter(like).length >= BETWEEN, { what: 'the storm' })
}

async function timed(into: number[], flip: () => Promise<Reply>): Promise<Reply> {
  const begunMs = performance.now()
  const reply = await flip()
  into.push(performance.now() - begunMs)
  expect(reply.status).toBe(200)
  return reply
}

async function allEvents(): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = []
  let after: number | null = 0
  while (after !== null) {
    const { body } = await ledger.ask('GET', `/v1/events?after=${after}&limit=1000`)
    events.push(...(body.events as LedgerEvent[]))
    after = body.next as number | null
  }
  return events
}

/** A figure for people, never a condition. */
function report(flipMs: readonly number[], calls: number, voids: number): void {
  const sorted = flipMs.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  const figures = [0.5, 0.99].map((share) => `p${share * 100} ${at(share)?.toFixed(1)} ms`)
  process.stdout.write(
    `switch race: ${calls} calls, ${flipMs.length} flips, ${figures.join(', ')}; ${voids} void events\n`,
  )
}
