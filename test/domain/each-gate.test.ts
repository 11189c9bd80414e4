import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ControlState } from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { SwitchState } from '../../domain/events.ts'
import { EVIDENCE_NAMES } from '../../domain/gates/evidence.ts'
import { judgeGate } from '../../domain/gates/gate.ts'
import { gateNamed } from '../../domain/gates/index.ts'
import { SPECIMEN_COMMAND, SPECIMEN_PINS, specimenControl } from '../../domain/gates/specimen.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import type { GateName } from '../../domain/snapshot.ts'
import { json } from '../support/arbitraries.ts'
import {
  controlOf,
  READY_REVISION,
  readyAnd,
  registered,
  retired,
  switchSet,
} from '../support/control.ts'
import { dryRun, given, planned, SOUND } from '../support/given.ts'
import { sampleCommand, sampleContract, sampleFixture, sampleTarget } from '../support/sample.ts'

const PINS = planned.type === 'Planned' ? (planned.data.pins as unknown as JsonObject) : {}

/** What the gate says of the sample command, in a ready ledger unless told otherwise. */
function judged(
  name: GateName,
  seen: Json = null,
  {
    control = readyAnd(),
    command = dryRun,
  }: { control?: ControlState; command?: AskedCommand } = {},
) {
  const { record, code } = judgeGate(gateNamed(name), { command, control, seen })
  return { outcome: record.outcome, code, revision: record.revision }
}

const passed = (revision: number | null = null) => ({ outcome: 'pass', code: null, revision })
const failed = (code: string, revision: number | null = null) => ({
  outcome: 'fail',
  code,
  revision,
})
const indeterminate = (code = 'gate-indeterminate') => ({
  outcome: 'indeterminate',
  code,
  revision: null,
})

/** The ready ledger with another contract in the place of the sample one. */
const withContract = (change: JsonObject): ControlState =>
  controlOf(
    switchSet('DRY_RUN_ONLY'),
    registered(sampleTarget()),
    registered(sampleFixture),
    registered({ ...sampleContract, ...change }),
  )
const withoutContract = controlOf(
  switchSet('DRY_RUN_ONLY'),
  registered(sampleTarget()),
  registered(sampleFixture),
)

/** What every gate must do, whatever it judges. */
function behavesAsAGate(name: GateName, soundSeen: Json): void {
  const gate = gateNamed(name)

  it('passes the specimen', () => {
    const seen = name === 'pins' ? SPECIMEN_PINS : soundSeen
    const input = { command: SPECIMEN_COMMAND, control: specimenControl(), seen }
    expect(judgeGate(gate, input)).toMatchObject({
      record: { gate: name, outcome: 'pass', seen },
      code: null,
    })
  })

  it('refuses its negative control by its code', () => {
    const { code, seen } = gate.negativeControl
    const control = judgeGate(gate, gate.negativeControl)
    expect(control).toMatchObject({ code, record: { gate: name, outcome: 'fail', seen } })
  })
}

const GARBAGE: readonly Json[] = [
  true,
  false,
  0,
  1,
  '',
  'pass',
  [],
  [true],
  ['valid'],
  {},
  { pass: true },
  { outcome: 'pass' },
  { failure: 'threw' },
]

/** A gate that rests on a fact passes on nothing else than the fact. */
function restsOnItsFact(name: GateName, missing: Json | undefined = null): void {
  it('never passes on a fact that is missing, unknown or garbage', () => {
    for (const seen of GARBAGE)
      expect(judged(name, seen).outcome, JSON.stringify(seen)).not.toBe('pass')
    if (missing !== undefined) expect(judged(name, missing).outcome).not.toBe('pass')
    fc.assert(
      fc.property(json, (seen) => judged(name, seen).outcome !== 'pass'),
      { numRuns: 300 },
    )
  })

  it('cannot tell when the contract is not there, whatever it is shown', () => {
    const sound = name === 'pins' ? PINS : (SOUND[name] ?? null)
    for (const seen of [sound, null, ...GARBAGE]) {
      expect(judged(name, seen, { control: withoutContract })).toEqual(indeterminate())
    }
  })
}

/** A gate that judges command and control alone says the same whatever it is shown. */
function readsNoFact(name: GateName): void {
  it('reads no fact', () => {
    const expected = judged(name)
    for (const seen of GARBAGE) expect(judged(name, seen)).toEqual(expected)
  })
}

