import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../src/ports.ts'
import { createEventStoreDb } from '../../src/stores/eventstoredb/event-store.ts'
import { examineEventStoreDb } from '../../src/stores/eventstoredb/examine.ts'
import { runCli } from '../support/cli.ts'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { newPrefix } from '../support/ledger.ts'
import { controlAppend } from './appends.ts'

let fake: FakeEventStoreDb
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
})
afterAll(() => fake.stop())

const find = (findings: readonly Finding[], check: string) =>
  findings.find((it) => it.check === check)

describe('the examination of EventStoreDB', () => {
  it('says the version, and warns of a server that knows no users', async () => {
    const findings = await examineEventStoreDb({ url: fake.url, prefix: newPrefix() })
    expect(find(findings, 'eventstoredb')).toMatchObject({ status: 'ok', found: 'version 23.10.6' })
    expect(find(findings, 'security')).toMatchObject({ status: 'warning' })
    expect(find(findings, 'deletion')).toMatchObject({ status: 'warning' })
    expect(find(findings, 'preference')).toMatchObject({ status: 'ok' })
    expect(find(findings, 'retention')).toMatchObject({ status: 'ok' })
  })

  it('finds streams that somebody gave limits', async () => {
    const prefix = newPrefix()
    const store = createEventStoreDb({ url: fake.url, prefix })
    await store.appendControl(controlAppend(-1))
    await store.close()
    const admin = EventStoreDBClient.connectionString(fake.url)
    await admin.setStreamMetadata(`${prefix}control`, { maxCount: 1 })
    await admin.setStreamMetadata(`${newPrefix()}control`, { maxCount: 1 })
    await admin.dispose()
    expect(find(await examineEventStoreDb({ url: fake.url, prefix }), 'retention')).toMatchObject({
      status: 'problem',
      found: `1 streams have settings of their own, the first is $$${prefix}control`,
    })
  })

  it('finds a server that is too old, and one that prefers followers', async () => {
    fake.serverVersion = '21.10.11'
    const url = `${fake.url}&NodePreference=follower`
    const findings = await examineEventStoreDb({ url, prefix: newPrefix() })
    fake.serverVersion = '23.10.6'
    expect(find(findings, 'eventstoredb')).toMatchObject({
      status: 'problem',
      todo: 'Use 22.6 or newer.',
    })
    expect(find(findings, 'preference')).toMatchObject({
      status: 'warning',
      found: 'nodePreference=follower',
    })
  })

  it('cannot tell of a server that does not answer', async () => {
    const gone = await startFakeEventStoreDb()
    await gone.kill()
    const findings = await examineEventStoreDb({ url: gone.url, prefix: '' })
    await gone.stop()
    expect(findings).toEqual([
      expect.objectContaining({ check: 'eventstoredb', status: 'unknown' }),
    ])
  })
})

it('doctor looks at the server of the log beside the database', async () => {
  const env = {
    LEDGER_STORE: 'eventstoredb',
    EVENTSTORE_URL: fake.url,
    DATABASE_URL: 'postgres://127.0.0.1:1/x',
  }
  const { code, stdout } = await runCli(['doctor'], { env })
  expect(stdout).toMatch(/^ok {7}eventstoredb {3}version 23\.10\.6$/m)
  expect(stdout).toMatch(/^unknown {2}postgres/m)
  expect(code).toBe(3)
})

it('migrate says how access lists are to be asked for', async () => {
  const { code, stderr } = await runCli(['migrate', '--eventstore-url', 'http://x'])
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: '--eventstore-url must start with esdb:// or esdb+discover://\n',
  })
})
