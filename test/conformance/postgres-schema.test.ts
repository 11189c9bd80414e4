import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import type { Json } from '../../domain/json.ts'
import type { DispatchAppend } from '../../src/ports.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import {
  createPostgresEventStore,
  type PostgresEventStore,
} from '../../src/stores/postgres/event-store.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { openLedger } from '../support/ledger.ts'
import { until } from '../support/until.ts'
import { controlAppend, dispatchAppend, newStream, newStreams, WHOLE_LIFE } from './appends.ts'
import { collect } from './event-store.ts'

let database: TestDatabase
let store: PostgresEventStore
let superuser: pg.Client
let runtime: pg.Client
beforeAll(async () => {
  database = await createDatabase()
  store = createPostgresEventStore(database.runtimeUrl)
  superuser = await connect(database.ownerUrl)
  runtime = await connect(database.runtimeUrl)
  await store.appendControl(controlAppend(-1))
  await store.appendDispatch(dispatchAppend(newStream(), { controlRevision: 0, types: WHOLE_LIFE }))
})
afterAll(async () => {
  await Promise.all([store.close(), superuser.end(), runtime.end()])
  await database.drop()
})

const INSUFFICIENT_PRIVILEGE = '42501'

describe('the log cannot be changed', () => {
  it.each([
    `update ledger.commits set events = '[]'`,
    'update ledger.commits set position = position + 1 where false',
    'delete from ledger.commits',
    'truncate ledger.commits',
    'merge into ledger.commits using (values (1)) as v on true when matched then delete',
    'delete from ledger.head',
    'truncate ledger.head',
    'insert into ledger.head values (0, -1, null, null)',
  ])('by the superuser, who meets a trigger: %s', async (text) => {
    const before = await contents()
    const message = expect.stringContaining('the log is append-only')
    const refused = { code: INSUFFICIENT_PRIVILEGE, message }
    await expect(superuser.query(text)).rejects.toMatchObject(refused)
    expect(await contents()).toEqual(before)
  })

  it.each([
    `update ledger.commits set events = '[]'`,
    'delete from ledger.commits',
    'truncate ledger.commits',
    `insert into ledger.commits values (99, 'control', 1, 1, gen_random_uuid(), now(), '[]')`,
    'update ledger.head set control_revision = -1',
    'delete from ledger.head',
    'truncate ledger.head',
    'insert into ledger.head values (0, -1, null, null)',
    'select * from ledger.head for update',
    'do $$ begin lock table ledger.head in access exclusive mode; end $$',
    'alter table ledger.commits disable trigger all',
    'drop table ledger.commits',
    'create table ledger.mine ()',
    `update ledger.migrations set sha256 = ''`,
    'delete from ledger.access_keys',
    `insert into ledger.access_keys values ('aaaaaaaaaaaa', 'n', sha256(''), '{}', '{}', now())`,
    'set session_replication_role = replica',
    'set role ledger_owner',
  ])('by the runtime login, which may not try: %s', async (text) => {
    const before = await contents()
    const message = expect.stringMatching(/permission denied|must be owner/)
    const refused = { code: INSUFFICIENT_PRIVILEGE, message }
    await expect(runtime.query(text)).rejects.toMatchObject(refused)
    expect(await contents()).toEqual(before)
  })

  it('by any role: what is granted on its tables is SELECT', async () => {
    const granted = await superuser.query(`
      select distinct c.relname, a.grantee::regrole::text as grantee, a.privilege_type as may
      from pg_class c cross join lateral aclexplode(c.relacl) a
      where c.relnamespace = 'ledger'::regnamespace and a.grantee <> c.relowner
      order by 1, 2, 3`)
    const rows = granted.rows as { relname: string; grantee: string; may: string }[]
    expect(rows.filter((row) => row.may !== 'SELECT')).toEqual([])
    const writer = rows.filter((row) => row.grantee === 'ledger_writer').map((row) => row.relname)
    expect(writer).toEqual(['access_keys', 'commits', 'events', 'head', 'migrations'])
    const projector = rows.filter((row) => row.grantee === 'ledger_projector')
    expect(projector.map((row) => row.relname)).toEqual([
      'calls_hourly',
      'commits',
      'events',
      'head',
    ])
    const auditor = rows.filter((row) => row.grantee === 'ledger_auditor')
    expect(auditor.map((row) => row.relname)).toEqual(['access_log', 'events'])
    expect(new Set(rows.map((row) => row.grantee)).size).toBe(3)
    const columns = await superuser.query(
      `select attname from pg_attribute join pg_class c on c.oid = attrelid
        where c.relnamespace = 'ledger'::regnamespace and attacl is not null`,
    )
    expect(columns.rows).toEqual([])
  })

  it('by a function but append: of the others that the runtime login may call none writes the log', async () => {
    const functions = await runtime.query(`
      select proname, prosecdef, proconfig, has_function_privilege(oid, 'execute') as callable
      from pg_proc where pronamespace = 'ledger'::regnamespace order by proname`)
    const callable = functions.rows.filter((row) => row.callable)
    expect(callable.map((row) => row.proname)).toEqual([
      'append',
      'count_calls',
      'create_key',
      'is_dry_run_namespace',
      'load',
      'log_access',
      'revoke_key',
      'touch_keys',
    ])
    const privileged = functions.rows.filter((row) => row.prosecdef)
    expect(privileged.map((row) => row.proname)).toEqual([
      'append',
      'count_calls',
      'create_key',
      'log_access',
      'revoke_key',
      'touch_keys',
    ])
    for (const { proconfig } of functions.rows) {
      expect(proconfig).toContain('search_path=pg_catalog, pg_temp')
    }
  })

  async function contents() {
    const commits = await superuser.query('select * from ledger.commits order by position')
    const head = await superuser.query('select * from ledger.head')
    const keys = await superuser.query('select * from ledger.access_keys')
    return [commits.rows, head.rows, keys.rows]
  }
})