describe('gate mode', () => {
  behavesAsAGate('mode', null)
  readsNoFact('mode')

  it.each(['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const)('passes %s', (mode) => {
    expect(judged('mode', null, { command: sampleCommand({ mode }) })).toEqual(passed())
  })

  it('refuses REAL_RUN, whatever control says', () => {
    for (const control of [readyAnd(), controlOf(), readyAnd(switchSet('HALTED'))]) {
      const command = sampleCommand({ mode: 'REAL_RUN' })
      expect(judged('mode', null, { command, control })).toEqual(
        failed('production-execution-not-authorized'),
      )
    }
  })

  it('cannot tell about a mode that it does not know', () => {
    for (const mode of ['', 'LIVE', 'real_run', 'dry_run', 'DRY_RUN ', 'toString']) {
      const command = { ...dryRun, mode } as unknown as AskedCommand
      expect(judged('mode', null, { command }), mode).toEqual(indeterminate())
    }
  })
})

const EXECUTOR = 'executor:simulator'
const CONTRACT = 'contract:sample.echo'

describe('gate kill-switch', () => {
  behavesAsAGate('kill-switch', null)
  readsNoFact('kill-switch')
  const under = (control: ControlState) => judged('kill-switch', null, { control })

  it('passes a positive DRY_RUN_ONLY, decided by the event that set it', () => {
    expect(under(readyAnd())).toEqual(passed(READY_REVISION.switch))
    expect(under(readyAnd(switchSet('HALTED'), switchSet('DRY_RUN_ONLY')))).toEqual(passed(5))
  })

  it('refuses HALTED, decided by the event that set it', () => {
    expect(under(readyAnd(switchSet('HALTED')))).toEqual(failed('kill-switch-engaged', 4))
  })

  it('cannot tell on a ledger that was never set', () => {
    expect(under(controlOf())).toEqual(indeterminate('kill-switch-indeterminate'))
    expect(under(controlOf(registered(sampleTarget())))).toEqual(
      indeterminate('kill-switch-indeterminate'),
    )
  })

  it.each(['LIVE', 'dry_run_only', 'DRY_RUN_ONLY ', 'HALTED ', '', 'unset'])(
    'cannot tell about the state %j, which it does not know',
    (state) => {
      expect(under(readyAnd(switchSet(state as SwitchState)))).toEqual(
        indeterminate('kill-switch-indeterminate'),
      )
    },
  )

  it('does not take the release of a narrow scope for that of the ledger', () => {
    const control = controlOf(switchSet('DRY_RUN_ONLY', CONTRACT))
    expect(under(control)).toEqual(indeterminate('kill-switch-indeterminate'))
  })

  it.each([
    ['the executor', [EXECUTOR], 4],
    ['the contract', [CONTRACT], 4],
    ['two scopes, and names the wider one', [CONTRACT, EXECUTOR], 5],
    ['all, and names the widest one', [CONTRACT, EXECUTOR, 'global'], 6],
  ])('refuses a halt of %s', (_, scopes, revision) => {
    const control = readyAnd(...scopes.map((scope) => switchSet('HALTED', scope)))
    expect(under(control)).toEqual(failed('kill-switch-engaged', revision))
  })

  it('takes the strictest scope: a release elsewhere does not undo a halt', () => {
    const halted = readyAnd(
      switchSet('HALTED', CONTRACT),
      switchSet('DRY_RUN_ONLY', EXECUTOR),
      switchSet('HALTED'),
      switchSet('DRY_RUN_ONLY'),
    )
    expect(under(halted)).toEqual(failed('kill-switch-engaged', 4))
  })

  it('refuses a halted contract on a ledger that was never released', () => {
    const manifests = [sampleTarget(), sampleFixture, sampleContract].map(registered)
    const halted = controlOf(...manifests, switchSet('HALTED', CONTRACT))
    expect(under(halted)).toEqual(failed('kill-switch-engaged', 3))
  })

  it('passes by the global switch where narrow ones were never set, or released', () => {
    expect(under(readyAnd(switchSet('DRY_RUN_ONLY', CONTRACT)))).toEqual(passed(0))
    expect(
      under(readyAnd(switchSet('HALTED', EXECUTOR), switchSet('DRY_RUN_ONLY', EXECUTOR))),
    ).toEqual(passed(0))
  })

  it.each([
    'contract:sample.other',
    'contract:sample',
    'executor:sql-read',
    'contract:sample.echo@1',
  ])('is not halted by the scope %s of somebody else', (scope) => {
    expect(under(readyAnd(switchSet('HALTED', scope)))).toEqual(passed(0))
  })

  it('refuses every version of a halted contract, and one that is not registered', () => {
    const halted = readyAnd(switchSet('HALTED', CONTRACT))
    const contract = { id: 'sample.echo', version: 9 }
    expect(
      judged('kill-switch', null, { control: halted, command: sampleCommand({ contract }) }),
    ).toEqual(failed('kill-switch-engaged', 4))
  })

  it('cannot tell about a narrow scope in a state that it does not know', () => {
    const odd = readyAnd(switchSet('LIVE' as SwitchState, CONTRACT))
    expect(under(odd)).toEqual(indeterminate('kill-switch-indeterminate'))
  })
})

