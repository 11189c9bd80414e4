import * as fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fields } from '../../domain/filter/field.ts'
import type { Filter } from '../../domain/filter/filter.ts'
import { parseFilter } from '../../domain/filter/parse-filter.ts'
import type { OrderBy } from '../../domain/filter/parse-order-by.ts'
import { dispatchFields } from '../../projections/dispatches/fields.ts'
import { dispatches } from '../../projections/dispatches/project.ts'
import { dispatchList } from '../../projections/dispatches/query.ts'
import { type List, pageOf } from '../../projections/list.ts'
import { outputs } from '../../projections/outputs/project.ts'
import { outputList } from '../../projections/outputs/query.ts'
import type { Row } from '../../projections/projection.ts'
import { refusals } from '../../projections/refusals/project.ts'
import { refusalList } from '../../projections/refusals/query.ts'
import { type ListQuery, readList } from '../../src/projector/read-models.ts'
import { ensureTables } from '../../src/projector/tables.ts'
import { connect, createPool } from '../../src/stores/postgres/pool.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let owner: pg.Client
let pool: pg.Pool
beforeAll(async () => {
  database = await createDatabase()
  owner = await connect(database.ownerUrl, 'test')
  await owner.query('set role ledger_projector')
  for (const projection of [dispatches, refusals, outputs]) await ensureTables(owner, projection)
  pool = createPool(database.runtimeUrl, 'readers')
})
afterAll(async () => {
  await Promise.all([pool.end(), owner.end()])
  await database.drop()
})

const NAMESPACES = ['a', 'a/b', 'a/b/c', 'ab', 'a-b', 'a.b', 'b'].map((it) => `DRYRUN-NS:${it}`)
const REFUSED = [...NAMESPACES, 'PROD:a', `DRYRUN-NS:a/${'x'.repeat(5_000)}`, 'DRYRUN-NS:a/', '']
const TEXTS = ['a', 'b', 'a/b', 'A', '', "it's", '"', 'é', '💩', '%', '_', '\\']
const uuid = (n: number) => `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`
const moment = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 250).toISOString()
const small = fc.nat({ max: 3 })

const rows: fc.Arbitrary<Row & { output_namespace: string }> = fc
  .record({
    contract_id: fc.constantFrom(...TEXTS),
    contract_version: fc.integer({ min: 1, max: 3 }),
    target: fc.constantFrom(...TEXTS),
    occurrence: fc.constantFrom('', 'x'),
    reached: fc.constantFrom(null, 'Planned', 'PreflightPassed', 'DryRunRecorded'),
    verdict: fc.constantFrom(null, 'would_succeed', 'would_fail'),
    last_refusal: fc.constantFrom(null, ...TEXTS),
    opened: small,
    changed: small,
    allowed: fc.constantFrom(...NAMESPACES),
    refused: fc.constantFrom(...REFUSED),
  })
  .map(({ opened, changed, allowed, refused, ...row }) => ({
    ...row,
    output_namespace: row.reached === null ? refused : allowed,
    opened_at: moment(opened),
    changed_at: moment(changed),
    digest: 'sha256:',
    output_digest: null,
    refusals: 0,
    position: 0,
  }))
type Placed = Row & { dispatch_id: string; output_namespace: string }
const placed = (row: Row & { output_namespace: string }, n: number): Placed => ({
  ...row,
  dispatch_id: uuid(n),
  opened_position: n + 1,
})
const tables = fc
  .array(rows, { minLength: 1, maxLength: 25 })
  .map((all) => all.map((row, n) => placed(row, n)))

async function hold(table: readonly Row[]): Promise<void> {
  await owner.query('delete from rm_dispatches_v2.dispatches')
  await owner.query(
    `insert into rm_dispatches_v2.dispatches
       select * from json_populate_recordset(null::rm_dispatches_v2.dispatches, $1::json)`,
    [JSON.stringify(table)],
  )
}

/** A filter as people write it, as the test means it, and as it is evaluated: one tree. */
const COLUMNS: Readonly<Record<string, string>> = {
  dispatchId: 'dispatch_id',
  'contract.id': 'contract_id',
  'contract.version': 'contract_version',
  target: 'target',
  outputNamespace: 'output_namespace',
  occurrence: 'occurrence',
  reached: 'reached',
  verdict: 'verdict',
  lastRefusal: 'last_refusal',
  openedAt: 'opened_at',
  changedAt: 'changed_at',
}

const ANY_ORDER = ['=', '<', '<=', '>', '>='] as const
const comparison = (
  field: string,
  operators: readonly string[],
  values: fc.Arbitrary<string | number>,
) =>
  fc.record({
    kind: fc.constant('comparison'),
    field: fc.constant(field),
    operator: fc.constantFrom(...operators),
    value: values,
  }) as fc.Arbitrary<Filter>

