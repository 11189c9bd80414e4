import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogueOf, headOf, positionOf, register } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const get = (path: string, key = ledger.key): Promise<Reply> =>
  ledger.ask('GET', path, undefined, { key })
/** The rows of a list, complete up to all that was recorded before. */
async function listed(name: string, query = '', key = ledger.key): Promise<Reply['body'][]> {
  const head = await headOf(ledger)
  const reply = await get(`/v1/${name}?pageSize=1000&minPosition=${head}${query}`, key)
  expect({ name, status: reply.status }).toEqual({ name, status: 200 })
  return reply.body[name]
}

describe('GET /v1/refusals', () => {
  it('shows a recorded refusal with what was asked, which gate said no, and who must act', async () => {
    const command = sampleCommand({ target: 'sample/none', occurrence: 'refused' })
    const { body } = await ledger.dispatch(command)
    expect((await listed('refusals'))[0]).toEqual({
      refusalId: body.refusalId,
      dispatchId: body.dispatchId,
      contract: { id: 'sample.echo', version: 1 },
      target: 'sample/none',
      outputNamespace: 'DRYRUN-NS:sample',
      mode: 'DRY_RUN',
      code: 'target-missing',
      rule: 8,
      stage: 'admission',
      gate: 'target',
      whoMustAct: 'catalogue-owner',
      controlRevision: 3,
      position: await headOf(ledger),
      recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
  })

  it('knows what was asked also where the refusal is not the first event of its stream', async () => {
    const command = sampleCommand({
      occurrence: 'later',
      outputNamespace: 'DRYRUN-NS:sample/later',
    })
    await ledger.dispatch(command)
    const { body } = await ledger.dispatch({ ...command, mode: 'REAL_RUN' })
    expect((await listed('refusals'))[0]).toMatchObject({
      refusalId: body.refusalId,
      contract: { id: 'sample.echo', version: 1 },
      outputNamespace: 'DRYRUN-NS:sample/later',
      code: 'production-execution-not-authorized',
      gate: 'mode',
      whoMustAct: 'nobody',
    })
  })

  it('takes a namespace that no index could hold: it was asked for, so it is shown', async () => {
    const outputNamespace = `PROD:${'x'.repeat(50_000)}`
    await ledger.dispatch(sampleCommand({ outputNamespace }))
    expect((await listed('refusals'))[0]).toMatchObject({ outputNamespace, gate: 'namespace' })
  })
})

describe('GET /v1/outputs', () => {
  it('shows what a dry run gave, with the digest that proves it', async () => {
    const { body } = await ledger.dispatch(sampleCommand({ occurrence: 'output' }))
    expect((await listed('outputs'))[0]).toEqual({
      dispatchId: body.dispatchId,
      outputNamespace: 'DRYRUN-NS:sample',
      verdict: 'would_succeed',
      output: { echo: 'hello', fixture: 'dry' },
      outputDigest: body.event.data.outputDigest,
      executor: { type: 'simulator', build: body.event.data.executor.build },
      eventId: body.event.id,
      position: body.position,
      recordedAt: body.event.recordedAt,
    })
  })

  it('lists what failed as well, and nothing that did not run', async () => {
    const failing = sampleCommand({ occurrence: 'failing', params: { fail: true } })
    await ledger.dispatch(failing)
    await ledger.dispatch(sampleCommand({ occurrence: 'planned', mode: 'VERIFY_ONLY' }))
    expect((await listed('outputs'))[0]).toMatchObject({ verdict: 'would_fail' })
  })
})

describe('a namespace', () => {
  const NAMESPACES = [
    'team',
    'team/a',
    'team/a/b',
    'team/ab',
    'team/a-b',
    'team/a.b',
    'teams/a',
  ].map((it) => `DRYRUN-NS:${it}`)
  const ids = new Map<string, string>()
  const namespacesIn = (rows: Reply['body'][]): string[] =>
    [...new Set(rows.map((it) => it.outputNamespace as string))].toSorted()

  beforeAll(async () => {
    const { manifests, command } = catalogueOf('spaces')
    await register(ledger, manifests)
    for (const outputNamespace of NAMESPACES) {
      const asked = command({ outputNamespace })
      ids.set(outputNamespace, (await ledger.dispatch(asked)).body.dispatchId)
      await ledger.dispatch({ ...asked, mode: 'REAL_RUN' })
    }
  })

  it.each([
    ['DRYRUN-NS:team/a', ['team/a', 'team/a/b']],
    ['DRYRUN-NS:team/a/b', ['team/a/b']],
    ['DRYRUN-NS:team/a/b/c', []],
    ['DRYRUN-NS:team', ['team', 'team/a', 'team/a-b', 'team/a.b', 'team/a/b', 'team/ab']],
  ] as const)('%s is matched by whole segments in every list', async (prefix, below) => {
    const wanted = below.map((it) => `DRYRUN-NS:${it}`).toSorted()
    for (const name of ['dispatches', 'refusals', 'outputs']) {
      const rows = await listed(name, `&namespace=${encodeURIComponent(prefix)}`)
      expect({ name, found: namespacesIn(rows) }).toEqual({ name, found: wanted })
    }
  })

  it('that is none is refused', async () => {
    for (const namespace of ['PROD:a', 'DRYRUN-NS:', 'DRYRUN-NS:a/../b', 'DRYRUN-NS:a/', '%', '']) {
      const { status, body } = await get(`/v1/outputs?namespace=${encodeURIComponent(namespace)}`)
      expect({ namespace, status, code: body.code }).toEqual({
        namespace,
        status: 422,
        code: 'schema-invalid',
      })
    }
  })

  it('is paged through without losing or repeating a row', async () => {
    const query = `namespace=${encodeURIComponent('DRYRUN-NS:team')}`
    const seen: string[] = []
    for (let token: string | null = ''; token !== null; ) {
      const page: Reply = await get(
        `/v1/outputs?pageSize=2&${query}${token && `&pageToken=${token}`}`,
      )
      seen.push(...page.body.outputs.map((it: Reply['body']) => it.dispatchId))
      token = page.body.nextPageToken
    }
    const wanted = NAMESPACES.filter((it) => !it.startsWith('DRYRUN-NS:teams')).map((it) =>
      ids.get(it),
    )
    expect(seen).toEqual(wanted.toReversed())
  })

  describe('that a key is limited to', () => {
    const limited = (...namespacePrefixes: string[]) => ledger.newKey({ namespacePrefixes })

    it('is all that its lists show', async () => {
      const key = await limited('DRYRUN-NS:team/a', 'DRYRUN-NS:teams')
      const wanted = ['DRYRUN-NS:team/a', 'DRYRUN-NS:team/a/b', 'DRYRUN-NS:teams/a']
      for (const name of ['dispatches', 'refusals', 'outputs']) {
        expect({ name, found: namespacesIn(await listed(name, '', key)) }).toEqual({
          name,
          found: wanted,
        })
      }
    })

    it('is met with the one that is asked for', async () => {
      const key = await limited('DRYRUN-NS:team/a', 'DRYRUN-NS:teams')
      const found = async (namespace: string) =>
        namespacesIn(await listed('outputs', `&namespace=${encodeURIComponent(namespace)}`, key))
      expect(await found('DRYRUN-NS:team')).toEqual(['DRYRUN-NS:team/a', 'DRYRUN-NS:team/a/b'])
      expect(await found('DRYRUN-NS:team/a/b')).toEqual(['DRYRUN-NS:team/a/b'])
      expect(await found('DRYRUN-NS:team/ab')).toEqual([])
      expect(await found('DRYRUN-NS:sample')).toEqual([])
    })

    it('is all that it may read of single dispatches: another is not found', async () => {
      const key = await limited('DRYRUN-NS:team/a')
      for (const [namespace, id] of ids) {
        for (const path of ['', '/events', '/explain']) {
          const { status, body } = await get(`/v1/dispatches/${id}${path}`, key)
          const inside = namespace === 'DRYRUN-NS:team/a' || namespace === 'DRYRUN-NS:team/a/b'
          expect({ namespace, path, status }).toEqual({
            namespace,
            path,
            status: inside ? 200 : 404,
          })
          if (!inside) expect(body.code).toBe('not-found')
        }
      }
    })
  })
})

describe('GET /v1/projections', () => {
  const VERSIONS = { dispatches: 2, refusals: 2, outputs: 2, gate_outcomes: 2 }

  it('says of every read model how far it is', async () => {
    const head = await headOf(ledger)
    const reply = await until(async () => {
      const found = await get('/v1/projections')
      return found.body.projections.every((it: Reply['body']) => it.position === head) && found
    })
    expect(positionOf(reply)).toBe(head)
    expect(reply.body.projections).toEqual(
      Object.entries(VERSIONS).map(([name, version]) => ({
        name,
        version,
        state: 'following',
        detail: '',
        position: head,
        lag: { positions: 0, seconds: 0 },
      })),
    )
    for (const [index, name] of Object.keys(VERSIONS).entries()) {
      expect((await get(`/v1/projections/${name}`)).body).toEqual(reply.body.projections[index])
    }
  })

  it('knows no other', async () => {
    const { status, body } = await get('/v1/projections/nothing')
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'not-found' })
  })
})