describe('gate namespace', () => {
  behavesAsAGate('namespace', null)
  readsNoFact('namespace')
  const of = (outputNamespace: string) =>
    judged('namespace', null, { command: sampleCommand({ outputNamespace }) })

  it('passes a well-formed dry-run namespace', () => {
    expect(of('DRYRUN-NS:hc/orders')).toEqual(passed())
  })

  it('tells a production namespace from a malformed one', () => {
    expect(of('PROD:hc/orders')).toEqual(failed('namespace-production'))
    expect(of('DRYRUN-NS:HC')).toEqual(failed('namespace-invalid'))
  })
})

describe('gate contract', () => {
  behavesAsAGate('contract', null)
  readsNoFact('contract')
  const under = (control: ControlState, version = 1) =>
    judged('contract', null, {
      control,
      command: sampleCommand({ contract: { id: 'sample.echo', version } }),
    })

  it('passes a registered version, decided by its registration', () => {
    expect(under(readyAnd())).toEqual(passed(READY_REVISION.contract))
    expect(under(readyAnd(registered({ ...sampleContract, version: 2 })), 2)).toEqual(passed(4))
  })

  it('refuses a contract that is not registered in this version', () => {
    expect(under(withoutContract)).toEqual(failed('contract-missing'))
    expect(under(readyAnd(), 2)).toEqual(failed('contract-missing'))
    expect(under(controlOf())).toEqual(failed('contract-missing'))
  })

  it('refuses a retired version, decided by its retirement, and no other version', () => {
    const control = readyAnd(
      registered({ ...sampleContract, version: 2 }),
      retired('Contract', 'sample.echo'),
    )
    expect(under(control)).toEqual(failed('contract-retired', 5))
    expect(under(control, 2)).toEqual(passed(4))
  })

  it('does not take a fixture or a target of that name for a contract', () => {
    const control = controlOf(
      registered({ ...sampleFixture, id: 'sample.echo' }),
      registered({ ...sampleTarget(), id: 'sample.echo' }),
    )
    expect(under(control)).toEqual(failed('contract-missing'))
  })
})

describe('gate params', () => {
  behavesAsAGate('params', SOUND.params ?? null)
  restsOnItsFact('params')

  it('passes what the schema accepts, decided by the registration of the contract', () => {
    expect(judged('params', { valid: true, errors: [] })).toEqual(passed(READY_REVISION.contract))
  })

  it('refuses what the schema does not accept', () => {
    const seen = { valid: false, errors: [{ path: '/say', keyword: 'type' }] }
    expect(judged('params', seen)).toEqual(failed('params-invalid', READY_REVISION.contract))
  })

  it.each([1, 'true', null, [], {}])('cannot tell when valid is %j', (valid) => {
    expect(judged('params', { valid, errors: [] })).toEqual(indeterminate())
  })
})

describe('gate fixture', () => {
  behavesAsAGate('fixture', null)
  readsNoFact('fixture')
  const under = (control: ControlState) => judged('fixture', null, { control })

  it('passes the fixture that the contract names, decided by its registration', () => {
    expect(under(readyAnd())).toEqual(passed(READY_REVISION.fixture))
    expect(under(readyAnd(registered({ ...sampleFixture, version: 2 })))).toEqual(
      passed(READY_REVISION.fixture),
    )
  })

  it.each([
    ['another version', 'sample.words@2'],
    ['another id', 'sample.other@1'],
    ['no reference at all', 'sample.words'],
  ])('refuses when the contract names %s', (_what, fixture) => {
    expect(under(withContract({ fixture }))).toEqual(failed('fixture-missing'))
  })

  it('refuses a retired fixture, decided by its retirement', () => {
    expect(under(readyAnd(retired('Fixture', 'sample.words')))).toEqual(
      failed('fixture-missing', 4),
    )
  })

  it('cannot tell when the contract is not there', () => {
    expect(under(withoutContract)).toEqual(indeterminate())
  })
})

