import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Recorded } from '../../domain/events.ts'
import type { Projection } from '../../projections/projection.ts'
import { applyBatch } from '../../src/projector/apply-batch.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import { ensureTables, type FollowerPosition } from '../../src/projector/tables.ts'
import { createDatabase } from '../support/database.ts'
import { eventsAfter, headOf } from '../support/front-door.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let ledger: TestLedger
let query: TestLedger['database']['query']
beforeAll(async () => {
  ledger = await openReadyLedger({ calls: { everyMs: 20 } })
  query = ledger.database.query
  for (let n = 0; n < 6; n++) {
    const command = sampleCommand({ occurrence: `${n}`, params: { say: 'a', fail: n === 1 } })
    await ledger.dispatch(command)
    await ledger.dispatch({ ...command, mode: 'REAL_RUN' })
    await ledger.dispatch({ ...command, target: `sample/none-${n}` })
  }
  await ledger.setSwitch('HALTED')
  await ledger.dispatch(sampleCommand({ occurrence: 'halted' }))
  await ledger.setSwitch('DRY_RUN_ONLY')
  await caughtUp()
  await until(async () => (await query('select from analytics.calls_hourly_v1')).length > 0)
})
afterAll(() => ledger.close())

async function caughtUp(): Promise<void> {
  await until(async () => {
    const { body } = await ledger.ask('GET', '/v1/projections')
    return body.projections.every((it: Reply['body']) => it.lag.positions === 0)
  })
}

