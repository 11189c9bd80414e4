import { beforeEach, describe, expect, it } from 'vitest'
import type { SwitchState } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import { followControl } from '../../src/control/follow-control.ts'
import type { EventStore, FollowedLog, Loaded, Log, NewEvent } from '../../src/ports.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { silentLog } from '../support/silent-log.ts'
import { until } from '../support/until.ts'
import { controlAppend, dispatchAppend, newStream, newStreams } from './appends.ts'

let ledger: EventStore
let network: Network
let errors: unknown[]
let followed: FollowedLog
beforeEach(() => {
  ledger = createMemoryEventStore()
  network = networkTo(ledger)
  errors = []
  const log: Log = { ...silentLog, error: (fields, message) => errors.push({ ...fields, message }) }
  followed = followControl(network.store, log)
})

const globalOf = async (stream = newStream()): Promise<SwitchState | undefined> =>
  (await followed.load(stream)).control.switches.get('global')?.state

describe('a process that follows control', () => {
  it('answers with an empty fold while control is empty', async () => {
    const { events, control } = await followed.load(newStream())
    expect(events).toEqual([])
    expect(control).toMatchObject({ revision: -1, switches: new Map(), manifests: new Map() })
  })

  it('catches up with what others appended before it answers', async () => {
    for (const [revision, state] of (['HALTED', 'DRY_RUN_ONLY', 'HALTED'] as const).entries()) {
      await ledger.appendControl(controlAppend(revision - 1, [state]))
      const { control } = await followed.load(newStream())
      expect(control.revision).toBe(revision)
      expect(control.switches.get('global')).toMatchObject({ state, revision })
    }
    expect(errors).toEqual([])
  })

  it('gives the events of the stream with the fold they were judged by, or a later one', async () => {
    await ledger.appendControl(controlAppend(-1))
    const append = dispatchAppend(newStream(), { controlRevision: 0 })
    await ledger.appendDispatch(append)
    const { events, control } = await followed.load(append.stream)
    expect(events.map((event) => event.id)).toEqual(append.events.map((event) => event.id))
    expect(control.revision).toBe(0)
  })

  it('reads only what it does not know, and nothing when it knows all', async () => {
    await ledger.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY']))
    await followed.load(newStream())
    await followed.load(newStream())
    await ledger.appendControl(controlAppend(1))
    await followed.load(newStream())
    const [first, second, ...more] = network.askedAfter(CONTROL_STREAM)
    expect([first, more]).toEqual([-1, []])
    // It may read its own last event again, to see that it still stands there.
    expect(second).toBeGreaterThanOrEqual(0)
  })

  it('catches up once for all loads that wait for it', async () => {
    await ledger.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY']))
    const letThrough = network.hold(CONTROL_STREAM)
    const loads = newStreams(20).map((stream) => followed.load(stream))
    await until(() => network.answered.length === 21)
    letThrough()
    const answers = await Promise.all(loads)
    expect(answers.map(({ control }) => control.revision)).toEqual(answers.map(() => 1))
    expect(network.askedAfter(CONTROL_STREAM)).toEqual([-1])
  })

  it('goes on when control moved during the catch-up', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    const letThrough = network.hold(CONTROL_STREAM)
    const early = followed.load(newStream())
    await until(() => network.has(CONTROL_STREAM))
    await ledger.appendControl(controlAppend(0, ['HALTED']))
    const late = globalOf()
    await until(() => network.answered.length === 3)
    letThrough()
    expect((await early).control.revision).toBeGreaterThanOrEqual(0)
    expect(await late).toBe('HALTED')
  })

  it('goes on when a load learns of more at the moment a catch-up ends', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    const letThrough = network.hold(CONTROL_STREAM)
    const early = followed.load(newStream())
    await until(() => network.has(CONTROL_STREAM))
    const stream = newStream()
    const letLater = network.hold(stream)
    await ledger.appendControl(controlAppend(0, ['HALTED']))
    const late = globalOf(stream)
    await until(() => network.has(stream))
    letThrough()
    letLater()
    expect((await early).control.revision).toBeGreaterThanOrEqual(0)
    expect(await late).toBe('HALTED')
  })

  it('never changes a fold that it gave out', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    const { control } = await followed.load(newStream())
    const kept = structuredClone(control)
    await ledger.appendControl(controlAppend(0, ['HALTED']))
    const later = await followed.load(newStream())
    expect(later.control.switches.get('global')?.state).toBe('HALTED')
    expect(control).toEqual(kept)
    expect(control.switches.get('global')?.state).toBe('DRY_RUN_ONLY')
  })

  it('tries again at the next load when it could not catch up', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    network.fail(CONTROL_STREAM)
    const loads = newStreams(3).map((stream) => followed.load(stream))
    const failures = (await Promise.allSettled(loads)).map((it) => it.status)
    expect(failures).toEqual(['rejected', 'rejected', 'rejected'])
    network.mend()
    expect(await globalOf()).toBe('DRY_RUN_ONLY')
    expect(errors).toEqual([])
  })
})

