import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isWithin, parseNamespace } from '../../domain/namespace.ts'
import { ROLES, SCOPES } from '../../src/access/scopes.ts'
import { openSecond } from '../support/doubles.ts'
import { openReadyLedger, type Reply, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
})
afterAll(() => ledger.close())

const make = (body: object, key = ledger.key): Promise<Reply> =>
  ledger.ask('POST', '/v1/keys', body, { key })
const me = (key: string): Promise<Reply> => ledger.ask('GET', '/v1/me', undefined, { key })
const revoke = (id: string, key = ledger.key): Promise<Reply> =>
  ledger.ask('POST', `/v1/keys/${id}/revoke`, undefined, { key })
const codeOf = ({ status, body }: Reply) => `${status} ${body.code}`
const idOf = (key: string): string => key.split('_')[1] ?? ''

describe('a key', () => {
  it('is made with a role and says of itself what it may', async () => {
    const expiresAt = '2099-12-31T23:59:59.000Z'
    const made = await make({
      name: 'a service',
      role: 'dispatcher',
      namespacePrefixes: ['DRYRUN-NS:team/a'],
      expiresAt,
    })
    expect(made.status).toBe(201)
    expect(made.headers['cache-control']).toBe('no-store')
    const { key, ...shown } = made.body
    expect(shown).toEqual({
      id: idOf(key),
      name: 'a service',
      role: 'dispatcher',
      scopes: ROLES['dispatcher'],
      namespacePrefixes: ['DRYRUN-NS:team/a'],
      createdAt: expect.stringMatching(/^20.+Z$/),
      createdBy: `key:${idOf(ledger.key)}`,
      expiresAt,
      revokedAt: null,
      revokedBy: null,
      lastUsedAt: null,
    })
    const { status, body } = await me(key)
    expect(status).toBe(200)
    expect(body).toEqual({ ...shown, lastUsedAt: expect.stringMatching(/^20.+Z$/) })
  })

  it('says of itself what it may even where that is nothing', async () => {
    const none = await ledger.newKey({ scopes: [] })
    expect((await me(none)).body).toMatchObject({ scopes: [], role: null })
    expect(codeOf(await me(''))).toBe('401 unauthenticated')
  })

  it('has the role whose scopes it holds, in any order, and else none', async () => {
    const scopes = [...(ROLES['auditor'] ?? [])].toReversed()
    expect((await make({ name: 'n', scopes })).body.role).toBe('auditor')
    expect((await make({ name: 'n', scopes: scopes.slice(1) })).body.role).toBeNull()
    expect((await make({ name: 'n', scopes: SCOPES })).body.role).toBeNull()
  })

  it.each([
    ['neither role nor scopes', {}],
    ['both role and scopes', { role: 'auditor', scopes: ['keys:admin'] }],
    ['an unknown role', { role: 'king' }],
    ['a role of every object', { role: 'constructor' }],
    ['an unknown scope', { scopes: ['dispatch:*'] }],
    ['no scope at all', { scopes: [] }],
    ['an empty list of prefixes, which would be no limit', { namespacePrefixes: [] }],
    ['a prefix that is no namespace', { namespacePrefixes: ['DRYRUN-NS:a/'] }],
    ['a production namespace', { namespacePrefixes: ['PROD:a'] }],
    ['every namespace', { namespacePrefixes: ['DRYRUN-NS:'] }],
    ['prefixes that limit nothing', { role: 'auditor', namespacePrefixes: ['DRYRUN-NS:a'] }],
    [
      'prefixes that limit only some of it',
      { scopes: ['dispatch:read', 'events:read'], namespacePrefixes: ['DRYRUN-NS:a'] },
    ],
    ['an expiry that is past', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['an expiry without a zone', { expiresAt: '2099-01-01T00:00:00' }],
    ['an expiry of null', { expiresAt: null }],
    ['a name of spaces', { name: '  ' }],
    ['a name of 101 characters', { name: 'x'.repeat(101) }],
    ['an unknown member', { namespaces: ['DRYRUN-NS:a'] }],
  ])('is not made with %s', async (_, change) => {
    const count = async () => (await ledger.ask('GET', '/v1/keys')).body.keys.length
    const before = await count()
    const role =
      'scopes' in change || Object.keys(change).length === 0 ? {} : { role: 'dispatcher' }
    expect(codeOf(await make({ name: 'n', ...role, ...change }))).toBe('422 schema-invalid')
    expect(await count()).toBe(before)
  })

  it('is made, listed and revoked by admins alone', async () => {
    const { key, id } = (await make({ name: 'n', role: 'operator' })).body
    expect(codeOf(await make({ name: 'n', role: 'admin' }, key))).toBe('403 forbidden')
    expect(codeOf(await ledger.ask('GET', '/v1/keys', undefined, { key }))).toBe('403 forbidden')
    expect(codeOf(await revoke(id, key))).toBe('403 forbidden')
    const admin = (await make({ name: 'n', role: 'admin' })).body.key
    expect((await make({ name: 'n', role: 'operator' }, admin)).status).toBe(201)
    expect(codeOf(await ledger.dispatch(sampleCommand(), { key: admin }))).toBe('403 forbidden')
  })
})

describe('the list of keys', () => {
  it('has each of them once, the last made first, on pages of any size, and no secret', async () => {
    const whole = await ledger.ask('GET', '/v1/keys?pageSize=1000')
    const keys: { id: string; createdAt: string }[] = []
    let token = ''
    do {
      const { body } = await ledger.ask(
        'GET',
        `/v1/keys?pageSize=2${token && `&pageToken=${token}`}`,
      )
      keys.push(...body.keys)
      token = body.nextPageToken ?? ''
    } while (token !== '')
    expect(keys.length).toBeGreaterThan(5)
    expect(keys.map((it) => it.id)).toEqual(whole.body.keys.map((it: { id: string }) => it.id))
    const times = keys.map((it) => it.createdAt)
    expect(times).toEqual(times.toSorted().toReversed())
    const text = JSON.stringify(whole.body)
    expect(text).not.toContain('secret')
    const [row] = await ledger.database.query<{ hash: string }>(
      `select encode(secret_sha256, 'hex') as hash from ledger.access_keys where id = '${idOf(ledger.key)}'`,
    )
    expect(text).not.toContain(row?.hash ?? 'x')
    expect(text).not.toContain(ledger.key.slice(-43))
  })
})

describe('a revoked key', () => {
  it('opens nothing from then on, and revoking it again changes nothing', async () => {
    const { key, id } = (await make({ name: 'leaked', role: 'auditor' })).body
    expect((await me(key)).status).toBe(200)
    const first = await revoke(id)
    expect(first.body).toMatchObject({ id, revokedBy: `key:${idOf(ledger.key)}` })
    expect(codeOf(await me(key))).toBe('401 unauthenticated')
    const admin = (await make({ name: 'n', role: 'admin' })).body.key
    const again = await revoke(id, admin)
    expect(again.status).toBe(200)
    expect({ ...again.body }).toEqual(first.body)
  })

  it('may be the one that asks', async () => {
    const { key, id } = (await make({ name: 'n', role: 'admin' })).body
    expect((await revoke(id, key)).status).toBe(200)
    expect(codeOf(await revoke(id, key))).toBe('401 unauthenticated')
  })

  it('must be one: an unknown id is not found', async () => {
    expect(codeOf(await revoke('aaaaaaaaaaaa'))).toBe('404 not-found')
    expect(codeOf(await revoke("a'or'1'='1"))).toBe('404 not-found')
  })

  it.each([
    'set revoked_at = null, revoked_by = null',
    "set revoked_at = now() + interval '1 day'",
    "set secret_sha256 = sha256('x')",
    "set scopes = scopes || '{keys:admin}'",
    "set namespace_prefixes = '{DRYRUN-NS:a}'",
    "set expires_at = now() + interval '9 years'",
    "set id = 'aaaaaaaaaaaa'",
    'set last_used_at = null',
    "set last_used_at = '2020-01-01'",
  ])('is never changed, by nobody: %s', async (change) => {
    const { id } = (await make({ name: 'n', role: 'auditor' })).body
    await revoke(id)
    await ledger.database.query(
      `select ledger.touch_keys(array['${id}'], array[clock_timestamp()])`,
    )
    const where = `where id = '${id}'`
    const before = await ledger.database.query(`select * from ledger.access_keys ${where}`)
    const update = ledger.database.query(`update ledger.access_keys ${change} ${where}`)
    await expect(update).rejects.toMatchObject({ code: '42501' })
    expect(await ledger.database.query(`select * from ledger.access_keys ${where}`)).toEqual(before)
  })

  it.each(['delete from ledger.access_keys', 'truncate ledger.access_keys'])(
    'is never removed: %s',
    (text) => expect(ledger.database.query(text)).rejects.toMatchObject({ code: '42501' }),
  )
})

describe('an expired key', () => {
  it('opens nothing from its last moment on', async () => {
    const expiresAt = new Date(Date.now() + 700)
    const key = await ledger.newKey({ expiresAt })
    expect((await me(key)).status).toBe(200)
    const refused = await until(async () => {
      const reply = await me(key)
      return reply.status !== 200 && reply
    })
    expect(codeOf(refused)).toBe('401 unauthenticated')
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime())
  })
})