describe('ledger.append', () => {
  it.each(['repeatable read', 'serializable', 'read uncommitted'])(
    'raises in a transaction that is %s, and writes nothing',
    async (level) => {
      const head = await store.head()
      const append = dispatchAppend(newStream(), { controlRevision: head.control.revision })
      await runtime.query(`begin isolation level ${level}`)
      const message = `ledger.append needs READ COMMITTED, not ${level}`
      await expect(sendAll([append])).rejects.toMatchObject({ code: 'P0001', message })
      await runtime.query('rollback')
      expect(await store.head()).toEqual(head)
    },
  )

  it('answers each request of a statement by itself, in order', async () => {
    const { control, position } = await store.head()
    const at = { controlRevision: control.revision }
    const [taken, ...fresh] = newStreams(6)
    const known = dispatchAppend(taken ?? '', { ...at, types: WHOLE_LIFE })
    const { recordedAt } = (await store.appendDispatch(known)) as { recordedAt: string }
    const [a = '', b = '', c = '', d = '', e = ''] = fresh
    const answers = await sendAll([
      dispatchAppend(a, { ...at, types: ['Planned', 'PreflightPassed'] }),
      dispatchAppend(b, { ...at, expected: 4 }),
      known,
      dispatchAppend(c, { controlRevision: control.revision - 1 }),
      dispatchAppend(d, { types: ['Refused'] }),
      dispatchAppend(e, { ...at, types: WHOLE_LIFE }),
    ])
    expect(answers.map((it) => it.ordinal)).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(answers.map((it) => it.outcome)).toEqual([
      'appended',
      'conflict',
      'appended',
      'stale',
      'appended',
      'appended',
    ])
    const positions = [5, null, 3, null, 6, 9].map((n) => (n === null ? n : String(position + n)))
    expect(answers.map((it) => it.position)).toEqual(positions)
    expect(answers[1]?.revision).toBe(-1)
    expect(answers[2]?.recorded_at.toISOString()).toBe(recordedAt)
    expect(answers[3]?.control_revision).toBe(control.revision)
    const read = await collect(store.read({ after: position + 3 }))
    expect(read.map((event) => event.stream)).toEqual([a, a, d, e, e, e])
    expect(read.map((event) => event.revision)).toEqual([0, 1, 0, 0, 1, 2])
    expect((await store.head()).position).toBe(position + 9)
  })

  it('takes an append to control only alone', async () => {
    const head = await store.head()
    const at = { controlRevision: head.control.revision }
    const control = { ...controlAppend(head.control.revision), ...CONTROL }
    const both = [dispatchAppend(newStream(), at), control]
    const message = 'an append to control travels alone'
    await expect(sendAll(both)).rejects.toMatchObject({ code: 'P0001', message })
    await expect(sendAll(both.toReversed())).rejects.toMatchObject({ code: 'P0001', message })
    expect(await store.head()).toEqual(head)
  })

  it('writes nothing of a statement that has two requests for one place', async () => {
    const head = await store.head()
    const at = { controlRevision: head.control.revision }
    const stream = newStream()
    const twice = [newStream(), stream, stream].map((it) => dispatchAppend(it, at))
    await expect(sendAll(twice)).rejects.toMatchObject({ code: '23505' })
    expect(await store.head()).toEqual(head)
    expect((await store.load(stream)).events).toEqual([])
  })

  it('keeps the text of the events to the byte', async () => {
    const { control } = await store.head()
    const output = { b: 1e21, a: ['\u2028', 'é', 'e\u0301'], '': { z: 5e-324, y: '😀' } }
    const at = { controlRevision: control.revision, types: ['DryRunRecorded' as const], output }
    const append = dispatchAppend(newStream(), at)
    await store.appendDispatch(append)
    const text = 'select events, count, revision from ledger.commits where stream = $1'
    const { rows } = await superuser.query(text, [append.stream])
    expect(rows).toEqual([{ events: JSON.stringify(append.events), count: 1, revision: 0 }])
  })

  it('notifies once for a statement that wrote, and never for one that did not', async () => {
    const listener = await connect(database.runtimeUrl)
    const heard: (string | undefined)[] = []
    listener.on('notification', (it) => heard.push(it.payload))
    await listener.query('listen ledger')
    const { control } = await store.head()
    const at = { controlRevision: control.revision }
    await sendAll([dispatchAppend(newStream(), { ...at, expected: 7 })])
    await sendAll(newStreams(3).map((stream) => dispatchAppend(stream, at)))
    await superuser.query(`notify ledger, 'the end'`)
    await until(() => heard.includes('the end'))
    await listener.end()
    expect(heard).toEqual(['', 'the end'])
  })

  it('never writes an earlier time than the last one, whatever the clock says', async () => {
    const future = '2090-01-02T03:04:05.678Z'
    await superuser.query('update ledger.head set recorded_at = $1', [future])
    const { control } = await store.head()
    const append = dispatchAppend(newStream(), { controlRevision: control.revision })
    expect(await store.appendDispatch(append)).toMatchObject({ recordedAt: future })
    expect((await store.load(append.stream)).events[0]?.recordedAt).toBe(future)
    expect((await store.head()).recordedAt).toBe(future)
  })

  const CONTROL = { stream: CONTROL_STREAM, controlRevision: null }
  type AppendRow = Readonly<{
    ordinal: string
    outcome: string
    position: string | null
    revision: number
    control_revision: number
    recorded_at: Date
  }>
  /** One statement with all of them, as the runtime login. */
  async function sendAll(appends: readonly DispatchAppend[]): Promise<readonly AppendRow[]> {
    const columns = [
      appends.map((it) => it.stream),
      appends.map((it) => it.expected),
      appends.map((it) => it.events.length),
      appends.map((it) => it.callId),
      appends.map((it) => it.controlRevision),
      appends.map((it) => JSON.stringify(it.events)),
    ]
    const text = 'select * from ledger.append($1, $2, $3, $4, $5, $6)'
    return (await runtime.query<AppendRow>(text, columns)).rows
  }
})