describe('gate target', () => {
  behavesAsAGate('target', null)
  readsNoFact('target')
  const under = (control: ControlState, target = 'sample/one') =>
    judged('target', null, { control, command: sampleCommand({ target }) })

  it('passes the newest version that is not retired, decided by its registration', () => {
    expect(under(readyAnd())).toEqual(passed(READY_REVISION.target))
    expect(under(readyAnd(registered(sampleTarget(2))))).toEqual(passed(4))
    expect(
      under(readyAnd(registered(sampleTarget(2)), retired('Target', 'sample/one', 2))),
    ).toEqual(passed(READY_REVISION.target))
  })

  it('refuses a target outside the pattern of the contract, decided by the contract', () => {
    expect(under(readyAnd(), 'other/one')).toEqual(
      failed('target-not-allowed', READY_REVISION.contract),
    )
    expect(under(readyAnd(), 'sample/one/deep')).toEqual(
      failed('target-not-allowed', READY_REVISION.contract),
    )
  })

  it('refuses a target that is not registered', () => {
    expect(under(readyAnd(), 'sample/two')).toEqual(failed('target-missing'))
  })

  it.each([
    ['its only version is retired', [retired('Target', 'sample/one')], 4],
    [
      'its older version was the last to go',
      [
        registered(sampleTarget(2)),
        retired('Target', 'sample/one', 2),
        retired('Target', 'sample/one', 1),
      ],
      6,
    ],
    [
      'its newer version was the last to go',
      [
        registered(sampleTarget(2)),
        retired('Target', 'sample/one', 1),
        retired('Target', 'sample/one', 2),
      ],
      6,
    ],
  ])('refuses when %s, decided by the last retirement', (_what, events, revision) => {
    expect(under(readyAnd(...events))).toEqual(failed('target-missing', revision))
  })

  it('refuses a target of another executor type, decided by the target', () => {
    const other = registered({ ...sampleTarget(2), executor: 'sql-read' })
    expect(under(readyAnd(other))).toEqual(failed('target-not-allowed', 4))
  })

  it('cannot tell when the contract is not there', () => {
    expect(under(withoutContract)).toEqual(indeterminate())
  })
})

describe('gate pins', () => {
  behavesAsAGate('pins', SPECIMEN_PINS)
  restsOnItsFact('pins')

  it('passes the pins that are current, decided by the target', () => {
    expect(judged('pins', PINS)).toEqual(passed(READY_REVISION.target))
  })

  it('refuses when the target moved, decided by the newer version', () => {
    expect(judged('pins', PINS, { control: readyAnd(registered(sampleTarget(2))) })).toEqual(
      failed('plan-stale', 4),
    )
  })

  it.each(['contract', 'fixture', 'target'])(
    'refuses when %s is pinned by another digest',
    (part) => {
      const seen = { ...PINS, [part]: { version: 1, sha256: 'sha256:other' } }
      expect(judged('pins', seen)).toEqual(failed('plan-stale', READY_REVISION.target))
    },
  )

  it.each(['contract', 'fixture', 'target'])('refuses when %s is not pinned at all', (part) => {
    const { [part]: _, ...seen } = PINS
    expect(judged('pins', seen)).toEqual(failed('plan-stale', READY_REVISION.target))
  })

  it('refuses pins with more than they should hold', () => {
    expect(judged('pins', { ...PINS, more: null })).toEqual(
      failed('plan-stale', READY_REVISION.target),
    )
  })

  it('does not care for the order of members', () => {
    const backwards = Object.fromEntries(Object.entries(PINS).toReversed())
    expect(judged('pins', backwards)).toEqual(passed(READY_REVISION.target))
  })

  it.each([
    ['the target is retired', readyAnd(retired('Target', 'sample/one'))],
    ['the fixture is not there', withContract({ fixture: 'sample.none@1' })],
  ])('cannot tell when %s', (_what, control) => {
    expect(judged('pins', PINS, { control })).toEqual(indeterminate())
  })
})

