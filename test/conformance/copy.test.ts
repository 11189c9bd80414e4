import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Recorded } from '../../domain/events.ts'
import { type CopyProgress, copyLedger, NotACopy } from '../../src/copy-ledger.ts'
import type { Restore } from '../../src/ports.ts'
import { type LogPlace, openLog, openRestored } from '../../src/stores/open-log.ts'
import { runCli } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type FakeEventStoreDb, startFakeEventStoreDb } from '../support/fake-eventstoredb.ts'
import { newPrefix } from '../support/ledger.ts'
import { controlAppend, dispatchAppend, newStream, newStreams, WHOLE_LIFE } from './appends.ts'
import { collect } from './event-store.ts'

let fake: FakeEventStoreDb
let databases: TestDatabase[]
beforeAll(async () => {
  fake = await startFakeEventStoreDb()
  databases = await Promise.all([createDatabase(), createDatabase(), createDatabase()])
})
afterAll(async () => {
  await fake.stop()
  await Promise.all(databases.map((it) => it.drop()))
})

const inEventStoreDb = (): LogPlace => ({
  url: '',
  eventStoreDb: { url: fake.url, prefix: newPrefix() },
})
const inPostgres = ({ ownerUrl }: TestDatabase): LogPlace => ({ url: ownerUrl, eventStoreDb: null })

/** A ledger with everything that the order of events can tell, void events among it. */
async function fill(place: LogPlace, dispatches = 10): Promise<readonly Recorded[]> {
  const [log, other] = [openLog(place), openLog(place)]
  const output = { text: 'é\u2028', list: [1, 0.1, 1e21], z: 1, a: { 10: 'x', 9: 'y' } }
  await log.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED', 'DRY_RUN_ONLY']))
  const streams = newStreams(dispatches)
  await Promise.all(
    streams.map((it) =>
      log.appendDispatch(dispatchAppend(it, { types: WHOLE_LIFE, output, controlRevision: 2 })),
    ),
  )
  await other.appendControl(controlAppend(2, ['HALTED']))
  await log.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE, controlRevision: 2 }))
  const refusal = dispatchAppend(streams[0] as string, { expected: 2, types: ['Refused'] })
  await log.appendDispatch(refusal)
  const events = await collect(log.read({ after: 0 }))
  await Promise.all([log.close(), other.close()])
  return events
}

async function copy(from: LogPlace, to: LogPlace, restore?: Restore['restore']) {
  const [source, target] = [openLog(from), openRestored(to)]
  const steps: CopyProgress[] = []
  try {
    const ports = { from: source, to: restore === undefined ? target : { ...target, restore } }
    return { ...(await copyLedger(ports, (it) => void steps.push(it))), steps }
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}

const eventsAt = async (place: LogPlace) => {
  const log = openLog(place)
  const events = await collect(log.read({ after: 0 }))
  await log.close()
  return events.map(({ position: _own, ...event }) => event)
}

describe('a ledger that is copied', () => {
  it('is the same in EventStoreDB, in Postgres and back: ids, times and order', async () => {
    const [first, second] = databases.map(inPostgres) as [LogPlace, LogPlace, LogPlace]
    const [there, back] = [inEventStoreDb(), inEventStoreDb()]
    const events = (await fill(there)).map(({ position: _own, ...event }) => event)
    const { steps, ...copied } = await copy(there, first)
    expect(copied).toEqual({ resumedAt: 0, events: events.length, difference: null })
    expect(steps.at(-1)).toEqual({ step: 'compare', events: events.length, part: 1 })
    expect(await eventsAt(first)).toEqual(events)
    expect((await copy(first, back)).difference).toBeNull()
    expect((await copy(back, second)).difference).toBeNull()
    expect(await eventsAt(second)).toEqual(events)
    const [log, moved] = [openLog(there), openLog(second)]
    const { control } = await moved.head()
    expect(control).toEqual((await log.head()).control)
    const next = controlAppend(control.revision)
    expect(await moved.appendControl(next)).toMatchObject({ outcome: 'appended' })
    await Promise.all([log.close(), moved.close()])
    await databases[1]?.query(
      `set session_replication_role = replica; truncate ledger.commits;
       update ledger.head set position = 0, control_revision = -1, control_event_id = null, recorded_at = null`,
    )
  }, 60_000)

  it('is gone on with where an earlier copy was broken off', async () => {
    const [from, to] = [inEventStoreDb(), inPostgres(databases[1] as TestDatabase)]
    const events = await fill(from, 340)
    const target = openRestored(to)
    let batches = 0
    const breaksOff: Restore['restore'] = async (batch) => {
      batches += 1
      if (batches === 2) throw new Error('the machine went off')
      await target.restore(batch)
    }
    await expect(copy(from, to, breaksOff)).rejects.toThrow('the machine went off')
    await target.close()
    const { resumedAt, events: rest, difference } = await copy(from, to)
    expect({ resumedAt, rest, difference }).toEqual({
      resumedAt: events[999]?.position,
      rest: events.length - 1_000,
      difference: null,
    })
    expect(await copy(from, to)).toMatchObject({ events: 0, difference: null })
  }, 60_000)

  it('never joins another ledger, and says where two differ', async () => {
    const [one, other] = [inEventStoreDb(), inEventStoreDb()]
    await fill(one)
    await fill(other)
    await expect(copy(one, other)).rejects.toBeInstanceOf(NotACopy)
    const forged: Restore['restore'] = async (batch) => {
      const target = openRestored(two)
      await target.restore(
        batch.map((it, index) =>
          index === 7 ? { ...it, recordedAt: '2026-01-01T00:00:00.000Z' } : it,
        ),
      )
      await target.close()
    }
    const two = inEventStoreDb()
    expect((await copy(one, two, forged)).difference).toMatch(
      /^dispatch-[0-9a-f-]+@\d is another event in the target$/,
    )
    const dropped = inEventStoreDb()
    const copied = await copy(one, dropped, () => Promise.resolve())
    expect(copied.difference).toBe('control@0 is missing in the target')
  }, 60_000)

  it('may not be filled by the login of a server', async () => {
    const from = inEventStoreDb()
    await fill(from)
    const { runtimeUrl } = databases[2] as TestDatabase
    await expect(copy(from, { url: runtimeUrl, eventStoreDb: null })).rejects.toThrow(
      /permission denied to set role "ledger_owner"/,
    )
  }, 60_000)
})

describe('the command copy', () => {
  it('says what was copied, and ends with 1 where it cannot', async () => {
    const from = inEventStoreDb()
    const { length } = await fill(from)
    const asked = (prefix: string) => ['copy', '--from', fake.url, '--from-prefix', prefix]
    const to = ['--to', fake.url, '--to-prefix', newPrefix()]
    const prefix = from.eventStoreDb?.prefix ?? ''
    const done = await runCli([...asked(prefix), ...to])
    expect(done).toMatchObject({
      code: 0,
      stdout: `Copied ${length.toLocaleString('en')} events. Both ledgers hold the same events.\n`,
    })
    const other = inEventStoreDb()
    await fill(other)
    const refused = await runCli([...asked(other.eventStoreDb?.prefix ?? ''), ...to])
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'The target holds events that the source does not have: it must be empty.\n',
    })
  }, 60_000)

  it('takes two stores', async () => {
    const { code, stderr } = await runCli(['copy', '--from', 'mysql://x', '--to', 'esdb://x'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: '--from takes a store: postgres://… or esdb://…\n',
    })
  })
})
