import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsAfter, historyOf, typesOf } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const PRODUCTION = ['PROD:orders', 'orders', 'dryrun-ns:orders', ' DRYRUN-NS:orders']

describe('rule 3: output goes to a DRYRUN-NS: namespace, or nowhere', () => {
  it('records and lists an output under the namespace of its command', async () => {
    const command = sampleCommand({ outputNamespace: 'DRYRUN-NS:team-a/orders' })
    const { headers, body } = await ledger.dispatch(command)
    expect(body.event.data.outputNamespace).toBe('DRYRUN-NS:team-a/orders')
    const minPosition = Number(headers['ledger-position'])
    const list = await ledger.ask('GET', `/v1/dispatches?minPosition=${minPosition}`)
    expect(list.body.dispatches[0]).toMatchObject({
      dispatchId: body.dispatchId,
      outputNamespace: 'DRYRUN-NS:team-a/orders',
      reached: 'DryRunRecorded',
    })
  })

  it.each(PRODUCTION)('records no output and no step for the namespace %j', async (namespace) => {
    const command = sampleCommand({ outputNamespace: namespace })
    for (const mode of ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN']) {
      const { status, body } = await ledger.dispatch({ ...command, mode })
      expect({ status, code: body.code }).toEqual({ status: 403, code: 'namespace-production' })
      expect(body.reached).toBeNull()
      expect(new Set(typesOf(await historyOf(ledger, body.dispatchId)))).toEqual(
        new Set(['Refused']),
      )
    }
  })

  it('keeps one namespace out of the identity of another', async () => {
    const ids = ['DRYRUN-NS:a', 'DRYRUN-NS:a/b', 'DRYRUN-NS:b'].map(async (outputNamespace) => {
      const { body } = await ledger.dispatch(sampleCommand({ outputNamespace }))
      expect(body).toMatchObject({ outcome: 'created', event: { data: { outputNamespace } } })
      return body.dispatchId
    })
    expect(new Set(await Promise.all(ids)).size).toBe(3)
  })

  it('has no advancing event in its log whose namespace is not a dry-run one', async () => {
    const events = await eventsAfter(ledger, 0)
    const namespaces = events.flatMap(({ type, data }) => {
      if (type === 'Planned') return [data.command.outputNamespace]
      return type === 'DryRunRecorded' ? [data.outputNamespace] : []
    })
    expect(namespaces.length).toBeGreaterThan(7)
    for (const namespace of namespaces) expect(namespace).toMatch(/^DRYRUN-NS:[a-z]/)
  })

  it.each(PRODUCTION)('has a database that refuses a result under %j', async (namespace) => {
    const insert = ledger.database.query(
      `insert into rm_dispatches_v2.dispatches select (d).* from (
         select json_populate_record(t, $1::json) as d from rm_dispatches_v2.dispatches t
         where reached is not null limit 1) as forged`,
      [
        JSON.stringify({
          dispatch_id: '00000000-0000-8000-8000-000000000000',
          opened_position: 9_999_999,
          output_namespace: namespace,
        }),
      ],
    )
    await expect(insert).rejects.toMatchObject({ code: '23514' })
  })
})