describe('a store that contradicts what was folded', () => {
  it('is a fault when its tip is lower than the fold was: the fold is rebuilt and it is logged', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'DRY_RUN_ONLY']))
    expect(await globalOf()).toBe('DRY_RUN_ONLY')
    network.leadTo(await logOf(['HALTED']))
    expect(await globalOf()).toBe('HALTED')
    expect(errors).toEqual([FAULT])
    const { control } = await followed.load(newStream())
    expect(control.revision).toBe(0)
    expect(errors).toHaveLength(1)
  })

  it('is a fault when control is empty again', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    expect(await globalOf()).toBe('DRY_RUN_ONLY')
    network.leadTo(createMemoryEventStore())
    const { control } = await followed.load(newStream())
    expect(control).toMatchObject({ revision: -1, switches: new Map() })
    expect(errors).toEqual([FAULT])
  })

  it('is a fault when another event is the last one', async () => {
    await ledger.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY']))
    expect(await globalOf()).toBe('DRY_RUN_ONLY')
    network.leadTo(await logOf(['DRY_RUN_ONLY', 'HALTED']))
    expect(await globalOf()).toBe('HALTED')
    expect(errors).toEqual([FAULT])
  })

  it('is a fault when another event stands at a folded revision and more came after it', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    expect(await globalOf()).toBe('DRY_RUN_ONLY')
    const other = createMemoryEventStore()
    await other.appendControl(controlAppend(-1, ['HALTED']))
    await other.appendControl({ ...controlAppend(0), events: [retirement(1)] })
    network.leadTo(other)
    expect(await globalOf()).toBe('HALTED')
    expect(errors).toEqual([FAULT])
  })

  it('is judged by its own log, not by a catch-up that was under way before', async () => {
    await ledger.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY']))
    await followed.load(newStream())
    await ledger.appendControl(controlAppend(1))
    const letThrough = network.hold(CONTROL_STREAM)
    const early = followed.load(newStream()).catch(() => undefined)
    await until(() => network.answered.filter((it) => it === CONTROL_STREAM).length === 2)
    network.leadTo(await logOf(['HALTED']))
    const late = globalOf()
    await until(() => errors.length === 1)
    letThrough()
    expect(await late).toBe('HALTED')
    await early
    expect(await globalOf()).toBe('HALTED')
    expect(errors).toEqual([FAULT])
  })

  it('is no fault when the answer was only late: the newer fold judges', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
    await followed.load(newStream())
    const stream = newStream()
    const letThrough = network.hold(stream)
    const late = globalOf(stream)
    await until(() => network.has(stream))
    await ledger.appendControl(controlAppend(0, ['HALTED']))
    expect(await globalOf()).toBe('HALTED')
    letThrough()
    expect(await late).toBe('HALTED')
    expect(errors).toEqual([])
    expect(network.askedAfter(CONTROL_STREAM)).toHaveLength(2)
  })

  it('is no fault when the late answer was sent before anything was folded', async () => {
    const stream = newStream()
    const letThrough = network.hold(stream)
    const late = globalOf(stream)
    await until(() => network.has(stream))
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED']))
    expect(await globalOf()).toBe('HALTED')
    letThrough()
    expect(await late).toBe('HALTED')
    expect(errors).toEqual([])
  })

  it('gives no load an older fold than the tip of its own answer', async () => {
    await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'DRY_RUN_ONLY']))
    await followed.load(newStream())
    const other = await logOf(['HALTED'])
    const [before, after] = [newStream(), newStream()]
    network.leadTo(other)
    const letAfter = network.hold(after)
    const letBefore = network.hold(before)
    const sentBefore = followed.load(before)
    await until(() => network.has(before))
    expect(await globalOf()).toBe('HALTED')
    const sentAfter = followed.load(after)
    await until(() => network.has(after))
    letAfter()
    letBefore()
    expect((await sentAfter).control.revision).toBe(0)
    expect((await sentBefore).control.revision).toBe(0)
  })

  it('could not be judged by when it tells of control events that it does not give', async () => {
    await ledger.appendControl(controlAppend(-1))
    network.change(CONTROL_STREAM, (loaded) => ({ ...loaded, events: [] }))
    await expect(followed.load(newStream())).rejects.toMatchObject({ code: 'gate-indeterminate' })
  })

  it('cannot be read when control has a hole', async () => {
    await ledger.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY']))
    network.change(CONTROL_STREAM, (loaded) => ({ ...loaded, events: loaded.events.slice(1) }))
    await expect(followed.load(newStream())).rejects.toMatchObject({ code: 'not-ready' })
  })

  const FAULT = expect.objectContaining({ message: 'control contradicts its fold' })
})

