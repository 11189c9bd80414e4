import { describe, expect, it } from 'vitest'
import type { CrossCheck, Marker } from '../../domain/control/manifest.ts'
import type { ControlState } from '../../domain/control/state.ts'
import { CROSS_CHECK_EVIDENCE, EVIDENCE_NAMES, evidence } from '../../domain/gates/evidence.ts'
import { judgeGate } from '../../domain/gates/gate.ts'
import { readOnly } from '../../domain/gates/read-only.ts'
import {
  SPECIMEN_COMMAND,
  SPECIMEN_MANIFESTS,
  specimenControl,
} from '../../domain/gates/specimen.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { controlOf, registered, retired, switchSet } from '../support/control.ts'
import { ONLY_READS } from '../support/sql-plan.ts'

const { contract, fixture, target } = SPECIMEN_MANIFESTS
const BY_HEADER: Marker = { header: 'preference-applied', value: 'tx=rollback' }
const BY_POINTER: Marker = { pointer: '/meta/dryRun', value: true }
const CHECK: CrossCheck = { source: 'shop', sql: 'select 1' }

type Asked = Readonly<{
  executor?: string
  method?: Json
  marker?: Marker
  crossCheck?: CrossCheck
  sideEffects?: string
}>

const controlWith = ({
  executor = 'http',
  method = 'GET',
  sideEffects = 'none',
  ...change
}: Asked): ControlState =>
  specimenControl({
    manifests: [
      { ...contract, executor, sideEffects, program: { method, path: '/' } },
      fixture,
      { ...target, executor, ...change },
    ],
  })

const ALLOWED = { allowed: true, by: ['http://127.0.0.1:8081'] }
const READER = { role: 'reader', replica: false, ...ONLY_READS }
const LOOK = { sql: { allowed: true, schemas: ['shop'] }, source: READER }

const sound = (change: JsonObject = {}): JsonObject => ({
  origin: ALLOWED,
  sendsMarker: false,
  ...change,
})

const judged = (asked: Asked, facts: Json = sound(), sideEffects: Json = 'none') =>
  judgeGate(readOnly, {
    command: SPECIMEN_COMMAND,
    control: controlWith(asked),
    seen: { sideEffects, facts },
  })
const codeOf = (asked: Asked, facts?: Json) => judged(asked, facts).code

describe('the gate read-only, of http', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('passes a %s, with a marker or without', (method) => {
    expect(judged({ method }).record.outcome).toBe('pass')
    expect(judged({ method, marker: BY_HEADER }).record.outcome).toBe('pass')
  })

  it('passes a POST to what marks its dry runs, in a header or in the body', () => {
    expect(judged({ method: 'POST', marker: BY_HEADER }).record.outcome).toBe('pass')
    expect(judged({ method: 'POST', marker: BY_POINTER }).record.outcome).toBe('pass')
  })

  it('refuses a POST without a marker', () => {
    expect(codeOf({ method: 'POST' })).toBe('executor-unsafe')
  })

  const OTHER_METHODS: readonly Json[] = [
    ['PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'QUERY', 'get', 'post', 'Post', 'GET ', ''],
    ['constructor', null, 1, true, ['GET'], { method: 'GET' }],
  ].flat()
  it.each(OTHER_METHODS)('refuses the method %j, whatever marker there is', (method) => {
    expect(codeOf({ method })).toBe('executor-unsafe')
    expect(codeOf({ method, marker: BY_HEADER })).toBe('executor-unsafe')
  })

  const NOT_ALLOWED: readonly Json[] = [
    [null, true, 'allowed', 1, [], [ALLOWED], {}, { by: ALLOWED.by }, { allowed: 1 }],
    [
      { allowed: false, by: ALLOWED.by },
      { allowed: 'true' },
      { allowed: null },
      { allowed: [true] },
    ],
  ].flat()
  it.each(NOT_ALLOWED)('refuses an origin of which is known only %j', (origin) => {
    expect(codeOf({}, sound({ origin }))).toBe('executor-unsafe')
    expect(codeOf({ crossCheck: CHECK }, sound({ origin, crossCheck: LOOK }))).toBe(
      'executor-unsafe',
    )
  })

  it('refuses an origin of which nothing is known', () => {
    expect(codeOf({}, {})).toBe('executor-unsafe')
    expect(codeOf({}, { sendsMarker: false })).toBe('executor-unsafe')
    expect(codeOf({}, { isolation: 'process', ...LOOK })).toBe('executor-unsafe')
  })

  it.each<Json>([true, null, 'false', 0, '', {}])(
    'refuses a request of which is not known that it does not hold the marker itself: %j',
    (sendsMarker) => {
      for (const asked of [{}, { method: 'POST', marker: BY_POINTER }])
        expect(codeOf(asked, sound({ sendsMarker }))).toBe('executor-unsafe')
      expect(codeOf({}, { origin: ALLOWED })).toBe('executor-unsafe')
    },
  )

  it('cannot tell where there are no facts, or no declaration', () => {
    for (const facts of [null, [], 'none', true]) {
      expect(judged({}, facts).record.outcome).toBe('indeterminate')
      expect(codeOf({}, facts)).toBe('gate-indeterminate')
    }
    expect(judged({}, sound(), null).code).toBe('gate-indeterminate')
  })

  it('refuses what declares side effects, on either side', () => {
    expect(judged({}, sound(), 'some').code).toBe('executor-unsafe')
    expect(codeOf({ sideEffects: 'some' })).toBe('executor-unsafe')
  })
})

