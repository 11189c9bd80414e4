import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSecond, type SecondServer } from '../support/doubles.ts'
import { eventsAfter, gateIn, headOf, historyOf, register, watch } from '../support/front-door.ts'
import { openLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { type LosableLog, openLosableLog } from '../support/losable-log.ts'
import { SAMPLE_CATALOGUE, sampleCommand } from '../support/sample.ts'

const MODES = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const

let ledger: TestLedger
let second: SecondServer
let log: LosableLog
beforeAll(async () => {
  log = await openLosableLog()
  ledger = await openLedger({ eventStoreDb: log.eventStoreDb })
  second = await openSecond(ledger)
  await register(ledger, SAMPLE_CATALOGUE)
})
afterAll(async () => {
  await second.close()
  await ledger.close()
  await log.close()
})

const commandOf = (occurrence: string) => sampleCommand({ occurrence })
const flip = (server: Pick<TestLedger, 'ask'>, state: string): Promise<Reply> =>
  server.ask('PUT', '/v1/switch/global', { state, reason: 'a test of rule 2' })

describe('rule 2: a switch that nobody has set', () => {
  it.each(MODES)('refuses %s, and no replay can exist', async (mode) => {
    const { reply, events } = await watch(ledger, () =>
      ledger.dispatch({ ...commandOf('unset'), mode }),
    )
    expect(reply.status).toBe(503)
    expect(reply.body).toMatchObject({
      code: 'kill-switch-indeterminate',
      rule: 2,
      stage: 'admission',
      whoMustAct: 'operator',
      retryable: true,
      reached: null,
      eventsAppended: 1,
    })
    expect(gateIn(reply.body.gates, 'kill-switch')).toMatchObject({ outcome: 'indeterminate' })
    expect(events.map((it) => it.type)).toEqual(['Refused'])
  })

  it('is shown as unset, and a server is ready with it', async () => {
    const { body } = await ledger.ask('GET', '/v1/switch')
    expect(body.scopes).toEqual({ global: null })
    const ready = await ledger.ask('GET', '/readyz')
    expect(ready).toMatchObject({ status: 200, body: { checks: { switch: { ok: false } } } })
  })
})

describe('rule 2: a switch that is HALTED', () => {
  let halted: Reply
  beforeAll(async () => {
    await flip(ledger, 'DRY_RUN_ONLY')
    await ledger.dispatch({ ...commandOf('planned'), mode: 'PLAN_ONLY' })
    expect((await ledger.dispatch(commandOf('recorded'))).status).toBe(201)
    halted = await flip(ledger, 'HALTED')
  })

  it.each([
    ['a new command', 'new', 'DRY_RUN'],
    ['a replay of what was recorded', 'recorded', 'DRY_RUN'],
    ['a replay of the plan', 'planned', 'PLAN_ONLY'],
    ['an advance of what was planned', 'planned', 'VERIFY_ONLY'],
  ])('refuses %s and names the flip', async (_, occurrence, mode) => {
    const { reply, events } = await watch(ledger, () =>
      ledger.dispatch({ ...commandOf(occurrence), mode }),
    )
    expect(reply.status).toBe(423)
    expect(reply.body).toMatchObject({ code: 'kill-switch-engaged', rule: 2, eventsAppended: 1 })
    expect(reply.body).not.toHaveProperty('event')
    const { revision } = halted.body
    expect(gateIn(reply.body.gates, 'kill-switch')).toMatchObject({ outcome: 'fail', revision })
    expect(events.map((it) => [it.type, it.data.code])).toEqual([
      ['Refused', 'kill-switch-engaged'],
    ])
  })

  it('leaves reading, explaining, the catalogue and the switch open', async () => {
    const { body } = await ledger.ask('POST', '/v1/explain', commandOf('recorded'))
    expect(body).toMatchObject({
      wouldAnswer: 'kill-switch-engaged',
      reached: 'DryRunRecorded',
    })
    expect(await historyOf(ledger, body.dispatchId)).toHaveLength(4)
    const statuses = await Promise.all([
      ledger.ask('GET', '/v1/dispatches'),
      ledger.ask('GET', '/v1/events'),
      ledger.ask('GET', '/v1/switch'),
      ledger.ask('GET', '/v1/catalogue'),
      ledger.ask('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE }),
      ledger.ask('GET', '/readyz'),
    ])
    expect(statuses.map((it) => it.status)).toEqual([200, 200, 200, 200, 200, 200])
  })

  it('gives everything free again once it is released', async () => {
    await flip(ledger, 'DRY_RUN_ONLY')
    expect((await ledger.dispatch(commandOf('recorded'))).body.outcome).toBe('replayed')
    expect((await ledger.dispatch(commandOf('new'))).body.outcome).toBe('created')
    expect((await ledger.dispatch(commandOf('planned'))).body.outcome).toBe('advanced')
  })
})

describe('rule 2: the switch is read on every call', () => {
  it('a flip through one server is in force in another one at once', async () => {
    const recorded = commandOf('two-servers')
    await ledger.dispatch(recorded)
    for (let round = 0; round < 3; round++) {
      await flip(second, 'HALTED')
      const halted = await Promise.all([
        ledger.dispatch(recorded),
        ledger.dispatch(commandOf(`round-${round}`)),
      ])
      expect(halted.map((it) => it.status)).toEqual([423, 423])
      await flip(second, 'DRY_RUN_ONLY')
      const released = await Promise.all([
        ledger.dispatch(recorded),
        ledger.dispatch(commandOf(`round-${round}`)),
      ])
      expect(released.map((it) => it.status)).toEqual([200, 201])
    }
  })

  it('a switch that cannot be read refuses, even what was recorded', async () => {
    await log.lose(ledger)
    try {
      const { status, body } = await ledger.dispatch(commandOf('two-servers'))
      expect(status).toBe(503)
      expect(body).toMatchObject({ code: 'store-unavailable', rule: 9, recorded: 'none' })
      expect((await ledger.ask('GET', '/readyz')).status).toBe(503)
    } finally {
      await log.giveBack(ledger)
    }
    expect((await ledger.dispatch(commandOf('two-servers'))).status).toBe(200)
  })
})

/** Whether a halt is acknowledged and its release not yet asked for. A new object with each change. */
type Phase = { readonly halted: boolean }

describe('rule 2: no advancing event stands between a halt and its release', () => {
  it('while two servers dispatch as fast as they can and the switch flips under them', async () => {
    const before = await headOf(ledger)
    let phase: Phase = { halted: false }
    const over = new AbortController()
    const wrong: string[] = []
    const counted = { refused: 0, passed: 0 }
    const storm = async (server: Pick<TestLedger, 'dispatch'>, name: string) => {
      for (let n = 0; !over.signal.aborted; n++) {
        const begun = phase
        const reply = await server.dispatch(commandOf(`${name}-${n}`))
        const haltedAllTheTime = begun.halted && begun === phase
        counted[reply.status === 423 ? 'refused' : 'passed'] += 1
        const lawful = reply.status === 423 || (reply.status === 201 && !haltedAllTheTime)
        if (!lawful) wrong.push(`${reply.status} ${reply.body.code} ${haltedAllTheTime}`)
      }
    }
    const flips = async () => {
      for (let round = 0; round < 8; round++) {
        await flip(ledger, 'HALTED')
        phase = { halted: true }
        await second.dispatch(commandOf(`halted-${round}`))
        phase = { halted: false }
        await flip(second, 'DRY_RUN_ONLY')
        phase = { halted: false }
        await second.dispatch(commandOf(`between-${round}`))
      }
      over.abort()
    }
    await Promise.all([
      flips(),
      ...['a', 'b'].flatMap((name) => [
        storm(ledger, `first-${name}`),
        storm(second, `second-${name}`),
      ]),
    ])
    expect(wrong).toEqual([])
    expect(counted.refused).toBeGreaterThan(8)
    expect(counted.passed).toBeGreaterThan(8)
    const voids = expectLawful(await eventsAfter(ledger, 0), before)
    const { guarantee } = (await ledger.ask('GET', '/v1/switch')).body
    if (guarantee === 'atomic') expect(voids).toBe(0)
  })
})

/**
 * The auditor's reading of the log: no store, no server, only what stands in it. What was judged at
 * another control revision than it stands at is void, is marked so, and counts for nothing; an atomic log
 * has none of it.
 */
function expectLawful(events: readonly Reply['body'][], after: number): number {
  let state = 'unset'
  let controlRevision = -1
  let judged = 0
  let voids = 0
  for (const event of events) {
    if (event.stream === 'control') controlRevision = event.revision
    if (event.type === 'SwitchSet') state = event.data.state
    if (event.stream === 'control' || event.type === 'Refused') continue
    const isVoid = event.data.snapshot.controlRevision !== controlRevision
    expect({ position: event.position, void: event.void === true }).toMatchObject({ void: isVoid })
    voids += isVoid ? 1 : 0
    if (isVoid) continue
    judged += event.position > after ? 1 : 0
    expect({ position: event.position, state }).toMatchObject({ state: 'DRY_RUN_ONLY' })
  }
  expect(judged).toBeGreaterThan(8)
  return voids
}
