import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { parseManifest } from '../../src/control/manifest.ts'
import { createSqlRead, whyBadSqlProgram } from '../../src/executors/sql-read/sql-read.ts'
import { textOf } from '../house/source-files.ts'
import { readExample } from '../support/example.ts'
import { openLedger } from '../support/ledger.ts'
import { createSqlSource, type Login, type SqlSource } from '../support/sql-source.ts'

const example = readExample('iu-command')
const commands = readdirSync(`${example.folder}commands`).flatMap((file) =>
  example.commandsOf(file).map((command) => ({ name: file.replace('.json', ''), ...command })),
)
/** The one that the ledger turns away before anything looks at it. */
const REFUSED = 'delete-bad-code'
const asked = commands.filter((it) => it.name !== REFUSED)

let source: SqlSource
let reader: Login
let executor: ReturnType<typeof createSqlRead>
let owner: pg.Client

beforeAll(async () => {
  source = await createSqlSource()
  owner = new pg.Client({ connectionString: source.database.ownerUrl })
  await owner.connect()
  await owner.query(readFileSync(`${example.folder}schema.sql`, 'utf8'))
  reader = await source.reader('atlas')
  executor = createSqlRead({ atlas: reader.url })
})
afterAll(async () => {
  await Promise.all([executor.close(), owner.end()])
  await source.drop()
})

type Answer = { verdict: string; output: JsonObject }

async function dryRun(id: string, params: JsonObject): Promise<Answer> {
  const { signal } = new AbortController()
  const { verdict, output, evidence } = await executor.dryRun(example.plan(id, params), signal)
  expect(Object.values(evidence).every((it) => it.holds)).toBe(true)
  return { verdict, output: output as JsonObject }
}

type Gate = { gate: string; required: string; seen: number; holds: boolean }
type Change = { before: Json; after: Json }
type Told = { before: number; after: number; deleted?: Json[]; updated?: Change[] }
type Row = { mutating: boolean; gates: Gate[]; effect: Record<string, Told> }

async function rowOf(id: string, params: JsonObject): Promise<Row> {
  const { verdict, output } = await dryRun(id, params)
  expect({ verdict, output }).toMatchObject({ verdict: 'would_succeed' })
  const rows = output['rows'] as unknown as Row[]
  expect(rows).toHaveLength(1)
  return rows[0] as Row
}

/** The command itself, as a service would send it: no dry run has this text. */
const REAL: Readonly<Record<string, readonly [sql: string, ...params: string[]][]>> = {
  'iu.merge-zones': [
    [
      `update atlas.zone_country set zone = $2 where zone = $1
       and country not in (select country from atlas.zone_country where zone = $2)`,
      'from',
      'into',
    ],
    ['delete from atlas.zone where name = $1', 'from'],
  ],
  'iu.rename-country': [['update atlas.country set name = $2 where code = $1', 'code', 'name']],
  'iu.delete-country': [['delete from atlas.country where code = $1', 'code']],
  'iu.move-zone': [
    [
      'update atlas.zone_country set country = $3 where zone = $1 and country = $2',
      'zone',
      'from',
      'to',
    ],
  ],
}

const TABLES = ['country', 'zone', 'zone_country'] as const
type Tables = Record<(typeof TABLES)[number], ReadonlySet<string>>

async function readTables(): Promise<Tables> {
  const { rows } = await owner.query<Record<keyof Tables, Json[]>>(`select
    (select json_agg(to_jsonb(t)) from atlas.country as t) as country,
    (select json_agg(to_jsonb(t)) from atlas.zone as t) as zone,
    (select json_agg(to_jsonb(t)) from atlas.zone_country as t) as zone_country`)
  const setOf = (table: keyof Tables) => new Set((rows[0]?.[table] ?? []).map(canonicalJson))
  return { country: setOf('country'), zone: setOf('zone'), zone_country: setOf('zone_country') }
}

/** Runs the command for real, looks, and takes it back. The error is the database's. */
async function reallyRun(id: string, params: JsonObject): Promise<Tables | { code: string }> {
  await owner.query('begin')
  try {
    for (const [sql, ...names] of REAL[id] ?? [])
      await owner.query(
        sql,
        names.map((name) => params[name]),
      )
    return await readTables()
  } catch (error) {
    return { code: (error as { code: string }).code }
  } finally {
    await owner.query('rollback')
  }
}

const lacks = (set: ReadonlySet<string>, other: ReadonlySet<string>): string[] =>
  [...other].filter((row) => !set.has(row)).toSorted()

/** Tables that differ, with what was told of each kind of change as plain removals and additions. */
function changesOf(before: Tables, after: Tables) {
  const changed = TABLES.filter(
    (it) => lacks(after[it], before[it]).length + lacks(before[it], after[it]).length > 0,
  )
  return changed.map((table) => ({
    table,
    before: before[table].size,
    after: after[table].size,
    gone: lacks(after[table], before[table]),
    come: lacks(before[table], after[table]),
  }))
}

const toldChanges = (effect: Row['effect']) =>
  TABLES.flatMap((table) => {
    const { before, after, deleted = [], updated = [] } = effect[table] ?? { before: 0, after: 0 }
    const gone = [...deleted, ...updated.map((it) => it.before)].map(canonicalJson).toSorted()
    const come = updated.map((it) => canonicalJson(it.after)).toSorted()
    return gone.length + come.length === 0 ? [] : [{ table, before, after, gone, come }]
  })