describe('a member of ledger_analyst', () => {
  const login = `analyst_${randomBytes(4).toString('hex')}`
  let analyst: pg.Client
  beforeAll(async () => {
    await ledger.database.admin(`create role ${login} login password 'x' in role ledger_analyst`)
    const url = new URL(ledger.database.ownerUrl)
    url.username = login
    url.password = 'x'
    analyst = new pg.Client({ connectionString: url.href })
    await analyst.connect()
  })
  afterAll(async () => {
    await analyst.end()
    await ledger.database.admin(`drop role ${login}`)
  })

  /** What is refused says so with 42501; everything else is told as it is. */
  const attempt = async (text: string): Promise<string> => {
    try {
      await analyst.query('begin')
      await analyst.query(text)
      return 'allowed'
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    } finally {
      await analyst.query('rollback')
    }
  }
  const OWN_SCHEMAS = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`
  const relations = () =>
    query<{ name: string; kind: string; column: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind,
         (select quote_ident(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum = 1) as column
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where ${OWN_SCHEMAS} and c.relkind in ('r', 'v', 'm', 'p', 'f', 'S') order by 1`,
    )

  it('reads the views of analytics, and no other table, view or sequence', async () => {
    const found = await relations()
    const read: string[] = []
    for (const { name } of found) {
      const outcome = await attempt(`select * from ${name} limit 1`)
      if (outcome === 'allowed') read.push(name)
      else expect({ name, outcome }).toEqual({ name, outcome: '42501' })
    }
    const views = ['calls_hourly', ...PROJECTIONS.map((it) => it.name)]
    expect(read).toEqual(views.map((it) => `analytics.${it}_v1`).toSorted())
    expect(found.map((it) => it.name)).toEqual(
      expect.arrayContaining([
        'ledger.commits',
        'ledger.access_keys',
        'ledger.calls_hourly',
        'rm_outputs_v2.outputs',
      ]),
    )
  })

  it('writes nothing, nowhere', async () => {
    for (const { name, kind, column } of await relations()) {
      const writes =
        kind === 'S'
          ? [`select nextval('${name}')`, `select setval('${name}', 9)`]
          : [
              `insert into ${name} default values`,
              `update ${name} set ${column} = ${column}`,
              `delete from ${name}`,
              `lock table ${name} in access exclusive mode`,
              ...(kind === 'v' ? [] : [`truncate ${name}`, `drop table ${name}`]),
              `create trigger t before insert on ${name} execute function ledger.refuse_change()`,
            ]
      for (const text of writes) {
        const outcome = await attempt(text)
        // A view that joins or unfolds cannot be written by anybody: 55000.
        expect({ text, refused: ['42501', '55000', '42809'].includes(outcome) }).toEqual({
          text,
          refused: true,
        })
      }
    }
  })

  it('calls none of the functions', async () => {
    const functions = await query<{ call: string; name: string }>(
      `select p.oid::regprocedure::text as name, format('%I.%I(%s)', n.nspname, p.proname,
         (select string_agg('null::' || format_type(t, null), ', ' order by i)
          from unnest(p.proargtypes::oid[]) with ordinality as a(t, i))) as call
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OWN_SCHEMAS}`,
    )
    expect(functions.map((it) => it.name)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^ledger\.append\(/)]),
    )
    for (const { call } of functions) {
      expect({ call, outcome: await attempt(`select ${call}`) }).toEqual({ call, outcome: '42501' })
    }
  })

  it('makes nothing in any schema or in the database, and takes no other role', async () => {
    const schemas = await query<{ name: string }>(
      `select quote_ident(n.nspname) as name from pg_namespace n where ${OWN_SCHEMAS}`,
    )
    const roles = ['ledger_owner', 'ledger_writer', 'ledger_projector', 'ledger_auditor']
    const texts = [
      ...schemas.map(({ name }) => `create table ${name}.mine (n int)`),
      'create schema mine',
      ...roles.map((role) => `set role ${role}`),
      'alter role ledger_analyst createdb',
      'grant ledger_writer to current_user',
    ]
    for (const text of texts) {
      expect({ text, outcome: await attempt(text) }).toEqual({ text, outcome: '42501' })
    }
  })

  describe('finds in docs/read-models.md', () => {
    const document = readFileSync('docs/read-models.md', 'utf8')

    it('every view and column with its comment, and no other', async () => {
      const listed = [...document.matchAll(/^\| `(\w+)` \| (?:`(\w+)` )?\| (.*) \|$/gm)].map(
        ([, view, column, comment]) => [view, column ?? null, comment],
      )
      const found = await query<{ view: string; column: string | null; comment: string | null }>(
        `select c.relname as view, a.attname as column, col_description(c.oid, a.attnum) as comment
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
         where c.relnamespace = 'analytics'::regnamespace and c.relkind = 'v'
         union all
         select c.relname, null, obj_description(c.oid) from pg_class c
         where c.relnamespace = 'analytics'::regnamespace`,
      )
      expect(found.filter((it) => (it.comment ?? '') === '')).toEqual([])
      const inDatabase = found.map(({ view, column, comment }) => [view, column, comment])
      expect(listed.map(String).toSorted()).toEqual(inDatabase.map(String).toSorted())
      expect(listed.length).toBeGreaterThan(40)
    })

    it('questions that it can ask, and that have answers', async () => {
      const questions = [...document.matchAll(/```sql\n(select[\s\S]*?)```/g)].map(
        (it) => it[1] ?? '',
      )
      expect(questions).toHaveLength(6)
      for (const text of questions) {
        const { rows } = await analyst.query(text)
        expect({ text, answered: rows.length > 0 }).toEqual({ text, answered: true })
      }
      const digests = questions.find((it) => it.includes('sha256'))
      const { rows } = await analyst.query(digests ?? '')
      expect(rows).toEqual([{ outputs: '6', differing: '0' }])
    })
  })
})

