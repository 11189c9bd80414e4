import { readFileSync } from 'node:fs'
import pg from 'pg'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSecond, ScriptedStore, storeGone } from '../support/doubles.ts'
import { catalogueOf, register, watch } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000
/** A clock that runs, far from the end of its hour. */
const startedMs = Date.now()
let shiftMs = Date.parse('2040-05-05T10:10:00Z') - startedMs
const nowMs = (): number => Date.now() + shiftMs
const calls = { everyMs: 20, nowMs }
const HOUR = '2040-05-05T10:00:00.000Z'

const lines: { level: number; msg: string; calls?: number }[] = []
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
const warnings = () => lines.filter((it) => it.level >= 40 && /count/.test(it.msg))

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger({ calls }, log)
})
afterAll(() => ledger.close())

type Row = Readonly<Record<string, string | number>>
type Asks = Pick<TestLedger, 'ask'>

/** Once all that was answered until now is in them. */
const written = (server: Asks = ledger, query = 'pageSize=1000'): Promise<Reply['body']> => {
  const askedMs = nowMs()
  return until(async () => {
    const { status, body } = await server.ask('GET', `/v1/analytics/calls_hourly_v1?${query}`)
    return status === 200 && Date.parse(body.asOf) > askedMs && body
  })
}
const keyOf = (row: Row): string => JSON.stringify({ ...row, calls: 0 })

/** Which calls were counted while `act` ran: `contract mode outcome code appended calls`. */
async function counted(act: () => Promise<unknown>): Promise<string[]> {
  const before = new Map((await written()).rows.map((row: Row) => [keyOf(row), row['calls']]))
  await act()
  const { rows } = (await written()) as { rows: Row[] }
  return rows.flatMap((row) => {
    const grown = Number(row['calls']) - Number(before.get(keyOf(row)) ?? 0)
    const { contract_id, mode, outcome, code, appended } = row
    return grown === 0 ? [] : [[contract_id, mode, outcome, code, appended, grown].join(' ')]
  })
}

describe('a call is counted once, by what it was answered', () => {
  it('also a replay, which writes no event, and apart from what it replays', async () => {
    const command = sampleCommand({ occurrence: 'counted' })
    const { events } = await watch(ledger, async () => {
      const found = await counted(async () => {
        for (const _ of 'abc') await ledger.dispatch(command)
        await ledger.dispatch({ ...command, mode: 'PLAN_ONLY' })
      })
      expect(found).toEqual([
        'sample.echo DRY_RUN created  events 1',
        'sample.echo DRY_RUN replayed  none 2',
        'sample.echo PLAN_ONLY replayed  none 1',
      ])
    })
    expect(events).toHaveLength(3)
  })

  it('also a refusal that is equal to an earlier one, apart from the one that was recorded', async () => {
    const command = sampleCommand({ occurrence: 'refused', target: 'sample/none' })
    const { events } = await watch(ledger, async () => {
      const found = await counted(async () => {
        for (const _ of 'abcd') expect((await ledger.dispatch(command)).status).toBe(409)
      })
      expect(found).toEqual([
        'sample.echo DRY_RUN refused target-missing events 1',
        'sample.echo DRY_RUN refused target-missing none 3',
      ])
    })
    expect(events).toHaveLength(1)
  })

  it('and an advance', async () => {
    const command = sampleCommand({ occurrence: 'advanced' })
    await ledger.dispatch({ ...command, mode: 'PLAN_ONLY' })
    const found = await counted(() => ledger.dispatch(command))
    expect(found).toEqual(['sample.echo DRY_RUN advanced  events 1'])
  })

  it('each of a batch, but not what is no command', async () => {
    const dispatches = [
      ...['a', 'b', 'a'].map((it) => sampleCommand({ occurrence: `batch-${it}` })),
      sampleCommand({ mode: 'REAL_RUN', occurrence: 'batch' }),
      { not: 'a command' },
    ]
    const found = await counted(() => ledger.ask('POST', '/v1/dispatches/batch', { dispatches }))
    expect(found).toEqual([
      'sample.echo DRY_RUN created  events 2',
      'sample.echo DRY_RUN replayed  none 1',
      'sample.echo REAL_RUN refused production-execution-not-authorized events 1',
    ])
  })

  it('but not what asks for no dispatch, or never became a command', async () => {
    const nobody = { key: 'dl_nobody' }
    const found = await counted(async () => {
      await ledger.ask('POST', '/v1/explain', sampleCommand())
      await ledger.send('/v1/dispatches', '{ not json')
      await ledger.dispatch(sampleCommand(), nobody)
    })
    expect(found).toEqual([])
  })

  it('as an error where nothing could be judged, and where the store did not say', async () => {
    const key = await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:other'] })
    const found = await counted(() => ledger.dispatch(sampleCommand(), { key }))
    expect(found).toEqual(['sample.echo DRY_RUN error forbidden none 1'])

    const scripted = new ScriptedStore()
    scripted.onAppend = () => Promise.reject(storeGone())
    const gone = await openSecond(ledger, { calls, store: scripted.wrap })
    const unknown = await counted(async () => {
      const reply = await gone.dispatch(sampleCommand({ occurrence: 'gone' }))
      expect(reply.body).toMatchObject({ code: 'store-unavailable', recorded: 'unknown' })
      await gone.close()
    })
    expect(unknown).toEqual(['sample.echo DRY_RUN error store-unavailable unknown 1'])
  })
})

