import { describe, expect, it } from 'vitest'
import { resolvePins } from '../../domain/control/state.ts'
import { judgementOf, snapshotFor } from '../../domain/dispatch/judgement.ts'
import { type Gate, judgeGate, notEvaluated, type Outcome, pass } from '../../domain/gates/gate.ts'
import {
  GATES,
  gateCount,
  gateNamed,
  gatesOf,
  REPLAY_GATES,
  rejudge,
  runNegativeControls,
} from '../../domain/gates/index.ts'
import { EXECUTION_ENABLED, mode } from '../../domain/gates/mode.ts'
import { SPECIMEN_COMMAND, SPECIMEN_PINS, specimenControl } from '../../domain/gates/specimen.ts'
import type { Json } from '../../domain/json.ts'
import {
  type GateName,
  type GateOutcome,
  type GateRecord,
  isRefusing,
  KNOWN_RULES,
  RULES,
  type Snapshot,
} from '../../domain/snapshot.ts'
import { readyAnd, registered, retired, switchSet } from '../support/control.ts'
import { dryRun, given, READY_WORLD, SOUND, showing } from '../support/given.ts'
import { sampleTarget } from '../support/sample.ts'

/** CONTRACT, section 8, first table, with the stages of section 4. */
const TABLE: readonly (readonly [GateName, number, Gate['stage']])[] = [
  ['mode', 1, 'admission'],
  ['kill-switch', 2, 'admission'],
  ['namespace', 6, 'admission'],
  ['contract', 8, 'admission'],
  ['params', 8, 'admission'],
  ['fixture', 8, 'admission'],
  ['target', 8, 'admission'],
  ['pins', 8, 'preflight'],
  ['executor', 0, 'preflight'],
  ['read-only', 4, 'preflight'],
  ['baseline', 8, 'preflight'],
  ['evidence', 0, 'execution'],
]

const specimenSeen = (name: GateName): Json =>
  name === 'pins' ? SPECIMEN_PINS : (SOUND[name] ?? null)
const specimen = (gate: Gate) => ({
  command: SPECIMEN_COMMAND,
  control: specimenControl(),
  seen: specimenSeen(gate.name),
})

describe('the gates', () => {
  it('judge in the order of the contract, each for its rule and its stage', () => {
    expect(GATES.map((it) => [it.name, it.rule, it.stage])).toEqual(TABLE)
  })

  it('say what they require, each something else, as a sentence without a full stop', () => {
    expect(new Set(GATES.map((it) => it.required)).size).toBe(GATES.length)
    expect(GATES.filter((it) => !/^[a-z].{20,}[^.]$/.test(it.required))).toEqual([])
  })

  it('are counted by the end of their stage', () => {
    expect(gateCount('admission')).toBe(7)
    expect(gateCount('preflight')).toBe(11)
    expect(gateCount('execution')).toBe(12)
  })

  it('are found by stage and by name, and no other name is a gate', () => {
    expect(gatesOf('admission').map((it) => it.name)).toEqual(
      TABLE.slice(0, 7).map(([name]) => name),
    )
    expect(gatesOf('preflight').map((it) => it.name)).toEqual(
      TABLE.slice(7, 11).map(([name]) => name),
    )
    expect(gatesOf('execution').map((it) => it.name)).toEqual(['evidence'])
    for (const gate of GATES) expect(gateNamed(gate.name)).toBe(gate)
    expect(() => gateNamed('sandbox' as GateName)).toThrow('there is no gate sandbox')
  })

  it('are three on a replay', () => {
    expect(REPLAY_GATES).toEqual(['mode', 'kill-switch', 'namespace'])
  })

  it('are rules number 1, the only one known', () => {
    expect(RULES).toBe(1)
    expect(KNOWN_RULES).toEqual([1])
  })

  it('rest on a constant that says no', () => {
    expect(EXECUTION_ENABLED).toBe(false)
  })
})

