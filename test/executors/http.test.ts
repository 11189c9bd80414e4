import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createHttp } from '../../src/executors/http/http.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { parseHttpAllow } from '../../src/http-allow.ts'
import type { Executor } from '../../src/ports.ts'
import { describeExecutor } from '../conformance/executor.ts'
import { type HttpPlan, httpPlan } from '../support/http-plan.ts'
import { dryAnswer, openService, type Service } from '../support/http-service.ts'
import { openUserService, type UserService } from '../support/user-service.ts'

const never = () => new AbortController().signal
const PREFER = { headers: { prefer: 'tx=rollback' } }
const RENAME: HttpPlan = {
  ...PREFER,
  path: '/users/{id}/rename',
  bind: { id: '/id' },
  body: { name: { $param: '/name' } },
  params: { id: 1, name: 'Ada Lovelace' },
}
const httpTo = (origins: string, reader: Executor = createSqlRead({})) =>
  createHttp({ allow: parseHttpAllow(origins), reader })

let origin = ''

describeExecutor('http', {
  evidence: ['dryRunProven', 'addressPinned', 'notRedirected'],
  open: async () => {
    const service = await openUserService(inject('ownerUrl'))
    origin = service.origin
    const executor = httpTo(service.origin)
    return {
      executor,
      quick: httpPlan(origin, RENAME),
      endless: (timeMs) => httpPlan(origin, { ...PREFER, path: '/endless', limits: { timeMs } }),
      oversized: (outputBytes) =>
        httpPlan(origin, { ...PREFER, path: `/large/${outputBytes}`, limits: { outputBytes } }),
      watched: service.visible,
      async close() {
        await executor.close()
        await service.close()
      },
    }
  },
  negativeControls: [
    {
      name: 'an origin that is not allowed',
      plan: () => httpPlan('http://127.0.0.1:1', RENAME),
      failure: 'threw',
      code: 'address-refused',
    },
    {
      name: 'a POST to a target without a marker',
      plan: () => httpPlan(origin, { ...RENAME, marker: null }),
      failure: 'threw',
      code: 'no-marker',
    },
    {
      name: 'a body that holds the marker itself',
      plan: () =>
        httpPlan(origin, {
          ...RENAME,
          params: { id: 1, name: 'dry' },
          marker: { pointer: '/name', value: 'dry' },
        }),
      failure: 'threw',
      code: 'sends-marker',
    },
    {
      name: 'a param that is the text of the marker, for a service to echo',
      plan: () =>
        httpPlan(origin, {
          ...RENAME,
          params: { id: 1, name: 'true' },
          marker: { pointer: '/meta/dryRun', value: true },
        }),
      failure: 'threw',
      code: 'sends-marker',
    },
    {
      name: 'a pointer that finds nothing',
      plan: () => httpPlan(origin, { ...RENAME, params: { id: 1 } }),
      failure: 'threw',
      code: 'no-program',
    },
    {
      name: 'a program of another type',
      plan: () => ({ ...httpPlan(origin), program: { jsonata: '1' } }),
      failure: 'threw',
      code: 'no-program',
    },
    {
      name: 'a body longer than anybody sends',
      plan: () => httpPlan(origin, { ...RENAME, params: { id: 1, name: 'x'.repeat(64 * 1024) } }),
      failure: 'limit',
      code: 'request',
    },
    {
      name: 'a "no" that does not say who gave it',
      plan: () => httpPlan(origin, { method: 'GET', path: '/nothing' }),
      failure: 'threw',
      code: 'status-404',
    },
  ],
})

describe('a service that keeps its word', () => {
  let service: UserService
  let executor: ReturnType<typeof httpTo>
  beforeAll(async () => {
    service = await openUserService(inject('ownerUrl'))
    executor = httpTo(service.origin)
  })
  afterAll(async () => {
    await executor.close()
    await service.close()
  })
  const run = (change: HttpPlan) => executor.dryRun(httpPlan(service.origin, change), never())

  it('is asked for real, answers what it would have done, and has done nothing', async () => {
    expect(await run(RENAME)).toMatchObject({
      verdict: 'would_succeed',
      output: { status: 200, body: { id: 1, name: 'Ada Lovelace' } },
      evidence: { dryRunProven: { holds: true, seen: { method: 'POST', marker: 'as declared' } } },
    })
    const read = { method: 'GET', path: '/users/1' }
    expect((await run(read)).output).toEqual({ status: 200, body: { id: 1, name: 'Ada' } })
  })

  it('would fail with a 4xx that carries the marker', async () => {
    expect(await run({ ...RENAME, params: { id: 3, name: 'x' } })).toMatchObject({
      verdict: 'would_fail',
      output: { status: 404, body: { error: 'no such user' } },
    })
  })

  it('shows by its marker alone that a POST was dry: without it the request asks for a change', async () => {
    const { evidence } = await run({ ...RENAME, headers: {}, params: { id: 2, name: 'Hopper' } })
    expect(evidence['dryRunProven']).toEqual({
      holds: false,
      seen: { method: 'POST', marker: 'absent' },
    })
    expect(await service.database.query('select name from app.users where id = 2')).toEqual([
      { name: 'Hopper' },
    ])
  })
})

describe('what is sent', () => {
  let service: Service
  let executor: ReturnType<typeof httpTo>
  beforeAll(async () => {
    service = await openService(dryAnswer())
    executor = httpTo(service.origin)
  })
  afterAll(async () => {
    await executor.close()
    await service.close()
  })
  async function sent(change: HttpPlan) {
    await executor.dryRun(httpPlan(service.origin, change), never())
    return service.heard.at(-1)
  }

  it('is the path, the query and the headers of target and contract, and nothing of the caller', async () => {
    const request = await sent({
      ...RENAME,
      headers: { Prefer: 'tx=rollback', 'X-Dry-Run': '1' },
      query: { dryRun: 'All', 'a b': '&=' },
      params: { id: 'a/b c', name: 'x\r\ny: z' },
    })
    expect(request).toMatchObject({
      method: 'POST',
      url: '/users/a%2Fb%20c/rename?dryRun=All&a+b=%26%3D',
      body: JSON.stringify({ name: 'x\r\ny: z' }),
    })
    expect(request?.headers).toEqual({
      host: service.origin.slice('http://'.length),
      connection: 'keep-alive',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': expect.any(String),
      'user-agent': 'dispatch-ledger',
      prefer: 'tx=rollback',
      'x-dry-run': '1',
    })
  })

  it.each(['GET', 'HEAD', 'OPTIONS'])(
    'of a %s has no body, and needs no marker',
    async (method) => {
      const { method: heard, body } = (await sent({ method, marker: null, path: '/x' })) ?? {}
      expect({ heard, body }).toEqual({ heard: method, body: '' })
    },
  )

  it('goes over connections that are used again', async () => {
    const before = service.connections()
    for (let n = 0; n < 20; n++) await sent(RENAME)
    expect(service.connections()).toBeLessThanOrEqual(before + 1)
  })
})
