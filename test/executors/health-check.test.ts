import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/json.ts'
import { parseManifest } from '../../src/control/manifest.ts'
import { judgeSql } from '../../src/executors/sql-read/judge-sql.ts'
import { createSqlRead, whyBadSqlProgram } from '../../src/executors/sql-read/sql-read.ts'
import { textOf } from '../house/source-files.ts'
import { readExample } from '../support/example.ts'
import { openLedger } from '../support/ledger.ts'
import { createSqlSource, type Login, type SqlSource } from '../support/sql-source.ts'

const example = readExample('health-check')
const commands = example.commandsOf('all.ndjson')
const nameOf = ({ contract }: { contract: { id: string; version: number } }) =>
  `${contract.id}@${contract.version}`

let source: SqlSource
let bare: Login

beforeAll(async () => {
  source = await createSqlSource()
  bare = await source.login()
  await source.database.query(`create schema shop;
    create table shop.customer (id int generated always as identity primary key, name text);
    insert into shop.customer (name) values ('Ada'), ('Blaise');
    analyze shop.customer`)
})
afterAll(() => source.drop())

/** Everything that a login finds, by check. No table is too small to be looked at. */
async function runAll({ url }: Login): Promise<Map<string, readonly JsonObject[]>> {
  const executor = createSqlRead({ checked: url })
  const found = new Map<string, readonly JsonObject[]>()
  for (const { contract, params } of commands) {
    const small = Object.hasOwn(params, 'minBytes') ? { minBytes: 0 } : {}
    const plan = example.plan(contract.id, { ...params, ...small })
    const { verdict, output, evidence } = await executor.dryRun(plan, new AbortController().signal)
    expect({ check: contract.id, verdict, output }).toMatchObject({ verdict: 'would_succeed' })
    expect(Object.values(evidence).every((it) => it.holds)).toBe(true)
    found.set(contract.id, (output as { rows: JsonObject[] }).rows)
  }
  await executor.close()
  return found
}

const inShop = (rows: readonly JsonObject[] | undefined) =>
  (rows ?? []).filter((it) => it['schema'] === 'shop')

describe('the catalogue of health-check', () => {
  it('has at least eighteen checks, each with one command', () => {
    const contracts = example.contracts.map((contract) => nameOf({ contract }))
    expect(contracts.length).toBeGreaterThanOrEqual(18)
    expect(new Set(contracts).size).toBe(contracts.length)
    expect(commands.map(nameOf).toSorted()).toEqual(contracts.toSorted())
  })

  it('holds manifests that may be registered, with SQL that the judge allows', () => {
    const invalid = example.manifests.map((manifest) => parseManifest(manifest).invalid)
    const bad = example.contracts.map(({ program }) => whyBadSqlProgram(program))
    expect([...invalid, ...bad].filter((why) => why !== undefined && why !== null)).toEqual([])
  })

  it('reads nothing but the catalogue of Postgres', () => {
    const judged = example.contracts.map(({ program }) => judgeSql(program['sql'] as string))
    const catalogueAlone = { allowed: true, schemas: ['pg_catalog'], params: expect.any(Number) }
    expect(judged).toEqual(judged.map(() => catalogueAlone))
  })

  it('is aimed at its target, in mode DRY_RUN, each check in a namespace of its name', () => {
    for (const { contract, ...command } of commands) {
      expect(command).toMatchObject({
        target: example.target.id,
        outputNamespace: `DRYRUN-NS:health-check/${contract.id.replace('hc.', '')}`,
        mode: 'DRY_RUN',
      })
    }
  })

  it('is what the table of the README says, thresholds and all', () => {
    const rows = [
      ...textOf('examples/health-check/README.md').matchAll(
        /^\| `(hc\.[^`]+)` .*\| ([^|]*?) +\|$/gmu,
      ),
    ]
    const shown = rows.map(([, id, params]) => [id, params])
    const written = commands.map(({ contract, params }) => [
      contract.id,
      Object.entries(params)
        .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
        .join(', '),
    ])
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(written))
  })
})

describe('a login that may do no more than connect', () => {
  it('runs every check', async () => {
    const found = await runAll(bare)
    for (const rows of found.values()) {
      for (const { status = 'ok' } of rows)
        expect(status).toMatch(/^(?:ok|warning|critical|unknown)$/u)
    }
    expect(found.size).toBe(example.contracts.length)
  })

  it('is told what it may not see, never that all is well', async () => {
    await source.database.query(`create table shop.wide as select g as id, g::text as line from generate_series(1, 2000) g;
      analyze shop.wide; select nextval('shop.customer_id_seq')`)
    const other = new pg.Client({ connectionString: source.database.ownerUrl })
    await other.connect()
    const found = await runAll(bare)
    await other.end()
    for (const check of [
      'table-bloat',
      'sequence-exhaustion',
      'long-transactions',
      'idle-in-transaction',
    ]) {
      expect(found.get(`hc.${check}`)?.at(-1), check).toMatchObject({ status: 'unknown' })
    }
    await source.database.query('drop table shop.wide')
  })

  it('is believed by the ledger, which records every check once', async () => {
    const ledger = await openLedger({ sqlSources: { checked: bare.url } })
    await ledger.setSwitch('DRY_RUN_ONLY')
    const { manifests } = example
    expect((await ledger.ask('POST', '/v1/catalogue', { manifests })).status).toBe(201)
    for (const status of [201, 200]) {
      const batch = { dispatches: commands }
      const { body } = await ledger.ask('POST', '/v1/dispatches/batch', batch)
      const results = body.results as { status: number; body: { code?: string } }[]
      expect(results.map((it) => it.body.code ?? it.status)).toEqual(commands.map(() => status))
    }
    await ledger.close()
  })
})

describe('every check', () => {
  it('waits for nobody who has locked a table', async () => {
    const owner = new pg.Client({ connectionString: source.database.ownerUrl })
    await owner.connect()
    await owner.query('begin; lock table shop.customer in access exclusive mode')
    await runAll(await source.reader('shop'))
    await owner.end()
  })

  it('finds nothing in a schema that is well', async () => {
    const login = await source.reader('shop')
    const found = await runAll(login)
    for (const [check, rows] of found) expect(inShop(rows), check).toEqual([])
  })
})