describe('an event that this build cannot read', () => {
  const unreadable: [string, (event: NewEvent) => NewEvent][] = [
    ['type', (event) => ({ ...event, type: 'SwitchWelded' as 'SwitchSet' })],
    [
      'type named like a member of every object',
      (event) => ({ ...event, type: 'toString' as 'SwitchSet' }),
    ],
    ['version', (event) => ({ ...event, metadata: { ...event.metadata, schemaVersion: 2 } })],
    [
      'rules number',
      (event) => ({
        ...event,
        data: { ...event.data, snapshot: { rules: 2, controlRevision: -1, gates: [] } },
      }),
    ],
  ]

  it.each(unreadable)(
    'stops all judging when it stands in control: an unknown %s',
    async (_, of) => {
      await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
      expect(await globalOf()).toBe('DRY_RUN_ONLY')
      const append = controlAppend(0)
      await ledger.appendControl({ ...append, events: append.events.map(of) })
      await ledger.appendControl(controlAppend(1, ['DRY_RUN_ONLY']))
      for (const stream of [...newStreams(3), CONTROL_STREAM]) {
        await expect(followed.load(stream)).rejects.toMatchObject({ code: 'not-ready' })
      }
      expect(errors).toEqual([])
    },
  )

  it.each(unreadable)(
    'stops judging the stream that it stands in: an unknown %s',
    async (_, of) => {
      await ledger.appendControl(controlAppend(-1, ['DRY_RUN_ONLY']))
      const append = dispatchAppend(newStream(), { controlRevision: 0 })
      await ledger.appendDispatch({ ...append, events: append.events.map(of) })
      await expect(followed.load(append.stream)).rejects.toMatchObject({ code: 'not-ready' })
      expect(await globalOf()).toBe('DRY_RUN_ONLY')
    },
  )
})

/** Says nothing about the switch. */
function retirement(revision: number): NewEvent {
  const [event] = controlAppend(revision - 1).events as [NewEvent]
  return {
    ...event,
    type: 'ManifestRetired',
    data: { kind: 'Target', id: 'sample/one', version: 1 },
  }
}

async function logOf(states: readonly SwitchState[]): Promise<EventStore> {
  const other = createMemoryEventStore()
  await other.appendControl(controlAppend(-1, states))
  return other
}

type Network = ReturnType<typeof networkTo>

/** The way to a ledger: it can be slow, break, falsify an answer, or come to lead to another one. */
function networkTo(first: EventStore) {
  let ledger_ = first
  const asked: { stream: string; after: number }[] = []
  const answered: string[] = []
  const held = new Map<string, Promise<void>>()
  const failing = new Set<string>()
  const changes = new Map<string, (loaded: Loaded) => Loaded>()

  const load: EventStore['load'] = async (stream, after = -1) => {
    asked.push({ stream, after })
    if (failing.has(stream)) throw new Error('the line is down')
    const answer = await ledger_.load(stream, after)
    answered.push(stream)
    await held.get(stream)
    return changes.get(stream)?.(answer) ?? answer
  }
  return {
    store: { ...first, load },
    answered,
    has: (stream: string) => answered.includes(stream),
    askedAfter: (stream: string) =>
      asked.filter((it) => it.stream === stream).map(({ after }) => after),
    /** What the ledger answers to loads of a stream stays on the way until it is let through. */
    hold(stream: string): () => void {
      let letThrough = (): void => undefined
      held.set(stream, new Promise((resolve) => (letThrough = resolve)))
      return () => {
        held.delete(stream)
        letThrough()
      }
    },
    leadTo: (other: EventStore) => {
      ledger_ = other
    },
    change: (stream: string, how: (loaded: Loaded) => Loaded) => changes.set(stream, how),
    fail: (stream: string) => failing.add(stream),
    mend: () => failing.clear(),
  }
}
