import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Recorded } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import type { Json } from '../../domain/json.ts'
import type { EventStore } from '../../src/ports.ts'
import { markVoid } from '../../src/stores/mark-void.ts'
import { until } from '../support/until.ts'
import {
  controlAppend,
  dispatchAppend,
  newStream,
  newStreams,
  recordedOf,
  WHOLE_LIFE,
} from './appends.ts'

/** A store over an empty ledger of its own. */
export type OpenedStore = Readonly<{ store: EventStore; close(): Promise<void> }>

/**
 * What every store promises, whatever it is made of. It runs unchanged on all of them: nothing is
 * skipped, and nothing asks which store it is. Void events are marked, as they are in a server.
 */
export function describeEventStore(name: string, open: () => Promise<OpenedStore>): void {
  let opened: OpenedStore
  let store: EventStore
  beforeEach(async () => {
    opened = await open()
    store = markVoid(opened.store)
  })
  afterEach(() => opened.close())

  const events = async (range: Partial<Parameters<EventStore['read']>[0]> = {}) =>
    collect(store.read({ after: 0, ...range }))
  const eventsOf = async (stream: string) => (await store.load(stream)).events

  describe(`${name}: an empty ledger`, () => {
    it('has its tip at position 0 and no control event', async () => {
      expect(await store.head()).toEqual({
        position: 0,
        control: { revision: -1, eventId: null },
        recordedAt: null,
      })
    })

    it('loads a stream that nobody wrote as no events, with the control tip', async () => {
      const nothing = { events: [], control: { revision: -1, eventId: null } }
      expect(await store.load(newStream())).toEqual(nothing)
      expect(await store.load(CONTROL_STREAM)).toEqual(nothing)
    })

    it('reads as nothing', async () => {
      expect(await events()).toEqual([])
      expect(await events({ after: 5, until: 9, limit: 3 })).toEqual([])
    })
  })

  describe(`${name}: an append`, () => {
    it('is read back as it was sent, with its place in the stream and in the log', async () => {
      const append = dispatchAppend(newStream(), { types: WHOLE_LIFE, output: { rows: [1, 2] } })
      const answer = await store.appendDispatch(append)
      const loaded = await eventsOf(append.stream)
      expect(loaded).toEqual(recordedOf(append))
      expect(await events()).toEqual(loaded)
      expectIncreasing(loaded.map((event) => event.position))
      const { position, recordedAt } = last(loaded)
      expect(answer).toEqual({ outcome: 'appended', position, recordedAt })
      expect(new Set(loaded.map((event) => event.recordedAt)).size).toBe(1)
    })

    it('stands after every earlier one, whatever the stream', async () => {
      const [a, b] = [newStream(), newStream()]
      const appends = [
        dispatchAppend(a, { types: ['Planned', 'PreflightPassed'] }),
        dispatchAppend(b, { types: WHOLE_LIFE }),
        dispatchAppend(a, { expected: 1, types: ['DryRunRecorded'] }),
        dispatchAppend(b, { expected: 2, types: ['Refused', 'Refused'] }),
      ]
      const positions = []
      for (const append of appends) {
        positions.push(positionOf(await store.appendDispatch(append)))
      }
      const read = await events()
      expect(read).toEqual(appends.flatMap(recordedOf))
      expectIncreasing(read.map((event) => event.position))
      expect([1, 4, 5, 7].map((index) => read[index]?.position)).toEqual(positions)
      expect(await eventsOf(a)).toEqual(read.filter((event) => event.stream === a))
      expect(await eventsOf(b)).toEqual(read.filter((event) => event.stream === b))
    })

    it('moves the tip of the log to its last event', async () => {
      const answer = await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
      const { recordedAt } = last(await events())
      const control = { revision: -1, eventId: null }
      expect(await store.head()).toEqual({ position: positionOf(answer), control, recordedAt })
    })

    it('to control raises the control revision by its events and names the last', async () => {
      const append = controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED', 'DRY_RUN_ONLY'])
      const answer = await store.appendControl(append)
      const control = { revision: 2, eventId: append.events[2]?.id }
      expect(await store.head()).toMatchObject({ position: positionOf(answer), control })
      expect(await store.load(newStream())).toEqual({ events: [], control })
      const loaded = await store.load(CONTROL_STREAM)
      expect(loaded.control).toEqual(control)
      expect(loaded.events).toEqual(recordedOf(append))
    })

    it('elsewhere than at the end of its stream conflicts, tells the end, writes nothing', async () => {
      const stream = newStream()
      await store.appendDispatch(dispatchAppend(stream, { types: WHOLE_LIFE }))
      const before = await events()
      for (const expected of [-1, 0, 1, 3, 100]) {
        const answer = await store.appendDispatch(dispatchAppend(stream, { expected }))
        expect(answer).toEqual({ outcome: 'conflict', revision: 2 })
      }
      const ahead = await store.appendDispatch(dispatchAppend(newStream(), { expected: 0 }))
      expect(ahead).toEqual({ outcome: 'conflict', revision: -1 })
      expect(await events()).toEqual(before)
    })

    it('elsewhere than at the end of control conflicts, tells the end, writes nothing', async () => {
      expect(await store.appendControl(controlAppend(0))).toEqual(conflictAt(-1))
      await store.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY']))
      const before = await store.head()
      for (const expected of [-1, 0, 2]) {
        expect(await store.appendControl(controlAppend(expected))).toEqual(conflictAt(1))
      }
      expect(await store.head()).toEqual(before)
    })

    it('of nothing, or that hides what it was judged at, is rejected and writes nothing', async () => {
      const stream = newStream()
      const advancing = { ...dispatchAppend(stream), controlRevision: null }
      const mixed = dispatchAppend(stream, { types: ['Planned', 'Refused'] })
      const refusal = dispatchAppend(stream, { types: ['Refused'] })
      const without = /only refusals are appended without a control revision/
      await expect(store.appendDispatch(advancing)).rejects.toThrow(without)
      const hidden = { ...mixed, controlRevision: null }
      await expect(store.appendDispatch(hidden)).rejects.toThrow(without)
      await expect(store.appendDispatch({ ...refusal, controlRevision: -1 })).rejects.toThrow(
        without,
      )
      const empty = dispatchAppend(stream, { types: [] })
      await expect(store.appendDispatch(empty)).rejects.toThrow(/needs an event/)
      await expect(store.appendControl(controlAppend(-1, []))).rejects.toThrow(/needs an event/)
      expect(await events()).toEqual([])
    })
  })

  describe(`${name}: an append whose answer was lost`, () => {
    it('is appended again with the same position and time, and writes nothing', async () => {
      const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
      const first = await store.appendDispatch(append)
      const before = await events()
      expect(await store.appendDispatch(append)).toEqual(first)
      expect(await events()).toEqual(before)
      expect(first.outcome).toBe('appended')
    })

    it('is found when its stream has grown since', async () => {
      const stream = newStream()
      const append = dispatchAppend(stream, { types: ['Planned', 'PreflightPassed'] })
      const first = await store.appendDispatch(append)
      await store.appendDispatch(dispatchAppend(stream, { expected: 1, types: ['Refused'] }))
      await store.appendDispatch(dispatchAppend(stream, { expected: 2 }))
      const before = await events()
      expect(await store.appendDispatch(append)).toEqual(first)
      expect(await events()).toEqual(before)
    })

    it('is found when control has moved on since: known comes before stale', async () => {
      const append = dispatchAppend(newStream())
      const first = await store.appendDispatch(append)
      await store.appendControl(controlAppend(-1, ['HALTED']))
      const before = await events()
      expect(await store.appendDispatch(append)).toEqual(first)
      expect(await events()).toEqual(before)
    })

    it('is found in control, too, and leaves the control revision alone', async () => {
      const append = controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED'])
      const first = await store.appendControl(append)
      expect(await store.appendControl(append)).toEqual(first)
      await store.appendControl(controlAppend(1))
      const before = await store.head()
      expect(await store.appendControl(append)).toEqual(first)
      expect(await store.head()).toEqual(before)
      expect(before.control.revision).toBe(2)
    })

    it('conflicts when it was the append of another call that went in at that place', async () => {
      const append = dispatchAppend(newStream())
      await store.appendDispatch(append)
      const other = dispatchAppend(append.stream)
      expect(await store.appendDispatch(other)).toEqual(conflictAt(0))
      await store.appendControl(controlAppend(-1))
      expect(await store.appendControl(controlAppend(-1))).toEqual(conflictAt(0))
    })

    it('goes in once when it is sent many times at once', async () => {
      const append = dispatchAppend(newStream(), { types: WHOLE_LIFE })
      const answers = await Promise.all(times(20, () => store.appendDispatch(append)))
      const written = await events()
      const { position, recordedAt } = last(written)
      expect(written).toHaveLength(3)
      for (const answer of answers) {
        expect(answer).toEqual({ outcome: 'appended', position, recordedAt })
      }
    })
  })

  describe(`${name}: the control revision`, () => {
    it('makes an append stale when it moved after the judgement: nothing of it counts', async () => {
      await store.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED']))
      const before = await events()
      for (const controlRevision of [-1, 0]) {
        const append = dispatchAppend(newStream(), { types: WHOLE_LIFE, controlRevision })
        expect(await store.appendDispatch(append)).toEqual({ outcome: 'stale', controlRevision: 1 })
        expect(valid(await eventsOf(append.stream))).toEqual([])
      }
      expect(valid(await events())).toEqual(before)
    })

    it('lets an append pass that was judged at the last control event', async () => {
      await store.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED', 'DRY_RUN_ONLY']))
      const append = dispatchAppend(newStream(), { controlRevision: 2 })
      expect(await store.appendDispatch(append)).toMatchObject({ outcome: 'appended' })
    })

    it('lets the same call append after it was stale, judged again', async () => {
      await store.appendControl(controlAppend(-1))
      const stale = dispatchAppend(newStream())
      expect(await store.appendDispatch(stale)).toEqual({ outcome: 'stale', controlRevision: 0 })
      const { stream, callId } = stale
      const expected = (await eventsOf(stream)).length - 1
      const judgedAgain = dispatchAppend(stream, { expected, controlRevision: 0, callId })
      expect(await store.appendDispatch(judgedAgain)).toMatchObject({ outcome: 'appended' })
      expect(valid(await eventsOf(stream))).toEqual(recordedOf(judgedAgain))
    })

    it('that the log does not have yet is stale, too', async () => {
      await store.appendControl(controlAppend(-1))
      const append = dispatchAppend(newStream(), { controlRevision: 1 })
      expect(await store.appendDispatch(append)).toEqual({ outcome: 'stale', controlRevision: 0 })
    })

    it('does not matter to refusals', async () => {
      await store.appendControl(controlAppend(-1, ['DRY_RUN_ONLY', 'HALTED']))
      const refused = dispatchAppend(newStream(), { types: ['Refused', 'Refused'] })
      expect(refused.controlRevision).toBeNull()
      expect(await store.appendDispatch(refused)).toMatchObject({ outcome: 'appended' })
    })

    it('is asked after the stream: an append that is behind in both conflicts', async () => {
      const stream = newStream()
      await store.appendDispatch(dispatchAppend(stream))
      await store.appendControl(controlAppend(-1))
      expect(await store.appendDispatch(dispatchAppend(stream))).toEqual(conflictAt(0))
    })
  })

  describe(`${name}: many at once`, () => {
    it('appends one of many equal commands that race, and the others conflict with it', async () => {
      const stream = newStream()
      const racing = times(50, () => dispatchAppend(stream, { types: WHOLE_LIFE }))
      const answers = await Promise.all(racing.map((append) => store.appendDispatch(append)))
      const winners = racing.filter((_, index) => answers[index]?.outcome === 'appended')
      expect(winners).toHaveLength(1)
      expect(answers.filter((it) => it.outcome === 'conflict')).toEqual(
        times(49, () => conflictAt(2)),
      )
      expect(await events()).toEqual(winners.flatMap(recordedOf))
    })

    it('appends one of many control appends that race', async () => {
      const racing = times(20, () => controlAppend(-1))
      const answers = await Promise.all(racing.map((append) => store.appendControl(append)))
      const winners = racing.filter((_, index) => answers[index]?.outcome === 'appended')
      expect(winners).toHaveLength(1)
      expect(answers.filter((it) => it.outcome === 'conflict')).toEqual(
        times(19, () => conflictAt(0)),
      )
      expect(await eventsOf(CONTROL_STREAM)).toEqual(winners.flatMap(recordedOf))
    })

    it('shows readers every event once and in order while many write', async () => {
      const fromStart = follow(store, 0)
      const sizes = [1, 3, 2]
      await Promise.all(
        newStreams(64).map(async (stream, writer) => {
          for (let n = 0, expected = -1; n < 9; n++) {
            const types = WHOLE_LIFE.slice(0, sizes[(n + writer) % 3])
            const append = dispatchAppend(stream, { expected, types })
            expect(await store.appendDispatch(append)).toMatchObject({ outcome: 'appended' })
            expected += types.length
          }
        }),
      )
      const written = await events()
      const count = 64 * 9 * 2
      const middle = follow(store, written[count / 2 - 1]?.position ?? 0)
      await until(() => fromStart.seen.length >= count && middle.seen.length >= count / 2)
      await Promise.all([fromStart.end(), middle.end()])
      expect(written).toHaveLength(count)
      expect(new Set(written.map((event) => event.id)).size).toBe(count)
      expectIncreasing(written.map((event) => event.position))
      expect(fromStart.seen).toEqual(written)
      expect(middle.seen).toEqual(written.slice(count / 2))
    })

    it('lets no event stand behind a control event that it was not judged by', async () => {
      const flips = { done: 0, all: 20 }
      let appended = 0
      const write = async (stream: string): Promise<void> => {
        while (flips.done < flips.all) {
          const { events: known, control } = await store.load(stream)
          const judgedAt = known.map(controlRevisionOf)
          expect(Math.max(-1, ...judgedAt)).toBeLessThanOrEqual(control.revision)
          const place = { expected: known.length - 1, controlRevision: control.revision }
          const answer = await store.appendDispatch(dispatchAppend(stream, place))
          expect(['appended', 'stale']).toContain(answer.outcome)
          if (answer.outcome === 'appended') appended += 1
        }
      }
      const flip = async (): Promise<void> => {
        for (; flips.done < flips.all; flips.done++) {
          const goal = appended + 4
          await until(() => appended >= goal, { what: 'writers to go on between flips' })
          const state = flips.done % 2 === 0 ? 'HALTED' : 'DRY_RUN_ONLY'
          const answer = await store.appendControl(controlAppend(flips.done - 1, [state]))
          expect(answer.outcome).toBe('appended')
        }
      }
      await Promise.all([flip(), ...newStreams(8).map(write)])
      const written = valid(await events())
      expect(written.filter((event) => event.stream === CONTROL_STREAM)).toHaveLength(flips.all)
      expect(written).toHaveLength(flips.all + appended)
      expectJudgedByAllBefore(written)
    })

    it('shows an acknowledged control event to every load that is sent after it', async () => {
      const streams = newStreams(8)
      const flips = { done: 0, all: 25 }
      const background = streams.map(async (stream) => {
        while (flips.done < flips.all) await store.load(stream)
      })
      for (; flips.done < flips.all; flips.done++) {
        const append = controlAppend(flips.done - 1)
        await store.appendControl(append)
        const loads = await Promise.all(streams.map((stream) => store.load(stream)))
        const control = { revision: flips.done, eventId: append.events[0]?.id }
        expect(loads).toEqual(streams.map(() => ({ events: [], control })))
      }
      await Promise.all(background)
    })
  })

  describe(`${name}: reading the log`, () => {
    /** Commits of 2, 3, 1 and 3 events. */
    const fill = async (): Promise<readonly Recorded[]> => {
      for (const size of [2, 3, 1, 3]) {
        const types = WHOLE_LIFE.slice(0, size)
        await store.appendDispatch(dispatchAppend(newStream(), { types }))
      }
      return events()
    }
    const at = (all: readonly Recorded[], index: number): number => all[index]?.position ?? -1

    it('begins after any event and ends with any other, in the middle of an append, too', async () => {
      const all = await fill()
      expect(all).toHaveLength(9)
      for (let from = 0; from < 9; from++) {
        const after = at(all, from)
        expect(await events({ after })).toEqual(all.slice(from + 1))
        for (let to = 0; to < 9; to++) {
          const range = { after, until: at(all, to) }
          expect(await events(range)).toEqual(all.slice(from + 1, Math.max(from, to) + 1))
        }
      }
      expect(await events({ until: at(all, 3) })).toEqual(all.slice(0, 4))
      expect(await events({ until: 0 })).toEqual([])
      expect(await events({ after: at(all, 8) + 1 })).toEqual([])
      expect(await events({ until: at(all, 8) + 1_000 })).toEqual(all)
    })

    it('gives no more events than asked for', async () => {
      const all = await fill()
      for (const limit of [0, 1, 2, 3, 4, 6, 9, 100]) {
        expect(await events({ limit })).toEqual(all.slice(0, limit))
      }
      const range = { after: at(all, 2), until: at(all, 7) }
      expect(await events({ ...range, limit: 2 })).toEqual(all.slice(3, 5))
      expect(await events({ ...range, limit: 50 })).toEqual(all.slice(3, 8))
    })

    it('gives a long log whole, and any part of it', async () => {
      const commits = 1_001
      const streams = newStreams(13)
      await Promise.all(
        streams.map(async (stream, writer) => {
          let expected = -1
          for (let n = writer; n < commits; n += streams.length) {
            const types = WHOLE_LIFE.slice(0, n % 100 === 0 ? 3 : 1)
            await store.appendDispatch(dispatchAppend(stream, { expected, types }))
            expected += types.length
          }
        }),
      )
      const all = await events()
      const count = commits + 2 * 11
      expect(all).toHaveLength(count)
      expect(new Set(all.map((event) => event.id)).size).toBe(count)
      expectIncreasing(all.map((event) => event.position))
      expect(last(all).position).toBe((await store.head()).position)
      expect(await events({ limit: 700 })).toEqual(all.slice(0, 700))
      const range = { after: at(all, 99), until: at(all, 899) }
      expect(await events(range)).toEqual(all.slice(100, 900))
      expect(await events({ ...range, limit: 650 })).toEqual(all.slice(100, 750))
      const rest = { after: at(all, count - 500) }
      expect(await events(rest)).toEqual(all.slice(count - 499))
      const tailing = follow(store, 0)
      await until(() => tailing.seen.length >= count)
      await tailing.end()
      expect(tailing.seen).toEqual(all)
    })

    it('can be left half-way as often as one likes', async () => {
      const all = await fill()
      for (let n = 0; n < 40; n++) {
        for await (const event of store.read({ after: 0 })) {
          expect(event).toEqual(all[0])
          break
        }
      }
      expect(await events()).toEqual(all)
    })
  })

  describe(`${name}: loading a stream`, () => {
    it('gives the events after a revision, in the middle of an append, too', async () => {
      const stream = newStream()
      await store.appendDispatch(dispatchAppend(stream, { types: ['Planned', 'PreflightPassed'] }))
      await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
      await store.appendDispatch(dispatchAppend(stream, { expected: 1, types: WHOLE_LIFE }))
      await store.appendDispatch(dispatchAppend(stream, { expected: 4 }))
      await store.appendControl(controlAppend(-1, ['HALTED']))
      const { control, events: all } = await store.load(stream)
      expect(all.map((event) => event.revision)).toEqual([0, 1, 2, 3, 4, 5])
      for (let afterRevision = -1; afterRevision < 8; afterRevision++) {
        const rest = all.slice(afterRevision + 1)
        expect(await store.load(stream, afterRevision)).toEqual({ events: rest, control })
      }
      expect(control.revision).toBe(0)
    })

    it('gives the same for control', async () => {
      await store.appendControl(controlAppend(-1, ['HALTED', 'DRY_RUN_ONLY', 'HALTED']))
      await store.appendControl(controlAppend(2))
      const { control, events: all } = await store.load(CONTROL_STREAM)
      for (let afterRevision = -1; afterRevision < 5; afterRevision++) {
        const rest = all.slice(afterRevision + 1)
        expect(await store.load(CONTROL_STREAM, afterRevision)).toEqual({ events: rest, control })
      }
      expect(control).toEqual({ revision: 3, eventId: last(all).id })
    })
  })

  describe(`${name}: tailing the log`, () => {
    it('gives what is there and then what comes', async () => {
      const first = dispatchAppend(newStream(), { types: WHOLE_LIFE })
      await store.appendDispatch(first)
      const tailing = follow(store, 0)
      await until(() => tailing.seen.length === 3)
      const second = controlAppend(-1)
      await store.appendControl(second)
      await until(() => tailing.seen.length === 4)
      const third = dispatchAppend(newStream(), { types: ['Refused'] })
      await store.appendDispatch(third)
      await until(() => tailing.seen.length === 5)
      await tailing.end()
      expect(tailing.seen).toEqual([first, second, third].flatMap(recordedOf))
    })

    it('may begin at the tip, or inside an append', async () => {
      await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
      const [before] = await events()
      const fromTip = follow(store, (await store.head()).position)
      const fromInside = follow(store, before?.position ?? 0)
      const later = dispatchAppend(newStream(), { types: ['Planned', 'PreflightPassed'] })
      await store.appendDispatch(later)
      await until(() => fromTip.seen.length === 2 && fromInside.seen.length === 4)
      await Promise.all([fromTip.end(), fromInside.end()])
      expect(fromTip.seen).toEqual(recordedOf(later))
      expect(fromInside.seen).toEqual((await events()).slice(1))
    })

    it('ends soon when it is told to, however little happens', async () => {
      await store.appendDispatch(dispatchAppend(newStream()))
      const startMs = performance.now()
      for (let n = 0; n < 10; n++) {
        const tailing = follow(store, 0)
        await until(() => tailing.seen.length === 1)
        await tailing.end()
      }
      expect(performance.now() - startMs).toBeLessThan(2_500)
    })

    it('gives nothing once it is told to end', async () => {
      await store.appendDispatch(dispatchAppend(newStream(), { types: WHOLE_LIFE }))
      expect(await collect(store.tail({ after: 0, signal: AbortSignal.abort() }))).toEqual([])
      const stop = new AbortController()
      const seen = []
      for await (const event of store.tail({ after: 0, signal: stop.signal })) {
        seen.push(event.revision)
        if (event.revision === 1) stop.abort()
      }
      expect(seen).toEqual([0, 1])
    })
  })

  describe(`${name}: what an event says`, () => {
    it('may be long', async () => {
      const output = { text: 'é'.repeat(64 * 1024), list: times(64 * 1024, (n) => n % 10) }
      const types = ['Planned', 'DryRunRecorded', 'DryRunRecorded'] as const
      const append = dispatchAppend(newStream(), { types, output })
      expect(Buffer.byteLength(JSON.stringify(append.events[1]))).toBeGreaterThan(256 * 1024)
      const answer = await store.appendDispatch(append)
      expect(answer.outcome).toBe('appended')
      expect(await eventsOf(append.stream)).toEqual(recordedOf(append))
      expect(await events()).toEqual(recordedOf(append))
    })

    it('is kept to the character, in the order it was written', async () => {
      const output: Json = {
        z: 'first',
        a: { '': 'no name', constructor: 1, é: 'composed', 'e\u0301': 'decomposed' },
        text: [
          '\u2028\u2029\ufeff',
          '😀\u{10ffff}',
          '\u0001\u001f\u007f\t\n\r',
          '\\"/\\u0041',
          "'$1",
        ],
        numbers: [1e21, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, 123456789012345680000],
        safe: [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0, 1.0, 100],
        other: [null, true, false, [], {}, [[]], ' \u00a0 '],
      }
      const append = dispatchAppend(newStream(), { types: ['DryRunRecorded'], output })
      await store.appendDispatch(append)
      const sent = JSON.stringify(append.events[0]?.data)
      expect(JSON.stringify((await eventsOf(append.stream))[0]?.data)).toBe(sent)
      expect(JSON.stringify((await events())[0]?.data)).toBe(sent)
    })

    it('has no negative zero: JSON writes it as 0', async () => {
      const append = dispatchAppend(newStream(), { types: ['DryRunRecorded'], output: [-0] })
      await store.appendDispatch(append)
      const [event] = await eventsOf(append.stream)
      expect(event?.data).toHaveProperty('output', [0])
    })
  })
}

