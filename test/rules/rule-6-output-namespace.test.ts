import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ScriptedExecutor } from '../support/doubles.ts'
import { gateIn, watch } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ executors: new ScriptedExecutor().registry })
})
afterAll(() => ledger.close())

const plan = (outputNamespace: string, key?: string): Promise<Reply> =>
  ledger.dispatch(
    sampleCommand({ outputNamespace, mode: 'PLAN_ONLY' }),
    key === undefined ? {} : { key },
  )

const SEGMENT = `a${'b'.repeat(62)}`
/** 200 characters, the longest there may be. */
const LONGEST = `DRYRUN-NS:${[SEGMENT, SEGMENT, 'c'.repeat(62)].join('/')}`

describe('rule 6: what does not start with DRYRUN-NS: is a production namespace', () => {
  it.each([
    '',
    'PROD:orders',
    'orders',
    'DRYRUN-NS',
    'DRYRUN_NS:orders',
    'dryrun-ns:orders',
    'Dryrun-NS:orders',
    ' DRYRUN-NS:orders',
    '\tDRYRUN-NS:orders',
    'XDRYRUN-NS:orders',
    'PROD:DRYRUN-NS:orders',
    'DRYRUN‐NS:orders',
    'ＤＲＹＲＵＮ-NS:orders',
    '%44RYRUN-NS:orders',
  ])('refuses %j for ever', async (namespace) => {
    const { reply, events } = await watch(ledger, () => plan(namespace))
    expect(reply.status).toBe(403)
    expect(reply.body).toMatchObject({
      code: 'namespace-production',
      rule: 6,
      stage: 'admission',
      retryable: false,
      whoMustAct: 'nobody',
    })
    expect(gateIn(reply.body.gates, 'namespace')).toMatchObject({ rule: 6, outcome: 'fail' })
    expect(events.map((it) => it.type)).toEqual(['Refused'])
  })
})

describe('rule 6: a dry-run namespace is one to eight plain segments', () => {
  it.each([
    '',
    '/',
    '/orders',
    'orders/',
    'orders//eu',
    'Orders',
    'orders/EU',
    '.orders',
    '-orders',
    '_orders',
    '..',
    'orders/..',
    'orders/../../prod',
    'or..ders',
    'orders ',
    ' orders',
    'or ders',
    'orders\n',
    'orders\r\n',
    'örders',
    'orderſ',
    'orders:eu',
    'DRYRUN-NS:orders',
    '%6frders',
    'orders%2fprod',
    'orders\\prod',
    'orders?x',
    '*',
    `${SEGMENT}b`,
    'a/b/c/d/e/f/g/h/i',
    LONGEST.slice('DRYRUN-NS:'.length).concat('c'),
  ])('refuses DRYRUN-NS: with %j', async (rest) => {
    const { reply, events } = await watch(ledger, () => plan(`DRYRUN-NS:${rest}`))
    expect(reply.status).toBe(422)
    expect(reply.body).toMatchObject({
      code: 'namespace-invalid',
      rule: 6,
      stage: 'admission',
      retryable: false,
      whoMustAct: 'caller',
    })
    expect(events.map((it) => it.type)).toEqual(['Refused'])
  })

  it.each([
    'DRYRUN-NS:a',
    'DRYRUN-NS:0',
    'DRYRUN-NS:a.b_c-d/0.x/y-',
    'DRYRUN-NS:a/b/c/d/e/f/g/h',
    `DRYRUN-NS:${SEGMENT}`,
    LONGEST,
  ])('takes %j as it is', async (namespace) => {
    const { status, body } = await plan(namespace)
    expect(status).toBe(201)
    expect(body.event.data.command.outputNamespace).toBe(namespace)
  })
})

describe('rule 6: a key may be limited to namespaces', () => {
  let key: string
  beforeAll(async () => {
    key = await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:team-a/x', 'DRYRUN-NS:shared'] })
  })

  it.each(['DRYRUN-NS:team-a/x', 'DRYRUN-NS:team-a/x/y/z', 'DRYRUN-NS:shared/a'])(
    'it may use %s',
    async (namespace) => {
      expect((await plan(namespace, key)).status).toBe(201)
    },
  )

  it.each([
    'DRYRUN-NS:team-a',
    'DRYRUN-NS:team-a/xy',
    'DRYRUN-NS:team-a/x-y',
    'DRYRUN-NS:team-b/x',
    'DRYRUN-NS:x/team-a/x',
    'DRYRUN-NS:sharedx',
    'DRYRUN-NS:team-a/x/../../shared',
    'DRYRUN-NS:',
    'PROD:team-a/x',
  ])('it may not use %s, and nothing is stored', async (namespace) => {
    const { reply, events } = await watch(ledger, () => plan(namespace, key))
    expect(reply.status).toBe(403)
    expect(reply.body).toMatchObject({ code: 'forbidden', rule: null, recorded: 'none' })
    expect(reply.body).not.toHaveProperty('refusalId')
    expect(events).toEqual([])
  })

  it('it may not explain a command of another namespace either', async () => {
    const command = sampleCommand({ outputNamespace: 'DRYRUN-NS:team-b' })
    const { status, body } = await ledger.ask('POST', '/v1/explain', command, { key })
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' })
  })

  it('it is not told what another key recorded in a namespace it may not use', async () => {
    await plan('DRYRUN-NS:team-b/secret')
    const { status, body } = await plan('DRYRUN-NS:team-b/secret', key)
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' })
    expect(body).not.toHaveProperty('event')
  })
})