describe('the gate read-only, of a target with a cross-check', () => {
  const lookedAt = (crossCheck: Json) => codeOf({ crossCheck: CHECK }, sound({ crossCheck }))

  it('passes where the database is asked by a login that can only read', () => {
    expect(lookedAt(LOOK)).toBeNull()
    const post = { method: 'POST', marker: BY_HEADER, crossCheck: CHECK }
    expect(codeOf(post, sound({ crossCheck: LOOK }))).toBeNull()
    expect(codeOf({ method: 'POST', crossCheck: CHECK }, sound({ crossCheck: LOOK }))).toBe(
      'executor-unsafe',
    )
  })

  it.each<Json>([null, true, [], [LOOK], 'allowed'])(
    'refuses where only %j is known of it',
    (crossCheck) => expect(lookedAt(crossCheck)).toBe('executor-unsafe'),
  )

  it('refuses where nothing is known of it', () => {
    expect(codeOf({ crossCheck: CHECK })).toBe('executor-unsafe')
    expect(lookedAt({})).toBe('sql-not-allowed')
  })

  it('refuses a statement that is not allowed, and a login that is more than a reader', () => {
    expect(lookedAt({ ...LOOK, sql: { allowed: false, why: 'it writes' } })).toBe('sql-not-allowed')
    expect(lookedAt({ ...LOOK, sql: { allowed: 'true' } })).toBe('sql-not-allowed')
    expect(lookedAt({ ...LOOK, source: null })).toBe('executor-unsafe')
    for (const name of Object.keys(ONLY_READS)) {
      const { [name]: _, ...without } = READER as JsonObject
      expect(lookedAt({ ...LOOK, source: { ...READER, [name]: ['one'] } })).toBe('executor-unsafe')
      expect(lookedAt({ ...LOOK, source: without })).toBe('executor-unsafe')
    }
  })

  it('needs no facts of a database where the target has none', () => {
    expect(codeOf({}, sound({ crossCheck: null }))).toBeNull()
    expect(codeOf({}, sound({ crossCheck: { sql: null, source: null } }))).toBeNull()
  })
})

const item = { holds: true, seen: null }
const SHOWN = { dryRunProven: item, addressPinned: item, notRedirected: item }
const CHECKED = { ...SHOWN, sourceUnchanged: item }

const seenBy = (seen: Json, asked: Asked = {}) =>
  judgeGate(evidence, { command: SPECIMEN_COMMAND, control: controlWith(asked), seen })