describe('when a key was last used', () => {
  it('is known at once, and written when the server stops', async () => {
    const { key, id } = (await make({ name: 'n', role: 'auditor' })).body
    const stored = async () => {
      const text = `select last_used_at from ledger.access_keys where id = '${id}'`
      return (await ledger.database.query<{ last_used_at: Date | null }>(text))[0]?.last_used_at
    }
    const { lastUsedAt } = (await me(key)).body
    expect(Math.abs(Date.parse(lastUsedAt) - Date.now())).toBeLessThan(10_000)
    expect(await stored()).toBeNull()
    const listed = (await ledger.ask('GET', '/v1/keys')).body.keys
    expect(listed.find((it: { id: string }) => it.id === id).lastUsedAt).toBe(lastUsedAt)
    const other = await openSecond(ledger)
    await other.ask('GET', '/v1/me', undefined, { key })
    await other.close()
    expect((await stored())?.getTime()).toBeGreaterThanOrEqual(Date.parse(lastUsedAt))
  })

  it('never goes back, and never lies in the future', async () => {
    const { id } = (await make({ name: 'n', role: 'auditor' })).body
    const touch = async (time: string): Promise<string | undefined> => {
      await ledger.database.query(
        `select ledger.touch_keys(array[$1, 'bbbbbbbbbbbb'],
        array[$2, $2]::timestamptz[])`,
        [id, time],
      )
      const { keys } = (await ledger.ask('GET', '/v1/keys')).body
      return keys.find((it: { id: string }) => it.id === id).lastUsedAt
    }
    expect(await touch('2024-01-02T00:00:00Z')).toBe('2024-01-02T00:00:00.000Z')
    expect(await touch('2023-01-02T00:00:00Z')).toBe('2024-01-02T00:00:00.000Z')
    expect(Date.parse((await touch('2099-01-02T00:00:00Z')) ?? '')).toBeLessThan(Date.now() + 5_000)
  })
})

