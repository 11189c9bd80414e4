import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOnly } from '../../domain/gates/read-only.ts'
import {
  SPECIMEN_COMMAND,
  SPECIMEN_MANIFESTS,
  specimenControl,
} from '../../domain/gates/specimen.ts'
import type { Json } from '../../domain/json.ts'
import { createSource, type Source } from '../../src/executors/sql-read/source.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { ExecutorFailure, type Report } from '../../src/ports.ts'
import {
  HOSTILE_SQL,
  type HostileEntry,
  type HostileStop,
  isRun,
  judgedAs,
  LATER_LAYERS,
} from '../support/hostile-corpus.ts'
import { createHostileShop } from '../support/hostile-shop.ts'
import { createListener, type Listener } from '../support/listener.ts'
import { sqlPlan } from '../support/sql-plan.ts'
import { createSqlSource, type Login, type SqlSource } from '../support/sql-source.ts'
import { type DatabaseWatch, watchDatabase } from '../support/watched-database.ts'

const never = () => new AbortController().signal
const ENTRIES = HOSTILE_SQL.flatMap(({ entries }) => entries)

let shop: SqlSource
let reader: Login
let watch: DatabaseWatch
let listener: Listener
let before: string
beforeAll(async () => {
  shop = await createSqlSource()
  reader = await createHostileShop(shop)
  listener = await createListener(await shop.login(), 'corpus')
  watch = watchDatabase(shop.database)
  before = await watch.digest()
})
afterAll(async () => {
  await listener.end()
  await shop.drop()
})

const urlOf = ({ as }: HostileEntry): string =>
  as === 'superuser' ? shop.database.ownerUrl : reader.url

const SHORT_MS = 60
const limitsOf = ({ stoppedBy }: HostileEntry) => ({
  timeMs: stoppedBy.some((it) => 'failure' in it && it.failure === 'timeout time')
    ? SHORT_MS
    : 5_000,
  rows: 1_000,
  outputBytes: 65_536,
})

/** How it ended, in the words of the corpus. */
async function endOf(
  asked: Promise<Pick<Report, 'verdict' | 'output' | 'evidence'>>,
): Promise<HostileStop> {
  try {
    const { verdict, output, evidence } = await asked
    const broken = Object.entries(evidence).filter(([, one]) => !one.holds)
    if (broken.length > 0) return { evidence: broken.map(([name]) => name) } as HostileStop
    if (verdict === 'would_succeed') return { leaves: 'nothing' }
    return { sqlstate: (output as { error: { sqlstate: string } }).error.sqlstate }
  } catch (error) {
    if (!(error instanceof ExecutorFailure)) throw error
    const { failure, code } = error
    return failure === 'threw'
      ? { sqlstate: code }
      : ({ failure: `${failure} ${code}` } as HostileStop)
  }
}

const withoutWhy = (stop: HostileStop): unknown => {
  const { why: _, ...rest } = stop as HostileStop & { why?: string }
  return rest
}

/** It was not refused, and so could have left something. */
const mayRun = (stop: HostileStop): boolean => 'leaves' in stop || 'evidence' in stop

/** What the sessions of a login have that nobody gave them, and how many advisory locks there are. */
const TRACES = `select
  (select count(*)::int from pg_catalog.pg_locks
    where locktype = 'advisory' and database =
      (select oid from pg_catalog.pg_database where datname = current_database())) as locks,
  (select count(*)::int from pg_catalog.pg_cursors where is_holdable) as cursors,
  (select count(*)::int from pg_catalog.pg_prepared_statements) as statements,
  (select count(*)::int from pg_catalog.pg_listening_channels()) as channels,
  current_user = session_user as self,
  (select json_object_agg(name, setting order by name) from pg_catalog.pg_settings
    where source = 'session' and not name = any ($1::text[])) as settings`

/** Settings that each question has of its own. */
const OWN_SETTINGS = `{application_name,DateStyle,IntervalStyle,TimeZone,bytea_output,extra_float_digits,
  idle_in_transaction_session_timeout,search_path,standard_conforming_strings,statement_timeout,
  transaction_isolation,transaction_read_only,transaction_deferrable}`

const tracesOf = async (source: Source): Promise<Json> => {
  const limits = { timeMs: 5_000, rows: 10, outputBytes: 65_536 }
  const question = { sql: TRACES, values: [OWN_SETTINGS], limits }
  const { output } = await source.ask(question, never())
  return output
}

describe('the corpus', () => {
  it('has at least 150 entries, each with a name of its own', () => {
    expect(ENTRIES.length).toBeGreaterThanOrEqual(150)
    for (const { category, entries } of HOSTILE_SQL) {
      const names = entries.map(({ name }) => name)
      expect(new Set(names).size, category).toBe(names.length)
    }
  })

  it('names a layer for each entry, and the role for each that a superuser asks', () => {
    const layers = (entry: HostileEntry) => entry.refusedBy.slice(judgedAs(entry) === null ? 0 : 1)
    const unknown = ENTRIES.filter((it) => !layers(it).every((one) => LATER_LAYERS.includes(one)))
    expect(unknown.map(({ name }) => name)).toEqual([])
    const strong = ENTRIES.filter((it) => it.as === 'superuser')
    expect(strong.length).toBeGreaterThan(20)
    expect(strong.filter((it) => !it.refusedBy.includes('role'))).toEqual([])
  })

  it('says why, where more than one end is right', () => {
    const open = ENTRIES.filter(({ stoppedBy }) => stoppedBy.length > 1)
    expect(open.flatMap(({ stoppedBy }) => stoppedBy).filter((it) => !('why' in it))).toEqual([])
  })

  it('names no statement that only its role keeps away and that was not tried', () => {
    const untried = ENTRIES.filter((it) => !isRun(it) && judgedAs(it) === null)
    expect(untried).toEqual([])
  })
})