describe('negative controls', () => {
  it('all fire', () => {
    expect(runNegativeControls()).toEqual(GATES.map((it) => ({ gate: it.name, fired: true })))
  })

  it.each(GATES.map((gate) => [gate.name, gate] as const))(
    'show %s an input that no earlier gate refuses',
    (name, gate) => {
      const earlier = GATES.slice(0, GATES.indexOf(gate))
      const { command, control } = gate.negativeControl
      const pins = resolvePins(control, command)
      const judged = earlier.map((it) =>
        judgeGate(it, {
          command,
          control,
          seen: it.name === 'pins' ? pins : specimenSeen(it.name),
        }),
      )
      expect(judged.filter((it) => it.record.outcome !== 'pass')).toEqual([])
      expect(judgeGate(gate, gate.negativeControl).record.gate).toBe(name)
    },
  )

  it('tell of a gate that lets its own through', () => {
    const open: Gate = { ...mode, judge: () => pass() }
    expect(runNegativeControls([open])).toEqual([{ gate: 'mode', fired: false }])
  })

  it('tell of a gate that passes and names the code all the same', () => {
    const code = 'production-execution-not-authorized'
    const open: Gate = {
      ...mode,
      judge: () => ({ outcome: 'pass', code, revision: null }) as unknown as Outcome,
    }
    expect(runNegativeControls([open])).toEqual([{ gate: 'mode', fired: false }])
  })

  it('tell of a gate that refuses with another code than its own', () => {
    const broken: Gate = {
      ...mode,
      judge() {
        throw new Error('broken')
      },
    }
    expect(runNegativeControls([broken, mode])).toEqual([
      { gate: 'mode', fired: false },
      { gate: 'mode', fired: true },
    ])
  })
})

describe('a gate that cannot tell', () => {
  const seen = { what: 'it saw' }
  const input = { command: SPECIMEN_COMMAND, control: specimenControl(), seen }
  const couldNotTell = {
    record: { gate: 'mode', outcome: 'indeterminate', seen, revision: null },
    code: 'gate-indeterminate',
  }

  it('is indeterminate when it throws, and keeps what it saw', () => {
    const broken: Gate = {
      ...mode,
      judge() {
        throw new Error('broken')
      },
    }
    expect(judgeGate(broken, input)).toEqual(couldNotTell)
  })

  it('is indeterminate when it gives no outcome at all', () => {
    const silent: Gate = { ...mode, judge: () => undefined as unknown as Outcome }
    expect(judgeGate(silent, input)).toEqual(couldNotTell)
  })

  it('is indeterminate when its outcome is none that is known', () => {
    for (const outcome of ['maybe', 'not_evaluated', 'PASS', '', undefined]) {
      const odd = { outcome, code: null, revision: 1 } as unknown as Outcome
      expect(judgeGate({ ...mode, judge: () => odd }, input)).toEqual(couldNotTell)
    }
  })

  it('refuses in its own name and stage, and what comes after it is not evaluated', () => {
    const { judgement } = given()
      .under(showing('params', { failure: 'threw' }))
      .when(dryRun)
    expect(judgement.refusal).toMatchObject({
      code: 'gate-indeterminate',
      rule: 8,
      stage: 'admission',
    })
    expect(judgement.gates.map((it) => it.record.outcome)).toEqual([
      'pass',
      'pass',
      'pass',
      'pass',
      'indeterminate',
      'not_evaluated',
      'not_evaluated',
    ])
  })
})