describe('gate executor', () => {
  behavesAsAGate('executor', SOUND.executor ?? null)
  restsOnItsFact('executor')

  it('passes the executor of the type that the contract names', () => {
    expect(judged('executor', { type: 'simulator', build: 3 })).toEqual(passed())
  })

  it('refuses when no such executor runs here', () => {
    expect(judged('executor', null)).toEqual(failed('executor-missing'))
  })

  it.each<[string, Json]>([
    ['another type', { type: 'sql-read', build: 1 }],
    ['no type', { build: 1 }],
    ['no build', { type: 'simulator' }],
    ['a build that is text', { type: 'simulator', build: '1' }],
    ['a build that is no whole number', { type: 'simulator', build: 1.5 }],
  ])('cannot tell about an executor with %s', (_what, seen) => {
    expect(judged('executor', seen)).toEqual(indeterminate())
  })
})

const PROCESS = { isolation: 'process' }

describe('gate read-only', () => {
  behavesAsAGate('read-only', SOUND['read-only'] ?? null)
  restsOnItsFact('read-only')

  it('passes when contract and executor both declare none', () => {
    expect(judged('read-only', { sideEffects: 'none', facts: PROCESS })).toEqual(passed())
  })

  it.each<[string, JsonObject]>([
    ['says that it is unproven', { isolation: 'unproven' }],
    ['says nothing of it', {}],
    ['says something else', { isolation: 'Process' }],
  ])('refuses a simulator that declares none and %s', (_what, facts) => {
    expect(judged('read-only', { sideEffects: 'none', facts })).toEqual(failed('executor-unsafe'))
  })

  it.each(['telepathy', 'constructor'])(
    'refuses an executor of the type %s: it can show nothing',
    (type) => {
      const control = withContract({ executor: type })
      const seen = { sideEffects: 'none', facts: PROCESS }
      expect(judged('read-only', seen, { control })).toEqual(failed('executor-unsafe'))
    },
  )

  it('refuses an executor that declares anything else', () => {
    expect(judged('read-only', { sideEffects: 'some', facts: PROCESS })).toEqual(
      failed('executor-unsafe'),
    )
    expect(judged('read-only', { sideEffects: 'None', facts: PROCESS })).toEqual(
      failed('executor-unsafe'),
    )
  })

  it.each<[string, JsonObject]>([
    ['something else', { sideEffects: 'writes' }],
    ['an empty text', { sideEffects: '' }],
  ])('refuses a contract that declares %s', (_what, change) => {
    const seen = { sideEffects: 'none', facts: PROCESS }
    expect(judged('read-only', seen, { control: withContract(change) })).toEqual(
      failed('executor-unsafe'),
    )
  })

  it('refuses a contract that declares nothing', () => {
    const { sideEffects: _, ...undeclared } = sampleContract
    const control = controlOf(registered(undeclared))
    expect(judged('read-only', { sideEffects: 'none', facts: PROCESS }, { control })).toEqual(
      failed('executor-unsafe'),
    )
  })

  it.each<[string, Json]>([
    ['facts are missing', { sideEffects: 'none' }],
    ['facts are null', { sideEffects: 'none', facts: null }],
    ['facts are a list', { sideEffects: 'none', facts: [] }],
    ['the declaration is missing', { facts: PROCESS }],
    ['the declaration is no text', { sideEffects: null, facts: PROCESS }],
  ])('cannot tell when %s', (_what, seen) => {
    expect(judged('read-only', seen)).toEqual(indeterminate())
  })
})

