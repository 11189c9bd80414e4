import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectProblem, positionOf, register, typesOf, watch } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleContract } from '../support/sample.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const get = (path: string): Promise<Reply> => ledger.ask('GET', path)

describe('GET and PUT /v1/switch', () => {
  const put = (scope: string, body: unknown) => ledger.ask('PUT', `/v1/switch/${scope}`, body)

  it('sets a scope with one event, and shows it', async () => {
    const { reply, events } = await watch(ledger, () =>
      put('global', { state: 'HALTED', reason: 'a drill' }),
    )
    expect(reply.status).toBe(200)
    expect(typesOf(events)).toEqual(['SwitchSet'])
    expect(events[0].data).toEqual({ scope: 'global', state: 'HALTED', reason: 'a drill' })
    const { id, position, recordedAt, revision, metadata } = events[0]
    const inForce = {
      state: 'HALTED',
      reason: 'a drill',
      revision,
      position,
      eventId: id,
      recordedAt,
      actor: metadata.actor,
    }
    expect(reply.body).toEqual({ scope: 'global', ...inForce })
    expect(positionOf(reply)).toBe(position)
    const shown = await get(`/v1/switch?minPosition=${position}`)
    expect(positionOf(shown)).toBe(position)
    expect(shown.body).toEqual({
      guarantee: 'atomic',
      controlRevision: revision,
      scopes: { global: inForce },
    })
  })

  it('answers the same state again with the event in force, and appends none', async () => {
    const before = await get('/v1/switch')
    const { reply, events } = await watch(ledger, () =>
      put('global', { state: 'HALTED', reason: 'another reason' }),
    )
    expect(reply.status).toBe(200)
    expect(events).toEqual([])
    expect(reply.body).toEqual({ scope: 'global', ...before.body.scopes.global })
    expect(positionOf(reply)).toBe(reply.body.position)
  })

  it('makes one event of many equal flips at once', async () => {
    const { reply, events } = await watch(ledger, () =>
      Promise.all(
        Array.from({ length: 8 }, () => put('global', { state: 'DRY_RUN_ONLY', reason: 'all' })),
      ),
    )
    expect(reply.map((it) => it.status)).toEqual(Array(8).fill(200))
    expect(typesOf(events)).toEqual(['SwitchSet'])
    expect(new Set(reply.map((it) => it.body.eventId))).toEqual(new Set([events[0].id]))
  })

  it('sets a contract and an executor beside global, and shows every scope that was set', async () => {
    await register(ledger, [{ ...sampleContract, id: 'hc/rows/deep' }])
    const scopes = ['executor:simulator', 'contract:hc/rows/deep']
    for (const scope of scopes) {
      const { reply, events } = await watch(ledger, () =>
        put(encodeURIComponent(scope), { state: 'HALTED', reason: 'a drill' }),
      )
      expect({ status: reply.status, scope: reply.body.scope }).toEqual({ status: 200, scope })
      expect(events.map((it) => it.data)).toMatchObject([{ scope, state: 'HALTED' }])
    }
    const { body } = await get('/v1/switch')
    expect(Object.keys(body.scopes)).toEqual(['global', ...scopes])
    expect(body.scopes['contract:hc/rows/deep']).toMatchObject({ state: 'HALTED' })
    const again = await watch(ledger, () =>
      put('executor:simulator', { state: 'HALTED', reason: 'again' }),
    )
    expect([again.reply.status, again.events]).toEqual([200, []])
    for (const scope of scopes) {
      await put(encodeURIComponent(scope), { state: 'DRY_RUN_ONLY', reason: 'over' })
    }
  })

  it.each([
    'contract:hc%2Fnone',
    'contract:hc%252Frows%252Fdeep',
    'executor:nothing',
    'contract:nobody.knows',
    'Global',
    'everything',
    '%20',
    'global%20',
  ])('does not find the scope %s', async (scope) => {
    const { reply, events } = await watch(ledger, () =>
      put(scope, { state: 'HALTED', reason: 'x' }),
    )
    expectProblem(reply, [404, 'not-found'])
    expect(events).toEqual([])
  })

  it.each<[string, unknown]>([
    ['a reason over 500 characters', { state: 'HALTED', reason: 'x'.repeat(501) }],
    ['an empty reason', { state: 'HALTED', reason: '' }],
    ['no reason', { state: 'HALTED' }],
    ['a state that lets everything pass', { state: 'LIVE', reason: 'x' }],
    ['a state in small letters', { state: 'halted', reason: 'x' }],
    ['no state', { reason: 'x' }],
    ['a member too many', { state: 'HALTED', reason: 'x', until: 'tomorrow' }],
    ['a list', []],
  ])('refuses %s', async (_, body) => {
    const { reply, events } = await watch(ledger, () => put('global', body))
    expectProblem(reply, [422, 'schema-invalid'])
    expect(events).toEqual([])
  })

  it('takes a reason of 500 characters', async () => {
    const reason = 'é'.repeat(500)
    expect((await put('global', { state: 'HALTED', reason })).body.reason).toBe(reason)
  })
})