/** What the database itself says to a command whose gate does not hold, or what it would let happen. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'merge-missing-zone': 'nothing',
  'merge-into-missing-zone': '23503',
  'merge-with-itself': 'it goes through',
  'merge-strangers': 'it goes through',
  'rename-missing-country': 'nothing',
  'rename-to-same-name': 'nothing',
  'rename-to-taken-name': '23505',
  'delete-missing-country': 'nothing',
  'delete-only-country': 'it goes through',
  'move-missing-zone': 'nothing',
  'move-to-missing-country': '23503',
  'move-from-elsewhere': 'nothing',
  'move-to-where-it-is': '23505',
}

describe('a command of iu-command whose gates hold', () => {
  it.each(asked.filter((it) => !(it.name in OTHERWISE)))(
    'tells in its dry run what it really does: $name',
    async ({ contract, params }) => {
      const { mutating, gates, effect } = await rowOf(contract.id, params)
      const before = await readTables()
      const after = await reallyRun(contract.id, params)
      if ('code' in after) throw new Error(`it really fails: ${after.code}`)
      expect(toldChanges(effect)).toEqual(changesOf(before, after))
      expect(changesOf(before, after).length).toBeGreaterThan(0)
      expect(mutating).toBe(true)
      expect(gates.every((it) => it.holds)).toBe(true)
      expect(await readTables()).toEqual(before)
    },
  )

  it('counts right for each country that could be deleted, and refuses the others', async () => {
    const { rows: countries } = await owner.query<{ code: string }>(
      'select code from atlas.country',
    )
    const verdicts: string[] = []
    for (const { code } of countries) {
      await owner.query('begin')
      await owner.query('delete from atlas.country where code = $1', [code])
      const { rows } = await owner.query<{ lonely: number; pairs: number }>(`select
        (select count(*)::int from atlas.zone_country) as pairs,
        (select count(*)::int from atlas.zone as z
          where not exists (select from atlas.zone_country where zone = z.name)) as lonely`)
      await owner.query('rollback')
      const { verdict, output } = await dryRun('iu.delete-country', { code })
      verdicts.push(verdict)
      const told = (output['rows'] as unknown as Row[] | undefined)?.[0]?.effect
      const pairs = rows[0]?.lonely === 0 ? rows[0].pairs : undefined
      expect([code, told?.['zone_country']?.after]).toEqual([code, pairs])
    }
    expect(verdicts.filter((it) => it === 'would_succeed')).toHaveLength(123)
    expect(verdicts.filter((it) => it === 'would_fail')).toHaveLength(126)
  })
})

describe('a command of iu-command with a gate that does not hold', () => {
  const failing = asked.filter((it) => it.name in OTHERWISE)

  it.each(failing)('would fail, and says why: $name', async ({ name, contract, params }) => {
    const { verdict, output } = await dryRun(contract.id, params)
    const error = output['error'] as { sqlstate: string; message: string }
    expect({ verdict, sqlstate: error.sqlstate }).toEqual({
      verdict: 'would_fail',
      sqlstate: '22P02',
    })
    expect(error.message).toMatch(/"refused, [a-z-]+: required [^;]+, seen \d+/u)
    const before = await readTables()
    const after = await reallyRun(contract.id, params)
    const changes = 'code' in after ? after.code : changesOf(before, after)
    const happened =
      typeof changes === 'string' ? changes : changes.length > 0 ? 'it goes through' : 'nothing'
    expect(happened).toBe(OTHERWISE[name])
  })

  it('is there for every gate', async () => {
    const gates: string[] = []
    for (const { name, contract, params } of asked)
      if (!(name in OTHERWISE)) {
        const row = await rowOf(contract.id, params)
        gates.push(...row.gates.map(({ gate }) => `${contract.id} ${gate}`))
      }
    const fired: string[] = []
    for (const { contract, params } of failing) {
      const { output } = await dryRun(contract.id, params)
      const { message } = output['error'] as { message: string }
      const names = [...message.matchAll(/([a-z-]+): required/gu)].map(([, gate]) => gate)
      fired.push(...names.map((gate) => `${contract.id} ${gate}`))
    }
    expect(gates).toHaveLength(13)
    expect([...new Set(fired)].toSorted()).toEqual(gates.toSorted())
  })
})

describe('the catalogue of iu-command', () => {
  it('holds manifests that may be registered, with SQL that the judge allows', () => {
    const invalid = example.manifests.map((manifest) => parseManifest(manifest).invalid)
    const bad = example.contracts.map(({ program }) => whyBadSqlProgram(program))
    expect([...invalid, ...bad].filter((why) => why !== undefined && why !== null)).toEqual([])
  })

  it('gets through a ledger what its README says', async () => {
    const ledger = await openLedger({ sqlSources: { atlas: reader.url } })
    await ledger.setSwitch('DRY_RUN_ONLY')
    const { manifests } = example
    expect((await ledger.ask('POST', '/v1/catalogue', { manifests })).status).toBe(201)
    const answers: [string, string][] = []
    for (const { name, ...command } of commands) {
      const { body } = await ledger.dispatch(command)
      answers.push([name, body.code ?? body.event.data.verdict])
    }
    await ledger.close()
    const table = textOf('examples/iu-command/README.md').matchAll(
      /^\| `([a-z-]+)` +\|.*\| `(would_\w+|params-invalid)`/gmu,
    )
    expect(Object.fromEntries(answers)).toEqual(
      Object.fromEntries([...table].map(([, name, verdict]) => [name, verdict])),
    )
  })

  it('has the schema that its script makes of the tables of the time zone database', () => {
    const args = [`${example.folder}make-schema.mjs`, '--check']
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('')
    for (const file of ['iso3166.tab', 'zone1970.tab']) {
      const bytes = readFileSync(`${example.folder}tzdata/${file}`)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      expect(textOf('examples/iu-command/README.md')).toContain(sha256)
    }
  })
})