describe('gate baseline', () => {
  behavesAsAGate('baseline', SOUND.baseline ?? null)
  restsOnItsFact('baseline')
  const TWO = withContract({ baseline: [{ name: 'one' }, { name: 'two' }] })

  it('passes when every case matched', () => {
    expect(judged('baseline', { cases: 1, matched: 1 })).toEqual(passed())
    expect(judged('baseline', { cases: 2, matched: 2 }, { control: TWO })).toEqual(passed())
  })

  it.each([0, 1, 3, -1])('refuses when %i of two cases matched', (matched) => {
    expect(judged('baseline', { cases: 2, matched }, { control: TWO })).toEqual(
      failed('baseline-mismatch'),
    )
  })

  it.each<[string, Json]>([
    ['fewer cases were run', { cases: 1, matched: 1 }],
    ['more cases were run', { cases: 3, matched: 3 }],
    ['no case was run', { cases: 0, matched: 0 }],
    ['the cases are not counted', { matched: 2 }],
    ['the matches are not counted', { cases: 2 }],
    ['the matches are text', { cases: 2, matched: '2' }],
    ['the cases are text', { cases: '2', matched: 2 }],
    ['the cases timed out', { failure: 'threw' }],
  ])('cannot tell when %s', (_what, seen) => {
    expect(judged('baseline', seen, { control: TWO })).toEqual(indeterminate())
  })

  it.each<[string, JsonObject]>([
    ['an empty baseline', { baseline: [] }],
    ['none', {}],
  ])('passes a contract with %s, of which nothing is seen', (_what, change) => {
    const { baseline: _, ...contract } = sampleContract
    const control = controlOf(registered({ ...contract, ...change }))
    expect(judged('baseline', null, { control })).toEqual(passed())
  })

  it('does not pass a contract without cases of which anything is seen', () => {
    const control = withContract({ baseline: [] })
    const passing = GARBAGE.filter(
      (seen) => judged('baseline', seen, { control }).outcome === 'pass',
    )
    expect(passing).toEqual([])
  })
})

describe('gate evidence', () => {
  behavesAsAGate('evidence', SOUND.evidence ?? null)
  restsOnItsFact('evidence')

  it('passes exactly the evidence of the type, all of which holds', () => {
    expect(judged('evidence', { isolated: { holds: true, seen: null } })).toEqual(passed())
  })

  it.each<[string, Json]>([
    ['does not hold', { isolated: { holds: false, seen: null } }],
    ['is only truthy', { isolated: { holds: 1, seen: null } }],
    ['is true as a text', { isolated: { holds: 'true', seen: null } }],
    ['does not say whether it holds', { isolated: { seen: null } }],
    ['is a bare true', { isolated: true }],
    ['is null', { isolated: null }],
    ['is a list', { isolated: [{ holds: true }] }],
    ['is not there', {}],
    ['has another name', { Isolated: { holds: true, seen: null } }],
    [
      'comes with more than the type declares',
      { isolated: { holds: true, seen: null }, extra: { holds: true, seen: null } },
    ],
    ['comes with a failure that is no text', { failure: null, isolated: { holds: true } }],
  ])('suspects a mutation when the evidence %s', (_what, seen) => {
    expect(judged('evidence', seen)).toEqual(failed('mutation-suspected'))
  })

  it.each([
    ['threw', 'executor-failed'],
    ['timeout', 'executor-timeout'],
    ['limit', 'executor-failed'],
    ['not-json', 'executor-failed'],
    ['something unheard of', 'executor-failed'],
    ['Timeout', 'executor-failed'],
  ])('cannot tell when the executor gave no report because of %s', (failure, code) => {
    expect(judged('evidence', { failure, code: 'x' })).toEqual(indeterminate(code))
  })

  it('is not talked out of a missing report by evidence beside it', () => {
    const seen = { failure: 'threw', code: 'x', isolated: { holds: true, seen: null } }
    expect(judged('evidence', seen)).toEqual(indeterminate('executor-failed'))
  })

  it.each(['teleport', 'constructor', 'sql-never'])(
    'lets the executor type %s show nothing',
    (executor) => {
      const control = withContract({ executor })
      for (const seen of [{}, { isolated: { holds: true, seen: null } }]) {
        expect(judged('evidence', seen, { control })).toEqual(failed('mutation-suspected'))
      }
    },
  )

  it.each(Object.entries(EVIDENCE_NAMES))(
    'needs every name that %s declares',
    (executor, names) => {
      const control = withContract({ executor })
      const whole = Object.fromEntries(names.map((name) => [name, { holds: true, seen: null }]))
      expect(names.length).toBeGreaterThan(0)
      expect(judged('evidence', whole, { control })).toEqual(passed())
      for (const name of names) {
        const broken = { ...whole, [name]: { holds: false, seen: null } }
        const { [name]: _, ...fewer } = whole
        const renamed = { ...fewer, other: { holds: true, seen: null } }
        for (const seen of [broken, fewer, renamed]) {
          expect(judged('evidence', seen, { control })).toEqual(failed('mutation-suspected'))
        }
      }
    },
  )

  it('refuses at the stage of execution', () => {
    const { judgement } = given()
      .under({ shown: { ...SOUND, evidence: {} } })
      .when(dryRun)
    expect(judgement.refusal).toMatchObject({
      code: 'mutation-suspected',
      stage: 'execution',
      rule: 0,
    })
  })
})