describe('ledger.load', () => {
  it('gives the commits of several streams, each after its own revision, with the tip', async () => {
    const { control } = await store.head()
    const at = { controlRevision: control.revision }
    const [long, short, none] = newStreams(3) as [string, string, string]
    await store.appendDispatch(dispatchAppend(long, { ...at, types: ['Planned'] }))
    await store.appendDispatch(dispatchAppend(long, { ...at, expected: 0, types: WHOLE_LIFE }))
    await store.appendDispatch(dispatchAppend(short, { ...at, types: WHOLE_LIFE }))
    const asked = [long, none, short, long, short]
    const after = [-1, -1, 2, 2, 0]
    const { rows } = await runtime.query('select * from ledger.load($1, $2)', [asked, after])
    expect(rows.map((row) => [row.ordinal, row.stream, row.revision, row.count])).toEqual([
      ['1', long, 0, 1],
      ['1', long, 1, 3],
      ['2', none, null, null],
      ['3', short, null, null],
      ['4', long, 1, 3],
      ['5', short, 0, 3],
    ])
    for (const row of rows) {
      expect(row).toMatchObject({
        control_revision: control.revision,
        control_event_id: control.eventId,
      })
    }
  })
})

describe('the view ledger.events', () => {
  it('gives what the store reads, one row an event', async () => {
    const { control } = await store.head()
    const output: Json = { z: [1e21, 0.1, null], a: { '': '\u2028 é 😀 "\\' }, constructor: true }
    const at = { controlRevision: control.revision, types: WHOLE_LIFE, output }
    await store.appendDispatch(dispatchAppend(newStream(), at))
    await store.appendControl(controlAppend(control.revision, ['HALTED', 'DRY_RUN_ONLY']))
    const view =
      await superuser.query(`select id, stream, revision, position::int, type, recorded_at,
      data, actor, correlation_id, schema_version, call_id from ledger.events order by position`)
    const read = await collect(store.read({ after: 0 }))
    expect(read.length).toBeGreaterThan(5)
    expect(view.rows).toEqual(
      read.map(({ metadata, recordedAt, ...event }) => ({
        ...event,
        recorded_at: new Date(recordedAt),
        actor: metadata.actor,
        correlation_id: metadata.correlationId,
        schema_version: metadata.schemaVersion,
        call_id: metadata.callId,
      })),
    )
  })
})

