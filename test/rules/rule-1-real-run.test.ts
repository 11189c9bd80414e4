import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { ScriptedExecutor } from '../support/doubles.ts'
import { eventsAfter, gateIn, historyOf, register, typesOf } from '../support/front-door.ts'
import { openLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { SAMPLE_CATALOGUE, sampleCommand } from '../support/sample.ts'

const executor = new ScriptedExecutor()
/** What the server asked its executor for. The port has these members and no other. */
const touched = new Set<PropertyKey>()
const PORT = ['type', 'build', 'io', 'sideEffects', 'facts', 'dryRun']

let ledger: TestLedger
beforeAll(async () => {
  const watched = new Proxy(executor, {
    get(target, name) {
      touched.add(name)
      const member = Reflect.get(target, name) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  ledger = await openLedger({ executors: new Map([['simulator', watched as never]]) })
})
afterAll(() => ledger.close())

const commandOf = (occurrence: string, change: Partial<AskedCommand> = {}): AskedCommand =>
  sampleCommand({ occurrence, ...change })

/** Asks for a real run three times, and expects a "never" that moves nothing. */
async function expectNever(command: AskedCommand): Promise<Reply> {
  const { body: before } = await ledger.ask('POST', '/v1/explain', command)
  const advanced = typesOf(await historyOf(ledger, before.dispatchId)).filter(isAdvancing)
  const runs = executor.runs
  const real = { ...command, mode: 'REAL_RUN' }
  const replies = [await ledger.dispatch(real), await ledger.dispatch(real)]
  const [first, again] = replies as [Reply, Reply]
  expect(first.status).toBe(403)
  expect(first.body).toMatchObject({
    code: 'production-execution-not-authorized',
    rule: 1,
    stage: 'admission',
    retryable: false,
    whoMustAct: 'nobody',
    recorded: 'event',
    reached: before.reached,
    eventsAppended: 1,
  })
  expect(again.status).toBe(403)
  expect(again.body).toMatchObject({ eventsAppended: 0, refusalId: first.body.refusalId })
  const history = await historyOf(ledger, before.dispatchId)
  expect(history.filter((it) => it.data.mode === 'REAL_RUN')).toHaveLength(1)
  expect(typesOf(history).filter(isAdvancing)).toEqual(advanced)
  expect(executor.runs).toBe(runs)
  return first
}

const isAdvancing = (type: string): boolean => type !== 'Refused'

describe('rule 1: REAL_RUN is refused with production-execution-not-authorized', () => {
  it('on a ledger whose switch nobody has set', async () => {
    const { body } = await expectNever(commandOf('unset'))
    expect(body.gates[0]).toMatchObject({ gate: 'mode', rule: 1, outcome: 'fail' })
    const rest = body.gates.slice(1).map((it: { outcome: string }) => it.outcome)
    expect(rest).toEqual(Array.from({ length: 6 }, () => 'not_evaluated'))
  })

  it('when the contract is not registered', () => expectNever(commandOf('no-catalogue')))

  it('when nothing was asked before', async () => {
    await ledger.setSwitch('DRY_RUN_ONLY')
    await register(ledger, SAMPLE_CATALOGUE)
    await expectNever(commandOf('fresh'))
  })

  it.each(['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const)('after a %s', async (mode) => {
    const command = commandOf(`after-${mode}`)
    const { status } = await ledger.dispatch({ ...command, mode })
    expect(status).toBe(201)
    await expectNever(command)
  })

  it('after a refusal of the same command', async () => {
    const command = commandOf('refused', { params: { say: 7 } })
    expect((await ledger.dispatch(command)).body.code).toBe('params-invalid')
    await expectNever(command)
  })

  it('when the output namespace is a production one, before that is looked at', async () => {
    const { body } = await expectNever(commandOf('', { outputNamespace: 'PROD:orders' }))
    expect(gateIn(body.gates, 'namespace').outcome).toBe('not_evaluated')
  })

  it('while the switch is HALTED', async () => {
    await ledger.setSwitch('HALTED')
    await expectNever(commandOf('halted'))
    await ledger.setSwitch('DRY_RUN_ONLY')
  })

  it('and says so when it is asked to explain', async () => {
    const command = commandOf('explain', { mode: 'REAL_RUN' })
    const { status, body } = await ledger.ask('POST', '/v1/explain', command)
    expect(status).toBe(200)
    expect(body.wouldAnswer).toBe('production-execution-not-authorized')
    expect(await historyOf(ledger, body.dispatchId)).toEqual([])
  })

  it('and leaves the command free to be dispatched dry', async () => {
    const { status, body } = await ledger.dispatch(commandOf('fresh'))
    expect({ status, outcome: body.outcome }).toEqual({ status: 201, outcome: 'created' })
  })
})

describe('rule 1: no other word makes a real run', () => {
  it.each(['EXECUTE', 'real_run', 'REAL_RUN ', 'LIVE', '', null, 3, ['DRY_RUN'], undefined])(
    'the mode %j does not fit the schema and is not stored',
    async (mode) => {
      const before = await ledger.countEvents()
      const { status, body } = await ledger.dispatch({ ...commandOf('modes'), mode })
      expect({ status, code: body.code }).toEqual({ status: 422, code: 'schema-invalid' })
      expect(await ledger.countEvents()).toBe(before)
    },
  )

  it('no event that advances was ever recorded for a real run', async () => {
    const events = await eventsAfter(ledger, 0)
    const real = events.filter((it) => it.data.mode === 'REAL_RUN')
    expect(real.length).toBeGreaterThan(5)
    expect(new Set(typesOf(real))).toEqual(new Set(['Refused']))
  })

  it('an executor is asked for nothing beside what its port has', () => {
    expect(PORT).toEqual(expect.arrayContaining([...touched]))
    expect(touched).toContain('dryRun')
  })
})