const leaves: fc.Arbitrary<Filter> = fc.oneof(
  comparison('dispatchId', ['='], fc.nat({ max: 25 }).map(uuid)),
  comparison('contract.id', ['='], fc.constantFrom(...TEXTS)),
  comparison('contract.version', ANY_ORDER, fc.integer({ min: 0, max: 4 })),
  comparison('target', ['='], fc.constantFrom(...TEXTS)),
  comparison('outputNamespace', ['='], fc.constantFrom(...REFUSED.filter((it) => it.length < 200))),
  comparison('outputNamespace', ['within'], fc.constantFrom(...NAMESPACES)),
  comparison('occurrence', ['='], fc.constantFrom('', 'x')),
  comparison('reached', ['='], fc.constantFrom('Planned', 'PreflightPassed', 'DryRunRecorded')),
  comparison('verdict', ['='], fc.constantFrom('would_succeed', 'would_fail')),
  comparison('lastRefusal', ['='], fc.constantFrom(...TEXTS)),
  comparison('openedAt', ANY_ORDER, small.map(moment)),
  comparison('changedAt', ANY_ORDER, small.map(moment)),
  fc
    .constantFrom('reached', 'verdict', 'lastRefusal')
    .map((field): Filter => ({ kind: 'present', field })),
)
const { filter: filters } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    tie('filter').map((part): Filter => ({ kind: 'not', part })),
    fc
      .record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
      })
      .map((it): Filter => it),
  ),
}))

function textOf(filter: Filter): string {
  switch (filter.kind) {
    case 'not':
      return `NOT (${textOf(filter.part)})`
    case 'and':
    case 'or':
      return filter.parts.map((it) => `(${textOf(it)})`).join(` ${filter.kind.toUpperCase()} `)
    case 'present':
      return `${filter.field}:*`
    case 'comparison': {
      const { field, operator, value } = filter
      const quoted = `"${String(value).replaceAll(/["\\]/g, String.raw`\$&`)}"`
      return `${field} ${operator === 'within' ? ':' : operator} ${quoted}`
    }
  }
}

/** What a filter means, without a database. */
function holds(filter: Filter, row: Row): boolean {
  if (filter.kind === 'not') return !holds(filter.part, row)
  if (filter.kind === 'and') return filter.parts.every((it) => holds(it, row))
  if (filter.kind === 'or') return filter.parts.some((it) => holds(it, row))
  const found = row[COLUMNS[filter.field] ?? ''] as string | number | null
  if (filter.kind === 'present' || found === null) return found !== null
  const { operator, value } = filter
  if (operator === 'within') return isAtOrBelow(String(found), String(value))
  return COMPARES[operator](found, value)
}

type Comparable = string | number
const COMPARES = {
  '=': (a: Comparable, b: Comparable) => a === b,
  '<': (a: Comparable, b: Comparable) => a < b,
  '<=': (a: Comparable, b: Comparable) => a <= b,
  '>': (a: Comparable, b: Comparable) => a > b,
  '>=': (a: Comparable, b: Comparable) => a >= b,
}

const isAtOrBelow = (namespace: string, prefix: string): boolean =>
  namespace === prefix || (namespace.startsWith(`${prefix}/`) && namespace !== `${prefix}/`)

const ALL: ListQuery = {
  pageSize: 1_000,
  pageToken: null,
  filter: null,
  orderBy: null,
  within: null,
}
type Listed = Readonly<{ dispatchId: string }>
const idsOf = (found: readonly unknown[]): string[] =>
  (found as Listed[]).map((it) => it.dispatchId)

const list = async (query: Partial<ListQuery>) =>
  await readList(pool, 'dispatches', { ...ALL, ...query })

/** All pages of a list, one after the other. */
async function paged(query: Partial<ListQuery>): Promise<string[]> {
  const seen: string[] = []
  for (let pageToken: string | null = null, pages = 0; pages < 100; pages++) {
    const page = await list({ ...query, pageToken })
    seen.push(...idsOf(page.rows))
    pageToken = page.nextPageToken
    if (pageToken === null) break
  }
  return seen
}

const orders = fc.shuffledSubarray(['contract.id', 'target', 'openedAt', 'changedAt'], {
  maxLength: 3,
})
const orderBys = fc.tuple(orders, fc.infiniteStream(fc.boolean())).map(([fields, turns]) => {
  return fields.map((field) => ({ field, descending: turns.next().value === true }))
})