describe('a contract', () => {
  it('that nobody registered is not named: callers cannot make the table grow', async () => {
    const of = (n: number) => sampleCommand({ contract: { id: `hostile/n${n}`, version: 1 } })
    const found = await counted(async () => {
      for (let n = 0; n < 70; n++) await ledger.dispatch(of(n))
    })
    // Refusals that open streams are recorded as fast as the key's bucket fills.
    const sum = found.map((it) => Number(it.split(' ').at(-1))).reduce((all, some) => all + some)
    expect(sum).toBe(70)
    expect(found.map((it) => it.replace(/\d+$/, ''))).toEqual([
      ' DRY_RUN refused contract-missing events ',
      ' DRY_RUN refused contract-missing none ',
    ])
  })

  it('is named where any version of it is registered', async () => {
    const command = sampleCommand({ contract: { id: 'sample.echo', version: 7 } })
    const found = await counted(() => ledger.dispatch(command))
    expect(found).toEqual([expect.stringMatching(/^sample\.echo DRY_RUN refused contract-missing/)])
  })

  it('is named up to a bound of rows in an hour; beyond it its calls are counted all the same', async () => {
    const { contract, command, manifests } = catalogueOf('bounds')
    const more = ['b', 'c', 'd', 'e'].map((it) => ({ ...contract, id: `bounds.${it}` }))
    await register(ledger, [...manifests, ...more])
    const bounded = await openSecond(ledger, { calls: { ...calls, contractRowsMax: 3 } })
    const found = await counted(async () => {
      for (const id of ['bounds.echo', ...more.map((it) => it.id)]) {
        const asked = command({ contract: { id, version: 1 }, mode: 'PLAN_ONLY' })
        expect((await bounded.dispatch(asked)).status).toBe(201)
      }
      await bounded.close()
    })
    expect(found).toEqual([
      ' PLAN_ONLY created  events 2',
      'bounds.b PLAN_ONLY created  events 1',
      'bounds.c PLAN_ONLY created  events 1',
      'bounds.echo PLAN_ONLY created  events 1',
    ])
  })
})

describe('servers of one database', () => {
  it('add up, and each writes a last time when it stops', async () => {
    const command = sampleCommand({ occurrence: 'servers' })
    await ledger.dispatch(command)
    const never = { nowMs, everyMs: HOUR_MS }
    const others = await Promise.all(['b', 'c'].map(() => openSecond(ledger, { calls: never })))
    const found = await counted(async () => {
      await Promise.all([...others, ledger].map((it) => it.dispatch(command)))
      await Promise.all(others.map((it) => it.close()))
    })
    expect(found).toEqual(['sample.echo DRY_RUN replayed  none 3'])
  })

  it('may write the same counts twice, or late: nothing is added', async () => {
    const server = '00000000-0000-4000-8000-000000000000'
    const row = { contract_id: 'twice', mode: 'DRY_RUN', outcome: 'replayed', code: '' }
    const write = (count: number) =>
      ledger.database.query('select ledger.count_calls($1, $2)', [
        server,
        JSON.stringify([{ ...row, hour: HOUR, appended: 'none', calls: count }]),
      ])
    const found = await counted(async () => {
      for (const count of [3, 5, 5, 3]) await write(count)
    })
    expect(found).toEqual(['twice DRY_RUN replayed  none 5'])
  })
})