describe('the gate evidence, of http', () => {
  it('asks for these names, and for one more where the target has a cross-check', () => {
    expect(EVIDENCE_NAMES['http']).toEqual(Object.keys(SHOWN))
    expect(CROSS_CHECK_EVIDENCE).toBe('sourceUnchanged')
  })

  it('passes when all of them hold', () => {
    expect(seenBy(SHOWN).record.outcome).toBe('pass')
    expect(seenBy(CHECKED, { crossCheck: CHECK }).record.outcome).toBe('pass')
  })

  const NOT_HOLDING: readonly Json[] = [
    [{ holds: false, seen: null }, { holds: 'true' }, { holds: 1 }, { holds: null }, {}],
    [null, true, 'holds', [], [item]],
  ].flat()

  it.each(Object.keys(SHOWN))('refuses when %s alone does not hold, or is missing', (name) => {
    const { [name]: _, ...without } = SHOWN as JsonObject
    expect(seenBy(without).code).toBe('mutation-suspected')
    for (const it of NOT_HOLDING)
      expect(seenBy({ ...SHOWN, [name]: it }).code, JSON.stringify(it)).toBe('mutation-suspected')
  })

  it.each(Object.keys(CHECKED))(
    'refuses when %s alone does not hold, or is missing, of a target with a cross-check',
    (name) => {
      const { [name]: _, ...without } = CHECKED as JsonObject
      expect(seenBy(without, { crossCheck: CHECK }).code).toBe('mutation-suspected')
      for (const it of NOT_HOLDING) {
        const seen = { ...CHECKED, [name]: it }
        expect(seenBy(seen, { crossCheck: CHECK }).code).toBe('mutation-suspected')
      }
    },
  )

  it('refuses what says more than it was asked, though it all holds', () => {
    expect(seenBy(CHECKED).code).toBe('mutation-suspected')
    for (const surplus of ['isolated', 'more', 'noTransactionId', 'DryRunProven', '']) {
      expect(seenBy({ ...SHOWN, [surplus]: item }).code).toBe('mutation-suspected')
      const seen = { ...CHECKED, [surplus]: item }
      expect(seenBy(seen, { crossCheck: CHECK }).code).toBe('mutation-suspected')
    }
  })

  it('refuses other names in the place of its own', () => {
    const { notRedirected, ...two } = SHOWN
    expect(seenBy({ ...two, sourceUnchanged: notRedirected }).code).toBe('mutation-suspected')
    expect(seenBy({ ...two, toString: item }).code).toBe('mutation-suspected')
    expect(seenBy({ isolated: item }).code).toBe('mutation-suspected')
    expect(seenBy({}).code).toBe('mutation-suspected')
  })

  it('asks for no cross-check of another type, whatever its target says', () => {
    const sql = { noTransactionId: item, stillReadOnly: item, canaryIntact: item }
    const asked = { executor: 'sql-read', crossCheck: CHECK }
    expect(seenBy(sql, asked).code).toBeNull()
    expect(seenBy({ ...sql, sourceUnchanged: item }, asked).code).toBe('mutation-suspected')
  })

  it('cannot tell where there was no report', () => {
    for (const [failure, code] of [
      ['timeout', 'executor-timeout'],
      ['threw', 'executor-failed'],
      ['limit', 'executor-failed'],
      ['not-json', 'executor-failed'],
    ] as const) {
      const { record, code: found } = seenBy({ failure, code: 'x' }, { crossCheck: CHECK })
      expect([record.outcome, found]).toEqual(['indeterminate', code])
    }
    for (const seen of [null, [], true, 'pass']) {
      expect(seenBy(seen).code).toBe('gate-indeterminate')
    }
  })
})

describe('the target that a gate goes by', () => {
  const before = [
    switchSet('DRY_RUN_ONLY'),
    registered({ ...contract, executor: 'http', program: { method: 'POST', path: '/' } }),
    registered({ ...target, executor: 'http', marker: BY_HEADER, crossCheck: CHECK }),
  ]
  const second = registered({ ...target, executor: 'http', version: 2 })
  const passes = (control: ControlState) => ({
    markedPost: judgeGate(readOnly, {
      command: SPECIMEN_COMMAND,
      control,
      seen: { sideEffects: 'none', facts: sound({ crossCheck: LOOK }) },
    }).code,
    checked: judgeGate(evidence, { command: SPECIMEN_COMMAND, control, seen: CHECKED }).code,
    unchecked: judgeGate(evidence, { command: SPECIMEN_COMMAND, control, seen: SHOWN }).code,
  })
  const first = { markedPost: null, checked: null, unchecked: 'mutation-suspected' }

  it('is its newest version that is not retired', () => {
    expect(passes(controlOf(...before))).toEqual(first)
    expect(passes(controlOf(...before, second))).toEqual({
      markedPost: 'executor-unsafe',
      checked: 'mutation-suspected',
      unchecked: null,
    })
    expect(passes(controlOf(...before, second, retired('Target', target.id, 2)))).toEqual(first)
  })
})