/** As Postgres orders these columns: by its own collation, which is not that of JavaScript. */
async function ordered(wanted: readonly string[], asked: OrderBy): Promise<string[]> {
  const way = (descending: boolean) => (descending ? 'desc' : 'asc')
  const last = way(asked.at(-1)?.descending ?? true)
  const keys = asked.map((it) => `${COLUMNS[it.field]} ${way(it.descending)}`)
  const found = await owner.query<{ dispatch_id: string }>(
    `select dispatch_id from rm_dispatches_v2.dispatches where dispatch_id = any($1::uuid[])
     order by ${[...keys, `opened_at ${last}`, `opened_position ${last}`].join(', ')}`,
    [wanted],
  )
  return found.rows.map((it) => it.dispatch_id)
}

describe('a list with a filter', () => {
  it('has the rows that the filter is true of, and no other', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        tables,
        fc.array(filters, { minLength: 8, maxLength: 8 }),
        async (table, all) => {
          await hold(table)
          for (const filter of all) {
            const text = textOf(filter)
            if (text.length > 2_000) continue
            const { rows: found } = await list({ filter: text })
            const wanted = table.filter((row) => holds(filter, row)).map((it) => it.dispatch_id)
            expect({ text, found: idsOf(found).toSorted() }).toEqual({ text, found: wanted })
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is paged through in any order without losing or repeating a row', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(tables, filters, orderBys, async (table, filter, fields) => {
        await hold(table)
        const orderBy =
          fields.map((it) => it.field + (it.descending ? ' desc' : '')).join(', ') || null
        const text = textOf(filter)
        const wanted = table.filter((row) => holds(filter, row)).map((it) => it.dispatch_id)
        const inOrder = await ordered(wanted, fields)
        expect(await paged({ filter: text, orderBy, pageSize: 3 })).toEqual(inOrder)
      }),
      { numRuns: 60 },
    )
  })

  it('shows nothing outside of what the caller may see, whatever it says', {
    timeout: 120_000,
  }, async () => {
    const prefixes = fc.subarray(NAMESPACES, { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(tables, filters, prefixes, async (table, filter, within) => {
        await hold(table)
        const { rows: found } = await list({ filter: textOf(filter), within })
        const wanted = table
          .filter((row) => within.some((it) => isAtOrBelow(row.output_namespace, it)))
          .filter((row) => holds(filter, row))
        expect(idsOf(found).toSorted()).toEqual(wanted.map((it) => it.dispatch_id))
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    'NOT outputNamespace:"DRYRUN-NS:a"',
    'outputNamespace:"DRYRUN-NS:b" OR NOT outputNamespace:"DRYRUN-NS:b"',
    'verdict:* OR NOT verdict:*',
    'NOT (outputNamespace:"DRYRUN-NS:a" AND reached:*)',
  ])('keeps a caller of DRYRUN-NS:a there with %s', async (filter) => {
    const opened = { ...fc.sample(rows, { numRuns: 1, seed: 1 })[0], reached: null }
    const table = NAMESPACES.map((output_namespace, n) =>
      placed({ ...opened, output_namespace }, n),
    )
    await hold(table)
    const found = (await list({ filter, within: ['DRYRUN-NS:a'] })).rows as {
      outputNamespace: string
    }[]
    const outside = found.filter((it) => !isAtOrBelow(it.outputNamespace, 'DRYRUN-NS:a'))
    expect(outside).toEqual([])
    const everything = (await list({ filter })).rows
    expect(everything.length).toBeGreaterThan(found.length)
  })
})

describe('the fields of the dispatches', () => {
  it('are all tried here', () => {
    expect(Object.keys(COLUMNS)).toEqual(Object.keys(dispatchFields satisfies Fields))
  })
})

describe('every field of every list', () => {
  const VALUES = {
    text: 'x',
    uuid: uuid(1),
    integer: '1',
    time: moment(0),
    namespace: 'DRYRUN-NS:a/b',
  } as const

  it.each([dispatchList, refusalList, outputList] as readonly List[])(
    'has an index in $schema',
    async (one) => {
      await owner.query('begin')
      await owner.query('set local enable_seqscan = off')
      await owner.query(`drop index ${one.schema}.by_time`)
      for (const [field, { type, values, ...more }] of Object.entries(one.fields)) {
        if (field === one.time) continue
        const asked = [`${field} = "${values?.[0] ?? VALUES[type]}"`]
        if (type === 'namespace') asked.push(`${field}:"DRYRUN-NS:a"`)
        if (more.nullable) asked.push(`NOT ${field}:*`)
        for (const text of asked) {
          const parsed = parseFilter(text, one.fields)
          const filter = parsed.ok ? parsed.value : null
          const query = pageOf(one, {
            pageSize: 50,
            filter,
            orderBy: [],
            after: null,
            within: null,
          })
          const { rows: plan } = await owner.query(`explain ${query.text}`, [...query.values])
          // One for the filter, and one for the rows of the page.
          expect({ text, uses: JSON.stringify(plan).match(/Index Cond/g)?.length }).toEqual({
            text,
            uses: 2,
          })
        }
      }
      await owner.query('rollback')
    },
  )
})