describe('counts that cannot be written', () => {
  const command = sampleCommand({ occurrence: 'unwritten' })
  beforeAll(() => ledger.dispatch(command))

  it('are kept while the right to write is gone, said once, and dispatches go on', async () => {
    const right = 'execute on function ledger.count_calls'
    lines.length = 0
    const found = await counted(async () => {
      await ledger.database.query(`revoke ${right} from ledger_writer`)
      for (let n = 0; n < 3; n++) {
        expect((await ledger.dispatch(command)).status).toBe(200)
        await until(() => warnings().length > 0)
      }
      const { body } = await ledger.ask('GET', '/v1/analytics/calls_hourly_v1')
      const again = await until(async () => {
        const next = await ledger.ask('GET', '/v1/analytics/calls_hourly_v1')
        return nowMs() - Date.parse(body.asOf) > 10 * calls.everyMs && next.body
      })
      expect(again.asOf).toBe(body.asOf)
      await ledger.database.query(`grant ${right} to ledger_writer`)
    })
    expect(found).toEqual(['sample.echo DRY_RUN replayed  none 3'])
    expect(warnings()).toMatchObject([{ rows: 1 }])
    expect(JSON.stringify(lines)).toContain('the counts of calls are written again')
  })

  it('keep no dispatch waiting while somebody locks the table', async () => {
    const locker = new pg.Client({ connectionString: ledger.database.ownerUrl })
    await locker.connect()
    const found = await counted(async () => {
      await locker.query('begin; lock table ledger.calls_hourly in access exclusive mode')
      await ledger.dispatch(command)
      await until(async () => {
        const waiting = `select from pg_locks where relation = 'ledger.calls_hourly'::regclass and not granted`
        return (await ledger.database.query(waiting)).length > 0
      })
      expect((await ledger.dispatch(command)).status).toBe(200)
      await locker.end()
    })
    expect(found).toEqual(['sample.echo DRY_RUN replayed  none 2'])
  })
})

describe('GET /v1/analytics/calls_hourly_v1', () => {
  const read = (query = ''): Promise<Reply> =>
    ledger.ask('GET', `/v1/analytics/calls_hourly_v1?${query}`)
  const put = (hour: string, contract: string, count: number) =>
    ledger.database.query(
      `insert into ledger.calls_hourly values ($1, $2, 'DRY_RUN', 'replayed', '', 'none', gen_random_uuid(), $3)`,
      [hour, contract, count],
    )
  beforeAll(async () => {
    for (const hour of ['08', '09', '10']) {
      for (const contract of ['x', 'y', 'z']) await put(`2030-01-01T${hour}:00:00Z`, contract, 1)
    }
    await put('2030-01-01T09:00:00Z', 'y', 4)
  })

  it('shows the hour that has begun and the 23 before it, and up to when they are complete', async () => {
    await put('2040-05-04T10:00:00Z', 'too old', 1)
    await put('2040-05-04T11:00:00Z', 'oldest', 1)
    await ledger.dispatch(sampleCommand({ occurrence: 'now' }))
    const body = await written()
    expect(body).toMatchObject({
      view: 'calls_hourly_v1',
      after: '2040-05-04T11:00:00.000Z',
      until: '2040-05-05T11:00:00.000Z',
      nextPageToken: null,
    })
    expect(body.rows[0]).toEqual({
      hour: '2040-05-04T11:00:00.000Z',
      contract_id: 'oldest',
      mode: 'DRY_RUN',
      outcome: 'replayed',
      code: '',
      appended: 'none',
      calls: 1,
    })
    expect(body.rows.at(-1).hour).toBe(HOUR)
  })

  it('shows hours that begin at `after` or later, and before `until`, whatever lies between', async () => {
    const seen = async (query: string) =>
      (await read(query)).body.rows.map(
        (it: Row) => `${String(it['hour']).slice(11, 13)}${it['contract_id']}${it['calls']}`,
      )
    expect(await seen('after=2030-01-01T09:00:00Z&until=2030-01-01T10:00Z')).toEqual([
      '09x1',
      '09y5',
      '09z1',
    ])
    expect(await seen('until=2030-01-01T09:00:00.000Z')).toEqual(['08x1', '08y1', '08z1'])
    expect(await seen('after=2030-01-01T10:00:00Z&pageSize=3')).toEqual(['10x1', '10y1', '10z1'])
    expect(await seen('after=2500-01-01T00:00Z&until=2500-01-02T00:00Z')).toEqual([])
  })

  it.each([1, 2, 3, 8, 9, 10])('shows every row once on pages of %i', async (pageSize) => {
    const range = 'after=2030-01-01T00:00Z&until=2030-01-02T00:00Z'
    const whole = (await read(range)).body.rows
    expect(whole).toHaveLength(9)
    const rows: Row[] = []
    for (let token = ''; ; ) {
      const { body } = await read(`${range}&pageSize=${pageSize}${token && `&pageToken=${token}`}`)
      rows.push(...body.rows)
      if (body.nextPageToken === null) break
      token = body.nextPageToken
    }
    expect(rows).toEqual(whole)
  })

  it('gives no more rows than a page may have', async () => {
    expect((await read('pageSize=1001')).body.code).toBe('schema-invalid')
    await ledger.database.query(`insert into ledger.calls_hourly
      select '2031-01-01T00:00:00Z', 'c' || n, 'DRY_RUN', 'replayed', '', 'none', gen_random_uuid(), 1
      from generate_series(1, 1200) n`)
    const { body } = await read('after=2031-01-01T00:00Z&until=2031-01-01T01:00Z')
    expect(body.rows).toHaveLength(1_000)
    expect(body.nextPageToken).toMatch(/./)
  })

  const token = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url')
  it.each([
    ['after=yesterday', 'a whole hour in UTC'],
    ['after=2030-01-01T09:30:00Z', 'a whole hour in UTC'],
    ['after=2030-01-01T09:00:00%2B01:00', 'a whole hour in UTC'],
    ['after=2030-02-30T09:00:00Z', 'a whole hour in UTC'],
    ['until=2030-01-01T24:00:00Z', 'a whole hour in UTC'],
    ['after=0000-01-01T09:00:00Z', 'a whole hour in UTC'],
    ['after=2030-01-01T09:00Z&until=2030-01-01T09:00Z', 'must lie before until'],
    ['after=2030-01-01T09:00Z&until=2030-01-01T08:00Z', 'must lie before until'],
    ['pageSize=0', 'pageSize'],
    ['groupBy=hour', 'groupBy'],
    ['pageToken=x', 'pageToken'],
    ['pageToken=%00', 'pageToken'],
    [`pageToken=${token(['2030-02-30T09:00:00.000Z', '', '', '', '', ''])}`, 'pageToken'],
    [`pageToken=${token(['2030-01-01T09:00:00.000Z', '', '', '', ''])}`, 'pageToken'],
    [`pageToken=${token(['2030-01-01T09:00:00.000Z', '', '', '', '', '\u0000'])}`, 'pageToken'],
    [`pageToken=${token(['2030-01-01T09:00:00.000Z', '', '', '', '', 1])}`, 'pageToken'],
    [`pageToken=${'x'.repeat(1_001)}`, 'pageToken'],
  ])('refuses %s', async (query, why) => {
    const { status, body } = await read(query)
    expect([status, body.code]).toEqual([422, 'schema-invalid'])
    expect(body.detail).toContain(why)
  })

  it('leads from another view to what lists them', async () => {
    for (const view of ['dispatches_v1', 'nothing', 'calls_hourly_v1%20']) {
      const { status, body } = await ledger.ask('GET', `/v1/analytics/${view}`)
      expect([status, body.code]).toEqual([404, 'not-found'])
      expect(body.detail).toContain('GET /v1/analytics lists the views')
    }
  })
})

