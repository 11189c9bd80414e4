import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identify } from '../../src/identity.ts'
import { openSecond, type SecondServer } from '../support/doubles.ts'
import { afterPause, historyOf, typesOf, watch } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

let ledger: TestLedger
let elsewhere: SecondServer
beforeAll(async () => {
  ledger = await openReadyLedger()
  elsewhere = await openSecond(ledger)
})
afterAll(async () => {
  await elsewhere.close()
  await ledger.close()
})

describe('rule 5: the same command has the same id, and a re-call inserts 0 rows', () => {
  it('answers the second call from the log', async () => {
    const first = await ledger.dispatch(sampleCommand())
    expect(first).toMatchObject({ status: 201, body: { outcome: 'created', eventsAppended: 3 } })
    const before = await ledger.countEvents()
    const second = await ledger.dispatch(sampleCommand())
    expect(second).toMatchObject({ status: 200, body: { outcome: 'replayed', eventsAppended: 0 } })
    expect(second.body.dispatchId).toBe(first.body.dispatchId)
    expect(second.body.event).toEqual(first.body.event)
    expect(await ledger.countEvents()).toBe(before)
  })

  it('lets one of a thousand equal calls create, and answers all of them alike', async () => {
    const command = sampleCommand({ occurrence: 'racing' })
    // They are calls of one key: who is told to wait for a turn asks again.
    const ask = () => afterPause(() => ledger.dispatch(command), 60_000)
    const replies = await Promise.all(Array.from({ length: 1_000 }, ask))
    expect(replies.filter((it) => it.body.outcome === 'created')).toHaveLength(1)
    expect([...new Set(replies.map((it) => it.body.detail))]).toEqual([undefined])
    expect(new Set(replies.map((it) => it.body.event.id)).size).toBe(1)
    const { dispatchId } = replies[0]?.body ?? {}
    const { body } = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/events`)
    expect(body.events).toHaveLength(3)
  }, 90_000)

  it('gives a command with another occurrence an id and a history of its own', async () => {
    const one = await ledger.dispatch(sampleCommand({ occurrence: 'one' }))
    const two = await ledger.dispatch(sampleCommand({ occurrence: 'two' }))
    expect(one.body.dispatchId).not.toBe(two.body.dispatchId)
    expect(two.body.outcome).toBe('created')
  })

  it('replays for another server and for another key', async () => {
    const command = sampleCommand({ occurrence: 'elsewhere' })
    const first = await ledger.dispatch(command)
    const key = await ledger.newKey({ name: 'another' })
    const { reply, events } = await watch(ledger, () =>
      elsewhere.ask('POST', '/v1/dispatches', command, { key }),
    )
    expect(reply).toMatchObject({ status: 200, body: { outcome: 'replayed' } })
    expect(reply.body.event).toEqual(first.body.event)
    expect(events).toEqual([])
  })

  it('lets one of many calls create when two servers race', async () => {
    const command = sampleCommand({ occurrence: 'two-servers' })
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? ledger : elsewhere).dispatch(command)),
    )
    expect(replies.filter((it) => it.body.eventsAppended === 3)).toHaveLength(1)
    expect(replies.filter((it) => it.body.eventsAppended === 0)).toHaveLength(19)
    expect(new Set(replies.map((it) => it.body.event.id)).size).toBe(1)
  })
})

describe('rule 5: the mode is no part of the identity', () => {
  it('carries one dispatch through its life cycle, and appends each step once', async () => {
    const outcomes: unknown[] = []
    const ids = new Set<string>()
    const modes = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const
    for (const mode of ['PLAN_ONLY', ...modes, ...modes] as const) {
      const { status, body } = await ledger.dispatch(
        sampleCommand({ occurrence: 'life-cycle', mode }),
      )
      ids.add(body.dispatchId)
      outcomes.push([mode, status, body.outcome, body.reached, body.eventsAppended])
      expect(body.mode).toBe(mode)
    }
    expect(ids.size).toBe(1)
    expect(outcomes).toEqual([
      ['PLAN_ONLY', 201, 'created', 'Planned', 1],
      ['PLAN_ONLY', 200, 'replayed', 'Planned', 0],
      ['VERIFY_ONLY', 200, 'advanced', 'PreflightPassed', 1],
      ['DRY_RUN', 200, 'advanced', 'DryRunRecorded', 1],
      ['PLAN_ONLY', 200, 'replayed', 'DryRunRecorded', 0],
      ['VERIFY_ONLY', 200, 'replayed', 'DryRunRecorded', 0],
      ['DRY_RUN', 200, 'replayed', 'DryRunRecorded', 0],
    ])
    const [id = ''] = ids
    expect(typesOf(await historyOf(ledger, id))).toEqual([
      'Planned',
      'PreflightPassed',
      'DryRunRecorded',
    ])
  })

  it.each([
    ['PLAN_ONLY', 'DRY_RUN', 2],
    ['VERIFY_ONLY', 'DRY_RUN', 1],
    ['PLAN_ONLY', 'VERIFY_ONLY', 1],
  ] as const)('goes on from a %s to a %s with %i events', async (from, to, count) => {
    const occurrence = `${from}-${to}`
    await ledger.dispatch(sampleCommand({ occurrence, mode: from }))
    const { reply, events } = await watch(ledger, () =>
      ledger.dispatch(sampleCommand({ occurrence, mode: to })),
    )
    expect(reply.body).toMatchObject({ outcome: 'advanced', eventsAppended: count })
    expect(events).toHaveLength(count)
  })
})

describe('rule 5: the id is a pure function of the request', () => {
  it('does not depend on the order of keys, on white space, escapes or the spelling of numbers', async () => {
    const schema = { type: 'object' }
    const texts = [
      `{"contract":{"id":"any.params","version":1},"target":"sample/one","outputNamespace":"DRYRUN-NS:x",
        "params":{"b":[1,2.50],"a":{"z":"é","y":1e2}},"mode":"PLAN_ONLY"}`,
      `{"mode":"PLAN_ONLY","occurrence":"","params":{"a":{"y":100,"z":"\\u00e9"},"b":[1.0,25e-1]},
        "outputNamespace":"DRYRUN-NS:x","target":"sample\\/one","contract":{"version":1,"id":"any.params"}}`,
    ]
    const contract = { kind: 'Contract', id: 'any.params', version: 1, executor: 'simulator' }
    const registered = await ledger.ask('POST', '/v1/catalogue', {
      manifests: [
        {
          ...contract,
          targets: 'sample/*',
          fixture: 'sample.words@1',
          sideEffects: 'none',
          params: schema,
          program: { jsonata: '{ "verdict": "would_succeed", "output": params }' },
          baseline: [{ name: 'nothing', params: {}, verdict: 'would_succeed', output: {} }],
        },
      ],
    })
    expect(registered.status).toBe(201)
    const replies = await Promise.all(texts.map((text) => ledger.send('/v1/dispatches', text)))
    expect(new Set(replies.map((it) => it.body.outcome))).toEqual(new Set(['created', 'replayed']))
    const canonical =
      '{"contract":{"id":"any.params","version":1},"occurrence":"","outputNamespace":"DRYRUN-NS:x",' +
      '"params":{"a":{"y":100,"z":"é"},"b":[1,2.5]},"target":"sample/one","v":1}'
    const digest = `sha256:${createHash('sha256').update(canonical).digest('hex')}`
    for (const { body } of replies) expect(body.digest).toBe(digest)
  })

  it('is what a client computes offline, for params with names that objects have anyway', async () => {
    const params = JSON.parse(
      '{"constructor":1,"toString":{"hasOwnProperty":[]},"valueOf":null,"":"","1":"01","€":"😀"}',
    )
    const command = sampleCommand({
      contract: { id: 'any.params', version: 1 },
      params,
      occurrence: 'A.z_0:9-',
    })
    const { status, body } = await ledger.dispatch(command)
    expect(status).toBe(201)
    const { dispatchId, digest } = body
    expect({ dispatchId, digest }).toEqual(identify(command))
    const hex = digest.slice('sha256:'.length)
    expect(dispatchId.replaceAll('-', '').slice(0, 12)).toBe(hex.slice(0, 12))
    expect(dispatchId[14]).toBe('8')
    expect(dispatchId[19]).toMatch(/[89ab]/)
    const [planned] = await historyOf(ledger, dispatchId)
    expect(planned).toMatchObject({ stream: `dispatch-${dispatchId}`, data: { digest } })
    expect(planned.data.command.params).toEqual(params)
    expect(Object.keys(planned.data.command).toSorted()).toEqual([
      'contract',
      'occurrence',
      'outputNamespace',
      'params',
      'target',
    ])
  })

  it('changes with each of the five members that make a command', async () => {
    const changes = [
      {},
      { contract: { id: 'sample.echo', version: 2 } },
      { contract: { id: 'sample.other', version: 1 } },
      { target: 'sample/two' },
      { params: { say: 'hello ' } },
      { params: { say: 'hello', fail: false } },
      { outputNamespace: 'DRYRUN-NS:sample/a' },
      { occurrence: 'x' },
    ]
    const ids = changes.map(async (change) => {
      const { body } = await ledger.dispatch(sampleCommand({ ...change, mode: 'PLAN_ONLY' }))
      return body.dispatchId
    })
    expect(new Set(await Promise.all(ids)).size).toBe(changes.length)
  })
})
