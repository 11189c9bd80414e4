import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { catalogueOf, historyOf, register, typesOf } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { ENDLESS, ENDLESS_REGEX, longestTurnMs } from '../support/simulator.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

/** By the param `attack`; without one it is as honest as its baseline. */
const ATTACKS: readonly (readonly [attack: string, expression: string, code: string])[] = [
  ['loop', ENDLESS, 'executor-timeout'],
  ['regex', ENDLESS_REGEX, 'executor-timeout'],
  ['range', '[1..10000001]', 'executor-failed'],
  ['string', '$pad("", 5000000000)', 'executor-failed'],
  ['output', '$pad("", 70000, "x")', 'executor-failed'],
  ['clock', '$now()', 'executor-failed'],
  ['chance', '$random()', 'executor-failed'],
  ['code', '$eval("1")', 'executor-failed'],
]
const branches = ATTACKS.map(
  ([attack, expression]) => `params.attack = "${attack}" ? ${expression} : `,
)
const hostile = catalogueOf('hostile', {
  params: { type: 'object', properties: { attack: { type: 'string' } } },
  program: { jsonata: `{ "verdict": "would_succeed", "output": ${branches.join('')}"honest" }` },
  limits: { timeMs: 300 },
  baseline: [{ name: 'honest', params: {}, verdict: 'would_succeed', output: 'honest' }],
})
const attackWith = (attack: string, occurrence: string): Promise<Reply> =>
  ledger.dispatch(hostile.command({ params: { attack }, occurrence }))

it('answers every honest dispatch beside eight attacks in flight, and refuses each attack', async () => {
  await register(ledger, hostile.manifests)
  const healthy: Reply[] = []
  const attacks = { over: false }
  const storm = async (): Promise<void> => {
    await Promise.all(ATTACKS.map(([attack]) => attackWith(attack, 'first').then(expectRefused)))
    await Promise.all(ATTACKS.map(([attack]) => attackWith(attack, 'second').then(expectRefused)))
    attacks.over = true
  }
  const honest = async (name: string): Promise<void> => {
    for (let n = 0; !attacks.over; n++) {
      healthy.push(await ledger.dispatch(sampleCommand({ occurrence: `${name}-${n}` })))
    }
  }
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const turnMs = await longestTurnMs(
    Promise.all([storm(), ...['a', 'b', 'c', 'd'].map((name) => honest(name))]),
  )
  delay.disable()
  const last = await ledger.dispatch(hostile.command())
  expect([...healthy, last].filter((it) => it.status !== 201)).toEqual([])
  expect(healthy.length).toBeGreaterThan(8)
  expect(turnMs).toBeLessThan(50)
  report(healthy.length, turnMs, delay.max / 1e6)
})

async function expectRefused({ body }: Reply): Promise<void> {
  const events = await historyOf(ledger, body.dispatchId)
  const attack = events[0].data.command.params.attack
  const code = ATTACKS.find(([name]) => name === attack)?.[2]
  expect({ attack, code: body.code, stage: body.stage }).toEqual({
    attack,
    code,
    stage: 'execution',
  })
  expect(typesOf(events)).toEqual(['Planned', 'PreflightPassed', 'Refused'])
}

/** Figures for people: the delay counts the turns of everybody on the machine. */
function report(healthy: number, turnMs: number, delayMs: number): void {
  const figures = `longest turn ${turnMs.toFixed(0)} ms of CPU, loop delay at most ${delayMs.toFixed(0)} ms`
  process.stdout.write(`attacks: ${healthy} honest dispatches beside 16, ${figures}\n`)
}