describe('a judgement', () => {
  it('cannot be made of no gate', () => {
    expect(() => judgementOf(0, [])).toThrow('no gate was judged')
  })

  it('completes its last stage with gates that were not evaluated', () => {
    const first = judgeGate(mode, specimen(mode))
    const { gates, controlRevision, refusal } = judgementOf(7, [first])
    expect(controlRevision).toBe(7)
    expect(refusal).toBeNull()
    expect(gates).toEqual([first, ...gatesOf('admission').slice(1).map(notEvaluated)])
    expect(gates[1]).toEqual({
      record: { gate: 'kill-switch', outcome: 'not_evaluated', seen: null, revision: null },
      code: null,
    })
  })

  it('is refused by the first gate that did not pass', () => {
    const [first, second] = [gateNamed('mode'), gateNamed('kill-switch')]
    const judged = [first, second].map((gate) => judgeGate(gate, gate.negativeControl))
    expect(judgementOf(0, judged).refusal).toMatchObject({
      code: 'production-execution-not-authorized',
      rule: 1,
      gate: judged[0],
    })
  })

  it('gives a stage its snapshot: rules, control revision, and whole stages up to it', () => {
    const { judgement } = given().when(dryRun)
    const snapshots = (['admission', 'preflight', 'execution'] as const).map((stage) =>
      snapshotFor(judgement, stage),
    )
    expect(snapshots.map((it) => it.gates.length)).toEqual([7, 11, 12])
    for (const it of snapshots) expect(it).toMatchObject({ rules: 1, controlRevision: 3 })
  })

  it('calls only fail and indeterminate refusing', () => {
    const refusing = (outcome: GateOutcome) =>
      isRefusing({ gate: 'mode', outcome, seen: null, revision: null })
    expect((['pass', 'fail', 'indeterminate', 'not_evaluated'] as const).map(refusing)).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

describe('judging a recorded snapshot again', () => {
  const { control } = READY_WORLD
  const whole = given().when(dryRun).events[2]?.data.snapshot as Snapshot
  const changed = (gate: GateName, change: Partial<GateRecord>): Snapshot => ({
    ...whole,
    gates: whole.gates.map((it) => (it.gate === gate ? { ...it, ...change } : it)),
  })

  it('gives the recorded gates, from command, control and what was seen', () => {
    expect(rejudge(whole, dryRun, control)).toEqual(whole.gates)
  })

  it('leaves what was not evaluated as it is', () => {
    const refused = given()
      .under({ control: readyAnd(switchSet('HALTED')) })
      .when(dryRun).events[0]
    const snapshot = refused?.data.snapshot as Snapshot
    expect(rejudge(snapshot, dryRun, readyAnd(switchSet('HALTED')))).toEqual(snapshot.gates)
  })

  it('differs when the command was another one', () => {
    expect(rejudge(whole, { ...dryRun, mode: 'REAL_RUN' }, control)).not.toEqual(whole.gates)
    expect(rejudge(whole, { ...dryRun, outputNamespace: 'PROD:x' }, control)).not.toEqual(
      whole.gates,
    )
    expect(rejudge(whole, { ...dryRun, target: 'sample/two' }, control)).not.toEqual(whole.gates)
  })

  it.each([
    ['halted', readyAnd(switchSet('HALTED'))],
    ['without the contract', readyAnd(retired('Contract', 'sample.echo'))],
    ['without the fixture', readyAnd(retired('Fixture', 'sample.words'))],
    ['with another target', readyAnd(registered(sampleTarget(2)))],
  ])('differs when control was %s', (_what, other) => {
    expect(rejudge(whole, dryRun, other)).not.toEqual(whole.gates)
  })

  it.each(Object.keys(SOUND) as GateName[])('differs when what %s saw was changed', (gate) => {
    const forged = changed(gate, { seen: { forged: true } })
    expect(rejudge(forged, dryRun, control)).not.toEqual(forged.gates)
  })

  it.each(GATES.map((it) => it.name))('differs when the revision of %s was changed', (gate) => {
    const forged = changed(gate, { revision: 99 })
    expect(rejudge(forged, dryRun, control)).not.toEqual(forged.gates)
  })

  it.each(['fail', 'indeterminate', 'not_evaluated'] as const)(
    'differs when the verdict of any gate that passed was changed to %s',
    (outcome) => {
      const unnoticed = GATES.filter((gate) => {
        const forged = changed(gate.name, { outcome })
        return JSON.stringify(rejudge(forged, dryRun, control)) === JSON.stringify(forged.gates)
      })
      expect(unnoticed.map((it) => it.name)).toEqual([])
    },
  )

  it('does not let a refusal be written over as not evaluated', () => {
    const halted = readyAnd(switchSet('HALTED'))
    const refused = given().under({ control: halted }).when(dryRun).events[0]?.data
      .snapshot as Snapshot
    const forged: Snapshot = {
      ...refused,
      gates: refused.gates.map((it) =>
        it.outcome === 'fail' ? { ...it, outcome: 'not_evaluated' } : it,
      ),
    }
    expect(rejudge(forged, dryRun, halted)).not.toEqual(forged.gates)
  })
})