/** A reader of the tail, and what it has seen. */
export function follow(store: Pick<EventStore, 'tail'>, after: number) {
  const seen: Recorded[] = []
  const stop = new AbortController()
  const done = (async () => {
    for await (const event of store.tail({ after, signal: stop.signal })) seen.push(event)
  })()
  // Whoever ends it hears of what broke it.
  done.catch(() => undefined)
  return {
    seen,
    async end(): Promise<void> {
      stop.abort()
      await done
    },
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Those that count: a store that cannot look before it appends may hold void ones, too. */
const valid = (events: readonly Recorded[]): readonly Recorded[] =>
  events.filter((event) => !event.void)

/** Each event follows exactly from the control events before it: none is missing, none too many. */
function expectJudgedByAllBefore(log: readonly Recorded[]): void {
  let control = -1
  for (const event of log) {
    if (event.stream === CONTROL_STREAM) control = event.revision
    else expect(controlRevisionOf(event)).toBe(control)
  }
}

const controlRevisionOf = (event: Recorded): number => {
  if (!('snapshot' in event.data)) throw new Error(`${event.type} has no snapshot`)
  return event.data.snapshot.controlRevision
}

const conflictAt = (revision: number) => ({ outcome: 'conflict', revision })

function positionOf(answer: { outcome: string; position?: number }): number {
  expect(answer.outcome).toBe('appended')
  return answer.position ?? -1
}

export function expectIncreasing(positions: readonly number[]): void {
  expect(positions.toSorted((a, b) => a - b)).toEqual(positions)
  expect(new Set(positions).size).toBe(positions.length)
}

function last<T>(items: readonly T[]): T {
  const item = items.at(-1)
  if (item === undefined) throw new Error('there is none')
  return item
}

const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))
