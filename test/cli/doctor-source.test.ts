import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../src/ports.ts'
import { runCli } from '../support/cli.ts'
import { createSqlSource, type SqlSource } from '../support/sql-source.ts'

let source: SqlSource
beforeAll(async () => {
  source = await createSqlSource()
  await source.database.query('create schema shop; create table shop.orders (id int)')
})
afterAll(() => source.drop())

/** Runs doctor on the source `shop`, which is this URL. */
async function doctor(url: string, args: readonly string[] = ['--source', 'shop']) {
  const env = { LEDGER_SQL_SOURCES: JSON.stringify({ shop: url }) }
  const ran = await runCli(['doctor', '--json', ...args], { env })
  const findings = () =>
    ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Finding)
  return { ...ran, findings }
}

describe('doctor --source', () => {
  it('says why a login that can only read will do, and ends with 0', async () => {
    const { name, url } = await source.reader('shop')
    const { code, stdout, findings } = await doctor(url)
    expect(code).toBe(0)
    expect(findings().map((it) => `${it.status} ${it.check}`)).toEqual([
      'ok source shop',
      'ok attributes',
      'ok memberships',
      'ok ownership',
      'ok writes',
      'ok elsewhere',
      'ok transactions',
      'ok functions',
    ])
    expect(findings()[0]?.found).toMatch(
      new RegExp(`^${name} on t_\\w+, PostgreSQL \\d+\\.\\d+, a primary$`),
    )
    expect(stdout).not.toContain('read@')
  })

  it('names what a login can do that is too much, and ends with 1', async () => {
    const { name, url } = await source.login('createrole')
    await source.database.query(`grant insert on shop.orders to ${name};
      grant create on schema shop to ${name}`)
    const { code, findings } = await doctor(url)
    expect(code).toBe(1)
    const problems = findings().filter((it) => it.status === 'problem')
    expect(problems.map(({ check, found }) => [check, found])).toEqual([
      ['attributes', 'createrole'],
      ['writes', 'create in schema shop, write shop.orders'],
    ])
    expect(problems.every(({ todo }) => todo?.includes('doctor --source shop --sql'))).toBe(true)
  })

  it('cannot tell of a source that does not answer, and ends with 3', async () => {
    const { code, findings } = await doctor('postgres://reader:read@127.0.0.1:1/shop')
    expect(code).toBe(3)
    expect(findings()).toMatchObject([{ check: 'source shop', status: 'unknown' }])
  })

  it('names the sources there are to who asks for another one', async () => {
    const { code, stderr } = await doctor('postgres://x@127.0.0.1:1/x', ['--source', 'atlas'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'LEDGER_SQL_SOURCES has no source atlas; it has: shop.\n',
    })
  })

  it('tells of every source in one line where it looks at everything', async () => {
    const { url } = await source.reader('shop')
    const { findings, stdout } = await doctor(url, [])
    const found = findings().find((it) => it.check === 'source shop')
    expect(found).toMatchObject({ status: 'ok', found: expect.stringMatching(/it can only read$/) })
    expect(findings().find((it) => it.check === 'configuration')?.found).toContain(
      'LEDGER_SQL_SOURCES=shop (environment)',
    )
    expect(stdout).not.toContain('read@')
  })
})

describe('doctor --source --sql', () => {
  it('prints statements that make a login which doctor finds can only read', async () => {
    const owner = await source.login('superuser')
    const { code, stdout } = await doctor(owner.url, ['--source', 'shop', '--sql'])
    expect(code).toBe(0)
    await source.database.query(stdout)
    const made = /LEDGER_SQL_SOURCES='(?<json>.+)'/.exec(stdout)?.groups?.['json'] ?? ''
    const { shop } = JSON.parse(made) as { shop: string }
    expect(new URL(shop).username).toBe(`${owner.name}_reader`)
    const { code: verdict, findings } = await doctor(shop)
    expect({ verdict, notOk: findings().filter((it) => it.status !== 'ok') }).toEqual({
      verdict: 0,
      notOk: [],
    })
    expect(findings().find((it) => it.check === 'transactions')?.found).toMatch(/^READ ONLY by/)
    await source.database.query(
      `drop owned by ${owner.name}_reader; drop role ${owner.name}_reader`,
    )
  })

  it('prints them for the login of the URL where the database does not answer', async () => {
    const url = 'postgres://reader:x@127.0.0.1:1/orders'
    const { code, stdout } = await doctor(url, ['--source', 'shop', '--sql'])
    expect(code).toBe(0)
    expect(stdout).toContain('create role "reader" login password')
    expect(stdout).toContain('grant connect on database "orders" to "reader";')
  })

  it('needs the name of a source', async () => {
    const { code, stderr } = await doctor('postgres://x@127.0.0.1:1/x', ['--sql'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: '--sql prints a login for a source: --source NAME\n',
    })
  })
})