describe('a key that is limited to namespaces', () => {
  const segment = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,3}$/)
  const path = fc.array(segment, { minLength: 1, maxLength: 4 })

  it('allows what lies at or below its prefix by whole segments, and nothing else', () => {
    fc.assert(
      fc.property(path, path, segment, (prefix, rest, more) => {
        const parse = (segments: readonly string[]) => {
          const parsed = parseNamespace(`DRYRUN-NS:${segments.join('/')}`)
          if (!parsed.ok) throw new Error(parsed.code)
          return parsed.segments
        }
        const last = prefix.at(-1) ?? ''
        const longer = [...prefix.slice(0, -1), last + more]
        expect(isWithin(parse(prefix), parse(prefix))).toBe(true)
        expect(isWithin(parse([...prefix, ...rest]), parse(prefix))).toBe(true)
        expect(isWithin(parse(prefix), parse([...prefix, ...rest]))).toBe(false)
        expect(isWithin(parse(longer), parse(prefix))).toBe(false)
        expect(isWithin(parse([...longer, ...rest]), parse(prefix))).toBe(false)
        const as = `${parse(rest).join('/')}/`.startsWith(`${parse(prefix).join('/')}/`)
        expect(isWithin(parse(rest), parse(prefix))).toBe(as)
      }),
    )
  })

  it('is held to them at the door, and what it was refused is not stored', async () => {
    const { key } = (
      await make({
        name: 'n',
        role: 'dispatcher',
        namespacePrefixes: ['DRYRUN-NS:a', 'DRYRUN-NS:b/c'],
      })
    ).body
    const plan = async (outputNamespace: string) => {
      const command = sampleCommand({ outputNamespace, mode: 'PLAN_ONLY' })
      return (await ledger.dispatch(command, { key })).status
    }
    const before = await ledger.countEvents()
    for (const outside of ['DRYRUN-NS:ab', 'DRYRUN-NS:b', 'DRYRUN-NS:b/cd', 'DRYRUN-NS:A', 'a']) {
      expect(await plan(outside)).toBe(403)
    }
    expect(await ledger.countEvents()).toBe(before)
    for (const inside of ['DRYRUN-NS:a', 'DRYRUN-NS:a/b', 'DRYRUN-NS:b/c/d/e']) {
      expect(await plan(inside)).toBe(201)
    }
  })
})