describe('the views', () => {
  it('have flat columns, and times with their zone', async () => {
    const types = await query<{ type: string }>(
      `select distinct format_type(a.atttypid, null) as type from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.relnamespace = 'analytics'::regnamespace order by 1`,
    )
    expect(types.map((it) => it.type)).toEqual([
      'bigint',
      'integer',
      'text',
      'timestamp with time zone',
      'uuid',
    ])
  })

  it('say of every event what each of its gates said', async () => {
    const events = await eventsAfter(ledger, 0)
    const expected = events
      .filter((it) => it.stream !== 'control')
      .flatMap((it) =>
        it.data.snapshot.gates.map((gate: Reply['body'], index: number) =>
          [it.id, index + 1, gate.gate, gate.outcome, gate.revision ?? ''].join(),
        ),
      )
    const rows = await query<{ event_id: string; place: number; gate: string; outcome: string }>(
      'select event_id, place, gate, outcome, revision from analytics.gate_outcomes_v1 order by position, place',
    )
    expect(
      rows.map((it) =>
        Object.values(it)
          .map((value) => value ?? '')
          .join(),
      ),
    ).toEqual(expected)
  })
})

describe('the outputs', () => {
  it.each([
    'PROD:a',
    'DRYRUN-NS:',
    'DRYRUN-NS:a/../b',
    'DRYRUN-NS:A',
    `DRYRUN-NS:${'a/'.repeat(8)}a`,
  ])('take no row of the namespace %s', async (namespace) => {
    const insert = query(
      `insert into rm_outputs_v2.outputs select 9999, event_id, dispatch_id, $1, verdict, output,
           output_digest, executor_type, executor_build, recorded_at from rm_outputs_v2.outputs limit 1`,
      [namespace],
    )
    await expect(insert).rejects.toMatchObject({ code: '23514' })
  })
})

/** Every row of every read model, and where its follower stands. */
async function everything(ask = query): Promise<Record<string, unknown>> {
  const tables = await ask<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname ~ '^rm_'`,
  )
  const all: Record<string, unknown> = {}
  for (const { name } of tables) {
    all[name] = await ask(`select to_json(t)::text as row from ${name} t order by 1`)
  }
  return all
}

describe('read models that are dropped', () => {
  const drop = () =>
    query(`do $$ declare name text; begin
      for name in select nspname from pg_namespace where nspname ~ '^rm_' loop
        execute format('drop schema %I cascade', name);
      end loop; end $$`)

  it('are filled again by the followers as they were', async () => {
    const before = await everything()
    expect(Object.keys(before)).toHaveLength(9)
    await drop()
    await ledger.dispatch(sampleCommand({ occurrence: '0', mode: 'PLAN_ONLY' }))
    await until(
      async () => (await query(`select from pg_namespace where nspname ~ '^rm_'`)).length === 4,
    )
    // Nothing is appended by a replay: the follower hears of the next event.
    const { position } = (await ledger.dispatch(sampleCommand({ occurrence: 'after' }))).body
    await caughtUp()
    expect(position).toBe(await headOf(ledger))
    const added = await everything()
    for (const [table, rows] of Object.entries(before)) {
      if (table.endsWith('.follower')) continue
      expect(added[table]).toEqual(expect.arrayContaining(rows as unknown[]))
    }
  })

  it('are the same in whatever batches they are filled', async () => {
    const events = (await eventsAfter(ledger, 0)) as Recorded[]
    const live = await everything()
    for (let round = 0; round < 3; round++) {
      const other = await createDatabase()
      await asOwner(other.ownerUrl, async (client) => {
        for (const projection of PROJECTIONS) await fill(client, projection, events)
      })
      expect(await everything(other.query)).toEqual(live)
      await other.drop()
    }
  })
})

async function fill(client: pg.Client, projection: Projection, events: readonly Recorded[]) {
  await ensureTables(client, projection)
  let at: FollowerPosition = { position: 0, eventId: null }
  for (let from = 0; from < events.length; ) {
    const batch = events.slice(from, from + 1 + Math.floor(Math.random() * 7))
    from += batch.length
    const last = batch.at(-1) as Recorded
    expect(await applyBatch(client, projection, at, batch as [Recorded, ...Recorded[]])).toBe(true)
    at = { position: last.position, eventId: last.id }
  }
}

async function asOwner(url: string, use: (owner: pg.Client) => Promise<void>): Promise<void> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  try {
    await use(owner)
  } finally {
    await owner.end()
  }
}
