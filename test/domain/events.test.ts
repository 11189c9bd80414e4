import { describe, expect, it } from 'vitest'
import { EMPTY_DISPATCH, pinsOf, reachedOf } from '../../domain/dispatch/state.ts'
import {
  ADVANCING,
  type DispatchEvent,
  isAdvancing,
  KNOWN_EVENTS,
  type LedgerEvent,
  type Recorded,
  SCHEMA_VERSION,
  whyUnreadable,
} from '../../domain/events.ts'
import { CONTROL_STREAM, dispatchIdOf, dispatchStream } from '../../domain/identity.ts'
import { isObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { READY, recordedControl } from '../support/control.ts'
import {
  dryRun,
  dryRunRecorded,
  foldOf,
  given,
  planned,
  preflightPassed,
  realRun,
  recorded,
} from '../support/given.ts'

const refused = given().when(realRun).events[0] as DispatchEvent
const stream = recorded(dryRun, EMPTY_DISPATCH, [refused, planned, preflightPassed, dryRunRecorded])
const control = recordedControl(READY)
const all: readonly Recorded[] = [...stream, ...control]

describe('an event that this process can read', () => {
  it('is of a known type, in its first version, under rules number 1', () => {
    expect(all.map(whyUnreadable)).toEqual(all.map(() => null))
    expect(new Set(all.map((it) => it.type)).size).toBe(6)
    expect(SCHEMA_VERSION).toBe(1)
    expect(KNOWN_EVENTS).toEqual({
      Planned: [1],
      PreflightPassed: [1],
      DryRunRecorded: [1],
      Refused: [1],
      SwitchSet: [1],
      ManifestRegistered: [1],
      ManifestRetired: [1],
    })
  })
})

describe('an event that this process cannot read', () => {
  const [first] = stream as readonly [Recorded<DispatchEvent>]
  const whyNot = (change: object) => whyUnreadable({ ...first, ...change })

  it.each(['Executed', 'planned', '', 'constructor', '__proto__', 'toString'])(
    'is of the unknown type %j',
    (type) => {
      expect(whyNot({ type })).toBe(`the event type ${type} is not known`)
    },
  )

  it.each([0, 2, 1.5, '1'])('has the unknown version %j', (schemaVersion) => {
    const metadata = { ...first.metadata, schemaVersion }
    expect(whyNot({ metadata })).toBe(`version ${schemaVersion} of Refused is not known`)
  })

  it.each([0, 2, '1', null])('was judged by the unknown rules %j', (rules) => {
    const data = { ...first.data, snapshot: { ...first.data.snapshot, rules } }
    expect(whyNot({ data })).toBe(`rules ${rules} are not known`)
  })

  it('is told first by its type, then by its version, then by its rules', () => {
    const data = { ...first.data, snapshot: { ...first.data.snapshot, rules: 2 } }
    const metadata = { ...first.metadata, schemaVersion: 2 }
    expect(whyNot({ type: 'Executed', data, metadata })).toMatch(/type/)
    expect(whyNot({ data, metadata })).toMatch(/^version 2/)
    expect(whyNot({ data })).toMatch(/^rules 2/)
  })

  it('is a control event of an unknown version too', () => {
    const [event] = control
    const metadata = { ...event?.metadata, schemaVersion: 2 }
    expect(whyUnreadable({ ...event, metadata } as Recorded)).toBe(
      'version 2 of SwitchSet is not known',
    )
  })
})

describe('an advancing event', () => {
  it('is Planned, PreflightPassed or DryRunRecorded, and nothing else', () => {
    expect(ADVANCING).toEqual(['Planned', 'PreflightPassed', 'DryRunRecorded'])
    expect(stream.map(isAdvancing)).toEqual([false, true, true, true])
    expect(control.some((event: LedgerEvent) => isAdvancing(event))).toBe(false)
  })
})

describe('the fold of a dispatch', () => {
  it('starts from nothing', () => {
    expect(EMPTY_DISPATCH).toEqual({
      revision: -1,
      position: 0,
      digest: null,
      command: null,
      planned: null,
      preflightPassed: null,
      dryRunRecorded: null,
      refusals: new Map(),
    })
    expect(reachedOf(EMPTY_DISPATCH)).toBeNull()
    expect(pinsOf(EMPTY_DISPATCH)).toBeNull()
  })

  it('keeps each event in its place, and stands where the last one stands', () => {
    const state = foldOf(dryRun, [refused, planned, preflightPassed, dryRunRecorded])
    expect(state).toMatchObject({ revision: 3, position: 4 })
    expect([state.planned, state.preflightPassed, state.dryRunRecorded]).toEqual(stream.slice(1))
    expect([...state.refusals.values()]).toEqual(stream.slice(0, 1))
    expect(pinsOf(state)).toEqual(planned.type === 'Planned' ? planned.data.pins : null)
  })

  it('leaves the state it started from as it was', () => {
    const before = foldOf(dryRun, [refused])
    const copy = structuredClone(before)
    foldOf(dryRun, [refused, planned], before)
    expect(before).toEqual(copy)
  })

  it('keeps the digest of its first event when later refusals carry none', () => {
    const { digest: _, command: __, ...data } = refused.data as Record<string, unknown>
    const later = { ...refused, data } as unknown as DispatchEvent
    const state = foldOf(dryRun, [planned, later])
    expect(state.digest).toBe(planned.type === 'Planned' ? planned.data.digest : null)
    expect(state.command).toEqual(planned.type === 'Planned' ? planned.data.command : null)
  })
})

describe('the name of a stream', () => {
  it('is that of the dispatch, and control is none', () => {
    expect(CONTROL_STREAM).toBe('control')
    expect(dispatchStream('8a')).toBe('dispatch-8a')
    expect(dispatchIdOf('dispatch-8a')).toBe('8a')
    expect(dispatchIdOf('control')).toBeNull()
    expect(dispatchIdOf('Dispatch-8a')).toBeNull()
    expect(dispatchIdOf('x-dispatch-8a')).toBeNull()
  })
})

describe('an object', () => {
  it('is no null, no list and no plain value', () => {
    expect([{}, { a: 1 }].every(isObject)).toBe(true)
    expect([null, undefined, [], 'x', 1, true].some(isObject)).toBe(false)
  })
})

describe('the limits', () => {
  it('are those of the contract', () => {
    expect(LIMITS).toMatchObject({
      bodyBytes: 65_536,
      catalogueBodyBytes: 524_288,
      batchBodyBytes: 16_777_216,
      batchItems: 1_000,
      batchAtOnce: 64,
      jsonDepth: 32,
      paramsBytes: 32_768,
      outputBytes: 65_536,
      manifestBytes: 262_144,
      namespaceLength: 200,
      executorTimeMs: 30_000,
      requestSlackMs: 10_000,
      baselineRegistrationMs: 30_000,
      switchDeadlineMs: 5_000,
      statementTimeMs: 5_000,
      minPositionWaitMs: 2_000,
      pageSize: 1_000,
      appendTries: 5,
      refusalBucketSize: 50,
      refusalBucketPerSecond: 1,
      executionPauseMs: 1_000,
      switchReasonLength: 500,
      refusalListedNames: 10,
    })
  })
})
