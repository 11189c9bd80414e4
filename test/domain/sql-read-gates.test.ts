import { describe, expect, it } from 'vitest'
import { evidence } from '../../domain/gates/evidence.ts'
import { judgeGate } from '../../domain/gates/gate.ts'
import { readOnly } from '../../domain/gates/read-only.ts'
import {
  SPECIMEN_COMMAND,
  SPECIMEN_MANIFESTS,
  specimenControl,
} from '../../domain/gates/specimen.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { ONLY_READS } from '../support/sql-plan.ts'

const { contract, fixture, target } = SPECIMEN_MANIFESTS
const controlWith = (change: { replica?: boolean } = {}) =>
  specimenControl({
    manifests: [
      { ...contract, executor: 'sql-read' },
      fixture,
      { ...target, executor: 'sql-read', ...change },
    ],
  })

const SQL = { allowed: true, schemas: ['shop'] }
const READER = {
  role: 'reader',
  replica: false,
  ...ONLY_READS,
}

const judged = (facts: Json, change: { replica?: boolean } = {}) =>
  judgeGate(readOnly, {
    command: SPECIMEN_COMMAND,
    control: controlWith(change),
    seen: { sideEffects: 'none', facts },
  })
const codeOf = (facts: Json, change?: { replica?: boolean }) => judged(facts, change).code

describe('the gate read-only, of sql-read', () => {
  it('passes an allowed statement by a login that can only read', () => {
    expect(judged({ sql: SQL, source: READER }).record.outcome).toBe('pass')
  })

  it.each<[string, Json]>([
    ['a statement that is not allowed', { allowed: false, why: 'the function x is not allowed' }],
    ['a statement that is allowed as a word', { allowed: 'true' }],
    ['no statement', null],
  ])('refuses %s', (_what, sql) => {
    expect(codeOf({ sql, source: READER })).toBe('sql-not-allowed')
    expect(codeOf({ sql, source: null })).toBe('sql-not-allowed')
  })

  it.each(['attributes', 'memberships', 'owns', 'writes', 'reaches'])(
    'refuses a login whose list of %s has one entry, is missing or is no list',
    (name) => {
      const { [name]: _, ...without } = READER as JsonObject
      for (const source of [{ ...READER, [name]: ['one'] }, without, { ...READER, [name]: '' }]) {
        expect(codeOf({ sql: SQL, source })).toBe('executor-unsafe')
      }
    },
  )

  it('refuses a source of which nothing is known', () => {
    expect(codeOf({ sql: SQL, source: null })).toBe('executor-unsafe')
    expect(codeOf({ sql: SQL })).toBe('executor-unsafe')
  })

  it('holds a target to the standby that it demands', () => {
    const facts = (replica: Json) => ({ sql: SQL, source: { ...READER, replica } })
    expect(codeOf(facts(true), { replica: true })).toBeNull()
    expect(codeOf(facts(false), { replica: true })).toBe('executor-unsafe')
    expect(codeOf(facts('true'), { replica: true })).toBe('executor-unsafe')
    expect(codeOf(facts(true), { replica: false })).toBeNull()
    expect(codeOf(facts(false))).toBeNull()
  })
})

const item = { holds: true, seen: null }
const SHOWN = { noTransactionId: item, stillReadOnly: item, canaryIntact: item }

describe('the gate evidence, of sql-read', () => {
  const seenBy = (seen: Json) =>
    judgeGate(evidence, { command: SPECIMEN_COMMAND, control: controlWith(), seen })

  it('passes when all three pieces hold', () => {
    expect(seenBy(SHOWN).record.outcome).toBe('pass')
  })

  it.each(Object.keys(SHOWN))('refuses when %s alone does not hold, or is missing', (name) => {
    const { [name]: _, ...without } = SHOWN as JsonObject
    for (const seen of [{ ...SHOWN, [name]: { holds: false, seen: null } }, without]) {
      expect(seenBy(seen).code).toBe('mutation-suspected')
    }
  })

  it('refuses the evidence of another executor', () => {
    expect(seenBy({ isolated: item }).code).toBe('mutation-suspected')
    expect(seenBy({ ...SHOWN, isolated: item }).code).toBe('mutation-suspected')
  })
})
