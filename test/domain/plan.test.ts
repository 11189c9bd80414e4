import { describe, expect, it } from 'vitest'
import type { BaselineCase, ContractBody, FixtureBody } from '../../domain/control/manifest.ts'
import { decide } from '../../domain/dispatch/decide.ts'
import { limitsOf, planFor, planForCase } from '../../domain/dispatch/plan.ts'
import { EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import {
  controlOf,
  READY,
  READY_REVISION,
  readyAnd,
  registered,
  retired,
} from '../support/control.ts'
import { dryRun, given, planned, READY_WORLD, verify } from '../support/given.ts'
import { sampleCommand, sampleContract, sampleFixture, sampleTarget } from '../support/sample.ts'

const contract = sampleContract as unknown as ContractBody
const fixture = sampleFixture as unknown as FixtureBody

describe('a plan', () => {
  it('holds everything an executor is to invoke', () => {
    expect(planFor(readyAnd(), sampleCommand())).toEqual({
      program: contract.program,
      params: { say: 'hello' },
      fixture: { word: 'dry' },
      target: sampleTarget(),
      limits: { timeMs: 1_000, rows: 10_000, outputBytes: 65_536 },
    })
  })

  it('aims at the newest version of the target', () => {
    expect(planFor(readyAnd(registered(sampleTarget(2))), sampleCommand())?.target).toEqual(
      sampleTarget(2),
    )
  })

  it.each(['contract', 'fixture', 'target'])('is none while the %s is missing', (missing) => {
    const left = READY.filter((_, revision) => revision !== READY_REVISION[missing as 'target'])
    expect(planFor(controlOf(...left), sampleCommand())).toBeNull()
  })

  it('is none when the last target is retired', () => {
    expect(planFor(readyAnd(retired('Target', 'sample/one')), sampleCommand())).toBeNull()
  })

  it('of a baseline case is aimed at a target that is no target', () => {
    const one: BaselineCase = {
      name: 'x',
      params: { say: 'x' },
      verdict: 'would_fail',
      output: null,
    }
    expect(planForCase(contract, fixture, one)).toEqual({
      program: contract.program,
      params: { say: 'x' },
      fixture: { word: 'dry' },
      target: { kind: 'Target', id: 'baseline', version: 1, executor: 'simulator' },
      limits: { timeMs: 1_000, rows: 10_000, outputBytes: 65_536 },
    })
  })
})

describe('the limits of a contract', () => {
  const { limits: _, ...bare } = contract

  const LEDGER = { timeMs: 30_000, rows: 10_000, outputBytes: 65_536 }

  it.each([
    ['are those of the ledger where it says nothing', bare, LEDGER],
    ['are those of the ledger where it limits nothing', { ...bare, limits: {} }, LEDGER],
    [
      'may be lower',
      { ...bare, limits: { timeMs: 5, rows: 6, bytes: 7 } },
      { timeMs: 5, rows: 6, outputBytes: 7 },
    ],
    ['may lower the time alone', { ...bare, limits: { timeMs: 5 } }, { ...LEDGER, timeMs: 5 }],
    ['may lower the rows alone', { ...bare, limits: { rows: 6 } }, { ...LEDGER, rows: 6 }],
    [
      'may lower the output alone',
      { ...bare, limits: { bytes: 7 } },
      { ...LEDGER, outputBytes: 7 },
    ],
    [
      'are never higher',
      { ...bare, limits: { timeMs: 30_001, rows: 10_001, bytes: 65_537 } },
      LEDGER,
    ],
  ])('%s', (_what, body, limits) => {
    expect(limitsOf(body)).toEqual(limits)
  })
})

describe('a step that passed its gates without its material', () => {
  const contradiction = 'a step passed its gates without its material'
  const { judgement, material } = given().when(dryRun)

  it.each(['pins', 'executor', 'result'] as const)(
    'is a contradiction that crashes: no %s',
    (missing) => {
      const gap = { ...material, [missing]: null }
      expect(() => decide(dryRun, EMPTY_DISPATCH, judgement, gap)).toThrow(contradiction)
    },
  )

  it('asks for no result where no dry run was asked', () => {
    expect(given(planned).when(verify).material).toMatchObject({
      result: null,
      executor: { build: 1 },
    })
    expect(READY_WORLD.result.verdict).toBe('would_succeed')
  })
})
