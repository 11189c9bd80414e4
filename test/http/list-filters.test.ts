import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { connect } from '../../src/client/index.ts'
import { catalogueOf, headOf, register } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'

const { manifests, command } = catalogueOf('filters')
let ledger: TestLedger
let head: number
beforeAll(async () => {
  ledger = await openReadyLedger()
  await register(ledger, manifests)
  for (const space of ['a', 'a/b', 'b']) {
    const asked = command({ outputNamespace: `DRYRUN-NS:${space}` })
    await ledger.dispatch(asked)
    await ledger.dispatch({ ...asked, params: { fail: true } })
    await ledger.dispatch({ ...asked, mode: 'REAL_RUN' })
  }
  await ledger.dispatch(command({ target: 'filters/none', outputNamespace: 'DRYRUN-NS:b' }))
  await ledger.dispatch(command({ outputNamespace: 'PROD:b' }))
  head = await headOf(ledger)
})
afterAll(() => ledger.close())

type Asked = Readonly<Record<string, string | number>>
const get = (list: string, asked: Asked, key = ledger.key): Promise<Reply> => {
  const query = new URLSearchParams({ ...asked, minPosition: String(head) } as never).toString()
  return ledger.ask('GET', `/v1/${list}?${query}`, undefined, { key })
}
async function found(list: string, filter: string, key = ledger.key): Promise<Reply['body'][]> {
  const { status, body } = await get(list, { filter, pageSize: 100 }, key)
  expect({ filter, status, detail: body.detail }).toEqual({
    filter,
    status: 200,
    detail: undefined,
  })
  return body[list]
}
const spaces = (rows: Reply['body'][]): string[] =>
  rows.map((it) => it.outputNamespace.replace('DRYRUN-NS:', ''))

describe('a filter', () => {
  it.each([
    ['dispatches', 'verdict = would_fail', ['b', 'a/b', 'a']],
    ['dispatches', 'outputNamespace:"DRYRUN-NS:a" AND verdict = would_fail', ['a/b', 'a']],
    ['dispatches', '-reached:*', ['PROD:b', 'b']],
    ['dispatches', 'NOT lastRefusal:* AND NOT outputNamespace = DRYRUN-NS:b', ['a/b', 'a']],
    ['dispatches', 'openedAt < 2020-01-01T00:00:00Z', []],
    ['refusals', 'code = target-missing OR rule = 6', ['PROD:b', 'b']],
    ['refusals', 'mode = REAL_RUN AND gate = mode', ['b', 'a/b', 'a']],
    ['refusals', 'contract.id = filters.echo AND target != filters/one', ['b']],
    ['outputs', 'executor.type = simulator AND verdict != would_succeed', ['b', 'a/b', 'a']],
    ['outputs', 'outputNamespace:DRYRUN-NS:a/b', ['a/b', 'a/b']],
  ])('finds in %s what %s says', async (list, filter, wanted) => {
    expect(spaces(await found(list, filter))).toEqual(wanted)
  })

  it('shows a limited key its own alone, whatever it says', async () => {
    const key = await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:a'] })
    for (const list of ['dispatches', 'refusals', 'outputs']) {
      for (const filter of [
        'outputNamespace:DRYRUN-NS:b',
        'NOT outputNamespace:DRYRUN-NS:a',
        'outputNamespace:DRYRUN-NS:b OR NOT outputNamespace:DRYRUN-NS:b',
        'openedAt > 2020-01-01T00:00:00Z'.replace(
          'opened',
          list === 'dispatches' ? 'opened' : 'recorded',
        ),
      ]) {
        const seen = new Set(spaces(await found(list, filter, key)))
        expect([...seen].filter((it) => it !== 'a' && it !== 'a/b')).toEqual([])
      }
    }
  })

  it('that cannot be read is refused at the character where it goes wrong', async () => {
    const { status, body } = await get('dispatches', { filter: 'reached:* AND verdcit = x' })
    expect({ status, ...body }).toMatchObject({
      status: 422,
      code: 'schema-invalid',
      parameter: 'filter',
      character: 15,
    })
    expect(body.detail).toMatch(
      /^filter, character 15: found "verdcit", expected a field: dispatchId, contract\.id, /,
    )
  })

  it.each([
    '',
    ' ',
    "'",
    '"',
    '\0',
    'target = "\0"',
    "target = x'; drop table rm_dispatches_v2.dispatches; --",
    'target = x; select 1',
    'target = $1',
    '1 = 1',
    'true',
    'd.target = x',
    'target = target OR target',
    'pg_sleep(10)',
    '('.repeat(LIMITS.filterLength),
    '-'.repeat(LIMITS.filterLength),
    'x'.repeat(LIMITS.filterLength + 1),
    'outputNamespace:"DRYRUN-NS:%"',
  ])('is refused where it is %j', async (filter) => {
    for (const list of ['dispatches', 'refusals', 'outputs']) {
      const { status, body } = await get(list, { filter })
      expect({ status, code: body.code }).toEqual({ status: 422, code: 'schema-invalid' })
    }
  })

  it('may look for any text: it is a value, and no SQL', async () => {
    const texts = [`'; drop table x; --`, `$1`, `%`, `_`, `\\\\`, `💩`, `\u202e`, 'x'.repeat(1_900)]
    for (const text of texts) expect(await found('refusals', `code = "${text}"`)).toEqual([])
    expect((await found('refusals', 'NOT code = "%"')).length).toBe(5)
  })

  it('may have as much in it as it may have', async () => {
    const terms = Array.from({ length: LIMITS.filterTerms }, (_, n) => `rule != ${n + 100}`)
    expect(await found('refusals', terms.join(' AND '))).toHaveLength(5)
    expect(await found('refusals', terms.join(' OR '))).toHaveLength(5)
    const pairs = terms.map((it, n) => (n % 2 ? `${it})` : `(${it}`))
    const wide = pairs
      .map((it, n) => it + (n % 2 ? ' AND ' : ' OR '))
      .join('')
      .replace(/ AND $/, '')
    expect(await found('refusals', wide)).toHaveLength(5)
  })
})