const gateOn = (facts: Json) =>
  readOnly.judge({
    command: SPECIMEN_COMMAND,
    control: specimenControl({
      manifests: [
        { ...SPECIMEN_MANIFESTS.contract, executor: 'sql-read' },
        SPECIMEN_MANIFESTS.fixture,
        { ...SPECIMEN_MANIFESTS.target, executor: 'sql-read' },
      ],
    }),
    seen: { sideEffects: 'none', facts },
  })

describe('with all layers on', () => {
  let executors: Readonly<Record<HostileEntry['as'], ReturnType<typeof createSqlRead>>>
  beforeAll(() => {
    executors = {
      reader: createSqlRead({ shop: reader.url }),
      superuser: createSqlRead({ shop: shop.database.ownerUrl }),
    }
  })
  afterAll(async () => {
    await executors.reader.close()
    await executors.superuser.close()
  })

  const planOf = (entry: HostileEntry) =>
    sqlPlan(entry.sql, { schemas: ['shop'], limits: limitsOf(entry) })

  describe.each(HOSTILE_SQL)('$category', ({ entries }) => {
    it.each(entries)('$name', async (entry) => {
      const executor = executors[entry.as]
      const facts = (await executor.facts(planOf(entry))) as { sql: Json; source: Json }
      const why = judgedAs(entry)
      expect(facts.sql).toEqual(
        why === null ? { allowed: true, schemas: expect.any(Array) } : { allowed: false, why },
      )
      if (why !== null) expect(gateOn(facts)).toMatchObject({ code: 'sql-not-allowed' })
      if (entry.refusedBy.includes('role')) {
        const { source } = (await executor.facts(sqlPlan('select 1'))) as { source: Json }
        const refused = gateOn({ sql: { allowed: true, schemas: [] }, source })
        expect(refused).toMatchObject({ code: 'executor-unsafe' })
      } else if (why === null) {
        expect(gateOn(facts)).toMatchObject({ outcome: 'pass' })
        const asked = executor.dryRun(planOf(entry), never())
        expect(entry.stoppedBy.map(withoutWhy)).toContainEqual(await endOf(asked))
      }
    })
  })
})

describe('with the SQL judge and the gate switched off', () => {
  it('the database is as it was before all the layers were tried', async () => {
    expect(await watch.digest()).toBe(before)
  })

  let shared: Source
  beforeAll(() => {
    shared = createSource(reader.url)
  })
  afterAll(() => shared.close())

  /** What a session wrote is counted when it ends: what may run has one of its own. */
  const isAlone = (entry: HostileEntry) => entry.as === 'superuser' || entry.stoppedBy.some(mayRun)

  const asked = HOSTILE_SQL.map(({ category, entries }) => ({
    category,
    entries: entries.filter(isRun),
  }))

  describe.each(asked)('$category', ({ entries }) => {
    it.each(entries)('$name', async (entry) => {
      const question = { sql: entry.sql, values: [], limits: limitsOf(entry) }
      const ends = entry.stoppedBy.map(withoutWhy)
      if (!isAlone(entry)) {
        expect(ends).toContainEqual(await endOf(shared.ask(question, never())))
        return
      }
      const source = createSource(urlOf(entry))
      try {
        const traces = await tracesOf(source)
        expect(ends).toContainEqual(await endOf(source.ask(question, never())))
        expect(await tracesOf(source)).toEqual(traces)
      } finally {
        await source.close()
      }
      if (entry.stoppedBy.some(mayRun)) expect(await watch.digest()).toBe(before)
    })

    it('leaves the database as it was', async () => {
      expect(await watch.digest()).toBe(before)
    })
  })

  it('nobody was told anything by any of them, though whoever listens hears what is told', async () => {
    expect(await listener.heard()).toEqual([])
    await shop.database.query(`notify corpus, 'told'`)
    expect(await listener.heard()).toEqual(['told'])
  })
})

describe('what the judge took for a string', () => {
  it('is one for a database that would take it for a call', async () => {
    const name = new URL(shop.database.ownerUrl).pathname.slice(1)
    await shop.database.admin(`alter database ${name} set standard_conforming_strings = off`)
    const executor = createSqlRead({ shop: reader.url })
    try {
      const plan = sqlPlan(`select 'a\\'', pg_sleep(60) --' as it`)
      expect(await executor.facts(plan)).toMatchObject({ sql: { allowed: true } })
      const { output } = await executor.dryRun(plan, never())
      expect(output).toEqual({ rows: [{ it: `a\\', pg_sleep(60) --` }] })
    } finally {
      await executor.close()
      await shop.database.admin(`alter database ${name} reset standard_conforming_strings`)
    }
  })
})