describe('a projection that cannot go on', () => {
  it('stops alone, says so, lags, and goes on where it was once it can', async () => {
    const own = await openReadyLedger()
    const projection = async (name: string): Promise<Reply['body']> =>
      (await own.ask('GET', `/v1/projections/${name}`)).body
    await until(async () => (await projection('outputs')).lag.positions === 0)
    await own.database.query('alter table rm_outputs_v2.outputs rename to away')
    const { body } = await own.dispatch(sampleCommand())
    const stopped = await until(async () => {
      const found = await projection('outputs')
      return found.state === 'stopped' && found
    })
    expect(stopped).toMatchObject({ position: body.position - 3, lag: { positions: 3 } })
    expect(stopped.detail).toContain('42P01')
    expect(stopped.lag.seconds).toBeGreaterThan(0)
    const page = await own.ask('GET', `/v1/refusals?minPosition=${body.position}`)
    expect(page.status).toBe(200)
    const { checks, ready } = (await own.ask('GET', '/readyz')).body
    expect(ready).toBe(true)
    expect(checks['projection:refusals']).toEqual({ ok: true, detail: 'following' })
    const late = await own.ask('GET', `/v1/outputs?minPosition=${body.position}`)
    expect([late.status, late.body.code]).toEqual([503, 'not-ready'])
    await own.database.query('alter table rm_outputs_v2.away rename to outputs')
    await until(async () => (await projection('outputs')).lag.positions === 0)
    const { outputs } = (await own.ask('GET', '/v1/outputs')).body
    expect(outputs.map((it: Reply['body']) => it.dispatchId)).toEqual([body.dispatchId])
    await own.close()
  })
})