describe('GET /v1/analytics', () => {
  it('lists every view with its columns, in the words of docs/read-models.md', async () => {
    const views: Reply['body'][] = await until(async () => {
      const { body } = await ledger.ask('GET', '/v1/analytics')
      return body.views.length === 5 && body.views
    })
    const listed: string[] = views.flatMap((view) => [
      `| \`${view.name}\` | | ${view.description} |`,
      ...view.columns.map(
        (it: Reply['body']) => `| \`${view.name}\` | \`${it.name}\` | ${it.description} |`,
      ),
    ])
    const documented = readFileSync('docs/read-models.md', 'utf8')
      .split('\n')
      .filter((line) => /^\| `\w+_v1`/.test(line))
    expect(listed.toSorted()).toEqual(documented.toSorted())
    expect(views.filter((it) => it.rows !== null).map((it) => it.rows)).toEqual([
      '/v1/analytics/calls_hourly_v1',
    ])
    const counts = views.find((it) => it.name === 'calls_hourly_v1')
    expect(counts.columns.at(-1)).toMatchObject({ name: 'calls', type: 'bigint' })
  })
})

describe('who may read what analysts read', () => {
  const paths = ['/v1/analytics', '/v1/analytics/calls_hourly_v1']

  it.each([
    ['analyst', [200, 200]],
    ['operator', [403, 403]],
    ['dispatcher', [403, 403]],
  ])('a key of the role %s: %j', async (role, wanted) => {
    const { key } = (await ledger.ask('POST', '/v1/keys', { name: 'n', role })).body
    const replies = await Promise.all(paths.map((it) => ledger.ask('GET', it, undefined, { key })))
    expect(replies.map((it) => it.status)).toEqual(wanted)
  })

  it('no key that is limited to namespaces: counts are of all of them', async () => {
    const key = await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:a'] })
    for (const path of paths) {
      const { status, body } = await ledger.ask('GET', path, undefined, { key })
      expect([status, body.code]).toEqual([403, 'forbidden'])
      expect(body.detail).toContain('limited to namespaces')
    }
  })
})

it('an hour begins at its first moment, by the clock of the server that answers', async () => {
  const command = sampleCommand({ occurrence: 'next-hour' })
  await ledger.dispatch(command)
  await written()
  shiftMs += HOUR_MS
  await ledger.dispatch(command)
  const { rows } = await written(ledger, 'after=2040-05-05T11:00Z')
  expect(rows).toMatchObject([{ hour: '2040-05-05T11:00:00.000Z', outcome: 'replayed', calls: 1 }])
})
