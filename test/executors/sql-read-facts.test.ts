import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lookAtSource } from '../../src/executors/sql-read/examine-source.ts'
import { readerSql } from '../../src/executors/sql-read/reader-sql.ts'
import { createSqlRead } from '../../src/executors/sql-read/sql-read.ts'
import { ONLY_READS, sqlPlan } from '../support/sql-plan.ts'
import { SHOP_SQL } from '../support/sql-shop.ts'
import { createSqlSource, type SqlSource } from '../support/sql-source.ts'

describe('the facts of a source', () => {
  let source: SqlSource
  beforeAll(async () => {
    source = await createSqlSource()
    await source.database.query(SHOP_SQL)
  })
  afterAll(() => source.drop())

  async function factsOf(url: string) {
    const executor = createSqlRead({ shop: url })
    const facts = await executor.facts(sqlPlan('select 1'))
    await executor.close()
    return (facts as { source: Record<string, unknown> }).source
  }

  it('say of a login that may read nothing but tables that it is no more', async () => {
    const { name, url } = await source.reader('shop')
    expect(await factsOf(url)).toMatchObject({
      role: name,
      replica: false,
      ...ONLY_READS,
    })
  })

  it('name all that a superuser is, and only the first of what it may', async () => {
    const { url } = await source.login('superuser')
    const facts = await factsOf(url)
    expect(facts['attributes']).toContain('superuser')
    expect(facts['writes']).toHaveLength(5)
  })

  it.each(['replication', 'createrole', 'createdb', 'bypassrls'])(
    'name the attribute %s',
    async (attribute) => {
      const { url } = await source.login(attribute)
      expect((await factsOf(url))['attributes']).toEqual([attribute])
    },
  )

  it.each([
    ['insert', 'writes', ['write shop.orders'], 'grant insert on shop.orders to NAME'],
    ['delete', 'writes', ['write shop.orders'], 'grant delete on shop.orders to NAME'],
    [
      'update of one column',
      'writes',
      ['write shop.orders'],
      'grant update (word) on shop.orders to NAME',
    ],
    [
      'update for everybody',
      'writes',
      ['write shop.orders'],
      'grant update on shop.orders to public',
    ],
    [
      'a sequence',
      'writes',
      ['advance shop.numbers'],
      'grant usage on sequence shop.numbers to NAME',
    ],
    [
      'create in a schema',
      'writes',
      ['create in schema shop'],
      'grant create on schema shop to NAME',
    ],
    ['a dangerous role', 'memberships', ['pg_write_all_data'], 'grant pg_write_all_data to NAME'],
    [
      'a role to signal others',
      'memberships',
      ['pg_signal_backend'],
      'grant pg_signal_backend to NAME',
    ],
    ['a table of its own', 'owns', ['table shop.orders'], 'alter table shop.orders owner to NAME'],
    [
      'a function of its own',
      'owns',
      ['function shop.note()'],
      'alter function shop.note() owner to NAME',
    ],
    [
      'a setting',
      'writes',
      ['set log_min_messages'],
      'grant set on parameter log_min_messages to NAME',
    ],
    [
      'a large object',
      'writes',
      ['large object 4711'],
      'select lo_create(4711); grant update on large object 4711 to NAME',
    ],
    [
      'rights to hand on',
      'writes',
      ['grant shop.orders'],
      'grant select on shop.orders to NAME with grant option',
    ],
    [
      'a function that not everybody may call',
      'reaches',
      ['function pg_switch_wal()'],
      'grant execute on function pg_switch_wal() to NAME',
    ],
    [
      'a foreign data wrapper',
      'reaches',
      ['foreign data wrapper afar'],
      'create foreign data wrapper afar; grant usage on foreign data wrapper afar to NAME',
    ],
    [
      'a foreign server',
      'reaches',
      ['server away'],
      'create server away foreign data wrapper afar; grant usage on foreign server away to NAME',
    ],
  ])('name %s', async (_what, list, expected, grant) => {
    const { name, url } = await source.login()
    await source.database.query(grant.replaceAll('NAME', name))
    expect((await factsOf(url))[list]).toEqual(expected)
    await source.database.query(`reassign owned by ${name} to current_user; drop owned by ${name};
      revoke update on shop.orders from public`)
  })

  it('name what a login could do after SET ROLE, though it inherits nothing', async () => {
    const writer = await source.login('createdb')
    await source.database.query(`grant delete on shop.orders to ${writer.name}`)
    const { name, url } = await source.login('noinherit')
    await source.database.query(`grant ${writer.name} to ${name}`)
    expect(await factsOf(url)).toMatchObject({
      attributes: ['createdb'],
      writes: ['write shop.orders'],
    })
  })

  it('name a role that is taken at login', async () => {
    const other = await source.login()
    const { name, url } = await source.login()
    await source.database.query(`grant ${other.name} to ${name};
      alter role ${name} set role = ${other.name}`)
    expect((await factsOf(url))['attributes']).toEqual(['another role at login'])
  })

  it('name a foreign table that it may read', async () => {
    await source.database.query(`create extension postgres_fdw;
      create server elsewhere foreign data wrapper postgres_fdw;
      create foreign table shop.away (id int) server elsewhere`)
    const { url } = await source.reader('shop')
    expect((await factsOf(url))['reaches']).toEqual(['foreign table shop.away'])
    await source.database.query(`create view shop.nearby as select * from shop.away;
      create view shop.seeming as select * from shop.nearby`)
    const { name, url: other } = await source.login()
    expect((await factsOf(other))['reaches']).toEqual([])
    await source.database.query(`grant select on shop.seeming to ${name}`)
    expect((await factsOf(other))['reaches']).toEqual(['foreign table shop.away'])
    await source.database.query('drop foreign table shop.away cascade')
  })

  it('name functions of an extension that leaves, until nobody may call them', async () => {
    await source.database.query('create schema tools; create extension dblink schema tools')
    const { name, url } = await source.login()
    const reaches = (await factsOf(url))['reaches'] as string[]
    expect(reaches).toHaveLength(5)
    expect(reaches[0]).toBe('function tools.dblink(text)')
    const sql = readerSql('shop', url, await lookAtSource(url), 'secret')
    const revokes = sql.split('\n').filter((line) => line.startsWith('revoke'))
    await source.database.query(revokes.join('\n'))
    expect(await factsOf(url)).toMatchObject({ role: name, reaches: [] })
  })

  it('are read again by each who asks', async () => {
    const { name, url } = await source.login()
    const executor = createSqlRead({ shop: url })
    const attributes = async () =>
      (await executor.facts(sqlPlan('select 1'))) as { source: { attributes: string[] } }
    expect((await attributes()).source.attributes).toEqual([])
    await source.database.query(`alter role ${name} createrole`)
    expect((await attributes()).source.attributes).toEqual(['createrole'])
    await executor.close()
  })

  it('say why a statement is not allowed, and then nobody is asked', async () => {
    const executor = createSqlRead({ shop: 'postgres://nobody@127.0.0.1:1/nowhere' })
    expect(await executor.facts(sqlPlan('select pg_sleep(1)'))).toEqual({
      sql: { allowed: false, why: 'the function pg_sleep is not allowed' },
      source: null,
    })
    expect(await executor.facts(sqlPlan('select * from shop.orders'))).toEqual({
      sql: { allowed: false, why: 'the target does not offer the schema shop' },
      source: null,
    })
    await expect(executor.facts(sqlPlan('select 1'))).rejects.toThrow()
    await executor.close()
  })
})