describe('orderBy', () => {
  const ids = (list: string, { body }: Reply): string[] =>
    body[list].map((it: Reply['body']) => it.dispatchId + it.position)

  it.each([
    ['dispatches', 'openedAt'],
    ['refusals', 'recordedAt'],
    ['outputs', 'recordedAt'],
  ])('turns %s round by %s', async (list, field) => {
    const last = ids(list, await get(list, {}))
    expect(ids(list, await get(list, { orderBy: `${field} desc` }))).toEqual(last)
    expect(ids(list, await get(list, { orderBy: field }))).toEqual(last.toReversed())
  })

  it('that cannot be read is refused at the character where it goes wrong', async () => {
    const { status, body } = await get('outputs', { orderBy: 'recordedAt desc, verdict' })
    expect({ status, ...body }).toMatchObject({
      status: 422,
      code: 'schema-invalid',
      parameter: 'orderBy',
      character: 18,
    })
  })
})

describe('a page token', () => {
  const filter = 'reached:*'
  const orderBy = 'changedAt'
  const tokenOf = async (list: string, asked: Asked): Promise<string> =>
    (await get(list, { ...asked, pageSize: 1 })).body.nextPageToken

  it('goes on with its own filter and order', async () => {
    const all = (await get('dispatches', { filter, orderBy })).body.dispatches
    const pageToken = await tokenOf('dispatches', { filter, orderBy })
    const rest = await get('dispatches', { filter, orderBy, pageToken })
    expect(rest.body.dispatches).toEqual(all.slice(1))
    expect(rest.body.nextPageToken).toBeNull()
  })

  it('is refused with another filter, order or list', async () => {
    const pageToken = await tokenOf('dispatches', { filter, orderBy })
    const others: [string, Asked][] = [
      ['dispatches', {}],
      ['dispatches', { filter }],
      ['dispatches', { orderBy }],
      ['dispatches', { filter: 'verdict:*', orderBy }],
      ['dispatches', { filter, orderBy: 'changedAt desc' }],
      ['outputs', {}],
    ]
    for (const [list, asked] of others) {
      const { status, body } = await get(list, { ...asked, pageToken })
      expect({ asked, status, code: body.code }).toEqual({
        asked,
        status: 422,
        code: 'schema-invalid',
      })
      expect(body.detail).toContain('belongs to another list, filter or orderBy')
    }
  })

  it('that was not given out is refused', async () => {
    const mark = (
      JSON.parse(Buffer.from(await tokenOf('outputs', {}), 'base64url').toString()) as string[]
    )[0]
    const time = '2026-01-01T00:00:00.000Z'
    const forged: unknown[] = [
      [mark],
      [mark, time],
      [mark, time, '1', '2'],
      [mark, 'now', '1'],
      [mark, time, '1; drop'],
      [mark, time, 1],
      { 0: mark },
      [],
      null,
      mark,
    ]
    const tokens = forged.map((it) => Buffer.from(JSON.stringify(it)).toString('base64url'))
    for (const pageToken of [...tokens, 'cDEy', '{}', 'x'.repeat(1_000)]) {
      const { status, body } = await get('outputs', { pageToken })
      expect({ pageToken, status }).toEqual({ pageToken, status: 422 })
      expect(body.detail).toContain('The pageToken is none that this server gave out')
    }
  })
})

describe('the client', () => {
  it('lists what a filter finds, in the order that is asked, page by page', async () => {
    const url = await ledger.app.listen({ host: '127.0.0.1', port: 0 })
    const client = connect({ url, key: ledger.key })
    const asked = { filter: 'verdict = would_fail', orderBy: 'openedAt', pageSize: 1 }
    const rows: string[] = []
    for await (const row of client.list('dispatches', asked)) rows.push(row.outputNamespace)
    expect(rows).toEqual(['DRYRUN-NS:a', 'DRYRUN-NS:a/b', 'DRYRUN-NS:b'])
  })
})