describe('what analysts see', () => {
  it('is the views of analytics, every one of them and every column explained', async () => {
    const ledger = await openLedger()
    const analyst = await connect(ledger.database.ownerUrl)
    try {
      const views = `select c.oid, c.relname, obj_description(c.oid) as comment from pg_class c
        where relnamespace = to_regnamespace('analytics') and relkind in ('v', 'm') order by relname`
      const made = await until(async () => {
        const found = (await analyst.query(views)).rows
        return found.length === PROJECTIONS.length + 1 && found
      })
      expect(made.map((view) => view.relname)).toEqual(
        ['calls_hourly', ...PROJECTIONS.map((it) => it.name)].map((it) => `${it}_v1`).toSorted(),
      )
      expect(made.filter((view) => !view.comment)).toEqual([])
      const columns = await analyst.query(
        `select attrelid::regclass::text as view, attname, col_description(attrelid, attnum) as comment
          from pg_attribute where attrelid = any($1) and attnum > 0 and not attisdropped`,
        [made.map((view) => view.oid)],
      )
      expect(columns.rows.length).toBeGreaterThan(10)
      expect(columns.rows.filter((column) => !column.comment)).toEqual([])

      await analyst.query('set role ledger_analyst')
      for (const { relname } of made) {
        expect((await analyst.query(`select * from analytics.${relname}`)).rows).toEqual([])
      }
    } finally {
      await analyst.end()
      await ledger.close()
    }
  })

  it('is nothing of the schema ledger', async () => {
    const analyst = await connect(database.ownerUrl)
    try {
      const relations = await analyst.query(`select relname from pg_class
        where relnamespace = 'ledger'::regnamespace and relkind in ('r', 'v', 'm', 'p')`)
      await analyst.query('set role ledger_analyst')
      expect(relations.rows.length).toBeGreaterThanOrEqual(5)
      for (const { relname } of relations.rows) {
        await expect(analyst.query(`select * from ledger.${relname}`)).rejects.toMatchObject({
          code: INSUFFICIENT_PRIVILEGE,
        })
      }
      const call = analyst.query(`select * from ledger.load('{control}', '{-1}')`)
      await expect(call).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE })
    } finally {
      await analyst.end()
    }
  })
})

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}
