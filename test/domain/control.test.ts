import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CandidateManifest,
  decideCatalogue,
  decideRetire,
  decideSwitch,
} from '../../domain/control/decide.ts'
import { evolveControl } from '../../domain/control/evolve.ts'
import type { ContractBody, ManifestBody } from '../../domain/control/manifest.ts'
import {
  type ControlState,
  EMPTY_CONTROL,
  findContract,
  findFixture,
  findManifest,
  GLOBAL_SCOPE,
  manifestKey,
  newestTarget,
  resolvePins,
  versionsOf,
} from '../../domain/control/state.ts'
import { haltFor, isKnownScope, lastFlipFor, switchesFor } from '../../domain/control/switch.ts'
import type { JsonObject } from '../../domain/json.ts'
import { digestOf } from '../../src/identity.ts'
import { controlHistories } from '../support/arbitraries.ts'
import {
  controlOf,
  READY,
  READY_REVISION,
  readyAnd,
  recordedControl,
  registered,
  retired,
  switchSet,
} from '../support/control.ts'
import { sampleCommand, sampleContract, sampleFixture, sampleTarget } from '../support/sample.ts'

const HALT = { scope: GLOBAL_SCOPE, state: 'HALTED', reason: 'fire' } as const
const RELEASE = { scope: GLOBAL_SCOPE, state: 'DRY_RUN_ONLY', reason: 'calm' } as const

const candidate = (body: JsonObject, invalid?: string): CandidateManifest => ({
  body: body as unknown as ManifestBody,
  sha256: digestOf(body),
  ...(invalid === undefined ? {} : { invalid }),
})
const apply = (control: ControlState, ...bodies: readonly JsonObject[]) =>
  decideCatalogue(
    control,
    bodies.map((body) => candidate(body)),
  )
const outcomes = ({ results }: ReturnType<typeof decideCatalogue>) =>
  results.map((it) => it.outcome)
const changed = (body: JsonObject): JsonObject => ({ ...body, note: 'other content' })

describe('the empty control stream', () => {
  it('stands at revision -1 and knows nothing', () => {
    expect(controlOf()).toEqual({ revision: -1, switches: new Map(), manifests: new Map() })
    expect(EMPTY_CONTROL.revision).toBe(-1)
    expect(GLOBAL_SCOPE).toBe('global')
    expect(versionsOf(controlOf(), 'Target', 'sample/one')).toEqual([])
    expect(newestTarget(controlOf(), 'sample/one')).toBeUndefined()
    expect(resolvePins(controlOf(), sampleCommand())).toBeNull()
  })
})

describe('deciding the switch', () => {
  it('sets what was never set', () => {
    expect(decideSwitch(controlOf(), RELEASE)).toEqual([{ type: 'SwitchSet', data: RELEASE }])
    expect(decideSwitch(controlOf(), HALT)).toEqual([{ type: 'SwitchSet', data: HALT }])
  })

  it('flips it, with the reason that was given', () => {
    expect(decideSwitch(readyAnd(), HALT)).toEqual([{ type: 'SwitchSet', data: HALT }])
    const halted = readyAnd(switchSet('HALTED'))
    expect(decideSwitch(halted, RELEASE)).toEqual([{ type: 'SwitchSet', data: RELEASE }])
  })

  it('decides nothing for the state it has, whatever the reason', () => {
    expect(decideSwitch(readyAnd(), RELEASE)).toEqual([])
    expect(decideSwitch(readyAnd(switchSet('HALTED')), HALT)).toEqual([])
  })

  it('takes each scope for itself', () => {
    const scope = 'contract:sample.echo'
    const control = readyAnd(switchSet('HALTED', scope))
    expect(decideSwitch(control, { ...HALT, scope })).toEqual([])
    expect(decideSwitch(control, HALT)).toHaveLength(1)
    expect(decideSwitch(control, { ...RELEASE, scope: 'contract:other' })).toHaveLength(1)
  })
})

describe('the scopes of the switch', () => {
  const known = (scope: string, control = readyAnd()) => isKnownScope(control, scope, ['http'])

  it('are global, what a registered contract names, and what the process runs', () => {
    const all = ['global', 'executor:simulator', 'executor:http', 'contract:sample.echo']
    expect(all.filter((scope) => known(scope))).toEqual(all)
    expect(all.filter((scope) => known(scope, controlOf()))).toEqual(['global', 'executor:http'])
  })

  it('stay when the contract retires: what it left is replayed still', () => {
    const control = readyAnd(retired('Contract', 'sample.echo'))
    expect(known('contract:sample.echo', control)).toBe(true)
    expect(known('executor:simulator', control)).toBe(true)
  })

  it.each([
    'Global',
    '',
    'contract:sample.none',
    'contract:sample.words',
    'contract:sample.echo@1',
    'executor:sql-read',
    'executor:Simulator',
    'simulator',
    '__proto__',
  ])('are not %j', (scope) => {
    expect(known(scope)).toBe(false)
  })

  it('of a command come the widest first, with the revision of the last flip', () => {
    const command = sampleCommand()
    const scopes = ['contract:sample.echo', 'executor:simulator', 'contract:sample.other']
    const control = readyAnd(...scopes.map((scope) => switchSet('HALTED', scope)))
    const found = switchesFor(control, command).map((it) => [it.scope, it.revision])
    expect(found).toEqual([
      ['global', READY_REVISION.switch],
      ['executor:simulator', 5],
      ['contract:sample.echo', 4],
    ])
    expect(lastFlipFor(control, command)).toBe(5)
    expect(lastFlipFor(controlOf(), command)).toBe(-1)
    expect(haltFor(control, command)?.scope).toBe('executor:simulator')
    expect(haltFor(readyAnd(), command)).toBeUndefined()
  })
})

describe('deciding a catalogue', () => {
  it('registers what is new, in the order it was sent, with its digest and body', () => {
    const { results, events } = apply(controlOf(), sampleContract, sampleFixture, sampleTarget())
    expect(events).toEqual([sampleContract, sampleFixture, sampleTarget()].map(registered))
    expect(results).toEqual([
      { kind: 'Contract', id: 'sample.echo', version: 1, outcome: 'new', code: null, detail: null },
      { kind: 'Fixture', id: 'sample.words', version: 1, outcome: 'new', code: null, detail: null },
      { kind: 'Target', id: 'sample/one', version: 1, outcome: 'new', code: null, detail: null },
    ])
  })

  it('appends nothing for what is registered with the same content', () => {
    const decision = apply(readyAnd(), sampleTarget(), sampleFixture, sampleContract)
    expect(outcomes(decision)).toEqual(['unchanged', 'unchanged', 'unchanged'])
    expect(decision.results.map((it) => it.code)).toEqual([null, null, null])
    expect(decision.events).toEqual([])
  })

  it('appends only what is new beside what is unchanged', () => {
    const decision = apply(readyAnd(), sampleFixture, sampleTarget(2))
    expect(outcomes(decision)).toEqual(['unchanged', 'new'])
    expect(decision.events).toEqual([registered(sampleTarget(2))])
  })

  it('refuses other content under a registered version, and names the content it has', () => {
    const { results, events } = apply(readyAnd(), changed(sampleTarget()))
    expect(events).toEqual([])
    expect(results).toEqual([
      {
        kind: 'Target',
        id: 'sample/one',
        version: 1,
        outcome: 'conflict',
        code: 'manifest-conflict',
        detail: `sample/one@1 is registered with the content ${digestOf(sampleTarget())}`,
      },
    ])
  })

  it('takes the same id of another kind, or another version, for another manifest', () => {
    const fixture = { ...sampleFixture, id: 'sample/one' }
    const target = { ...sampleTarget(), id: 'sample.words' }
    expect(outcomes(apply(readyAnd(), fixture, target, sampleTarget(2)))).toEqual([
      'new',
      'new',
      'new',
    ])
  })

  it('refuses what the door found invalid, with what it found', () => {
    const { results, events } = decideCatalogue(controlOf(), [
      candidate(sampleTarget(), '/id: bad'),
    ])
    expect(events).toEqual([])
    expect(results).toEqual([
      {
        kind: 'Target',
        id: 'sample/one',
        version: 1,
        outcome: 'invalid',
        code: 'manifest-invalid',
        detail: '/id: bad',
      },
    ])
  })

  it('says invalid even of what is registered already', () => {
    const { results } = decideCatalogue(readyAnd(), [candidate(sampleTarget(), 'bad')])
    expect(results).toMatchObject([{ outcome: 'invalid', code: 'manifest-invalid' }])
  })

  it.each([
    ['one conflict', candidate(changed(sampleFixture)), 'conflict'],
    ['one invalid manifest', candidate({ ...sampleFixture, version: 2 }, 'bad'), 'invalid'],
  ] as const)(
    'is all or nothing: %s leaves no event, wherever it stands',
    (_what, bad, outcome) => {
      const good = candidate(sampleTarget(2))
      for (const candidates of [
        [good, bad],
        [bad, good],
      ]) {
        const decision = decideCatalogue(readyAnd(), candidates)
        expect(decision.events).toEqual([])
        expect(outcomes(decision).toSorted()).toEqual(['new', outcome].toSorted())
      }
    },
  )

  it('decides nothing for an empty request', () => {
    expect(decideCatalogue(readyAnd(), [])).toEqual({ results: [], events: [] })
  })
})

describe('a contract in a catalogue', () => {
  const detail = 'its fixture sample.words@1 is neither registered nor in the request'

  it('is invalid without its fixture', () => {
    const { results, events } = apply(controlOf(), sampleContract, sampleTarget())
    expect(results[0]).toMatchObject({ outcome: 'invalid', code: 'manifest-invalid', detail })
    expect(events).toEqual([])
  })

  it('finds its fixture in the request, before or after it', () => {
    expect(outcomes(apply(controlOf(), sampleFixture, sampleContract))).toEqual(['new', 'new'])
    expect(outcomes(apply(controlOf(), sampleContract, sampleFixture))).toEqual(['new', 'new'])
  })

  it('finds its fixture in the ledger, retired or not', () => {
    const control = controlOf(registered(sampleFixture))
    expect(outcomes(apply(control, sampleContract))).toEqual(['new'])
    const gone = controlOf(registered(sampleFixture), retired('Fixture', 'sample.words'))
    expect(outcomes(apply(gone, sampleContract))).toEqual(['new'])
  })

  it.each([
    ['another version', { ...sampleFixture, version: 2 }],
    ['another id', { ...sampleFixture, id: 'sample.others' }],
    ['another kind', { ...sampleTarget(), id: 'sample.words' }],
  ])('does not take %s for its fixture', (_what, other) => {
    expect(outcomes(apply(controlOf(), other, sampleContract))).toEqual(['new', 'invalid'])
    expect(outcomes(apply(controlOf(registered(other)), sampleContract))).toEqual(['invalid'])
  })

  it('is invalid when its fixture is no reference', () => {
    const contract = { ...sampleContract, fixture: 'sample.words' }
    const { results } = apply(controlOf(registered(sampleFixture)), contract)
    expect(results).toMatchObject([{ outcome: 'invalid', code: 'manifest-invalid' }])
  })

  it('stays unchanged once it is registered, whatever its fixture', () => {
    const control = controlOf(registered(sampleContract))
    expect(outcomes(apply(control, sampleContract))).toEqual(['unchanged'])
  })
})

describe('twins in one request', () => {
  it('are registered once when they are equal', () => {
    const decision = apply(controlOf(), sampleTarget(), sampleTarget())
    expect(outcomes(decision)).toEqual(['new', 'unchanged'])
    expect(decision.events).toEqual([registered(sampleTarget())])
  })

  it('conflict when they differ: the second with the first, and neither is registered', () => {
    const decision = apply(controlOf(), sampleTarget(), changed(sampleTarget()))
    expect(outcomes(decision)).toEqual(['new', 'conflict'])
    expect(decision.results[1]).toMatchObject({ code: 'manifest-conflict' })
    expect(decision.events).toEqual([])
  })

  it('are compared with the first of them', () => {
    const decision = apply(controlOf(), sampleTarget(), changed(sampleTarget()), sampleTarget())
    expect(outcomes(decision)).toEqual(['new', 'conflict', 'unchanged'])
  })

  it('name the content of the ledger, where they differ from that too', () => {
    const other = { ...sampleTarget(), note: 'a third content' }
    const { results } = apply(readyAnd(), changed(sampleTarget()), other)
    expect(results.map((it) => it.detail)).toEqual(
      results.map(() => `sample/one@1 is registered with the content ${digestOf(sampleTarget())}`),
    )
  })

  it('are none when kind, id or version differ', () => {
    const twins = [
      sampleTarget(),
      sampleTarget(2),
      { ...sampleTarget(), id: 'sample/two' },
      { ...sampleFixture, id: 'sample/one' },
    ]
    const decision = apply(controlOf(), ...twins)
    expect(outcomes(decision)).toEqual(['new', 'new', 'new', 'new'])
    expect(decision.events).toHaveLength(4)
  })

  it('conflict with the ledger when one of them does', () => {
    expect(outcomes(apply(readyAnd(), sampleTarget(), changed(sampleTarget())))).toEqual([
      'unchanged',
      'conflict',
    ])
    expect(outcomes(apply(readyAnd(), changed(sampleTarget()), sampleTarget()))).toEqual([
      'conflict',
      'conflict',
    ])
  })
})

describe('retiring a manifest', () => {
  const asked = { kind: 'Target', id: 'sample/one', version: 1 } as const

  it('retires a registered version', () => {
    expect(decideRetire(readyAnd(), asked)).toEqual([{ type: 'ManifestRetired', data: asked }])
  })

  it('decides nothing for one that is retired', () => {
    expect(decideRetire(readyAnd(retired('Target', 'sample/one')), asked)).toEqual([])
  })

  it.each([
    { ...asked, version: 2 },
    { ...asked, id: 'sample/two' },
    { ...asked, kind: 'Fixture' as const },
  ])('knows no such manifest: $kind $id@$version', (unknown) => {
    expect(decideRetire(readyAnd(), unknown)).toBeNull()
  })

  it('leaves it retired when it is registered again', () => {
    const control = readyAnd(retired('Target', 'sample/one'))
    const decision = apply(control, sampleTarget())
    expect(outcomes(decision)).toEqual(['unchanged'])
    expect(decision.events).toEqual([])
    expect(newestTarget(control, 'sample/one')).toBeUndefined()
  })

  it('touches no other version, id or kind', () => {
    const control = readyAnd(
      registered(sampleTarget(2)),
      registered({ ...sampleFixture, id: 'sample/one' }),
      retired('Target', 'sample/one', 1),
    )
    expect(versionsOf(control, 'Target', 'sample/one').map((it) => it.retiredRevision)).toEqual([
      6,
      null,
    ])
    expect(findManifest(control, { ...asked, kind: 'Fixture' })?.retiredRevision).toBeNull()
  })
})

describe('the fold of control', () => {
  it('keeps what was last set in each scope, with everything about the event', () => {
    const control = readyAnd(switchSet('HALTED'), switchSet('DRY_RUN_ONLY', 'contract:x'))
    expect([...control.switches.keys()]).toEqual([GLOBAL_SCOPE, 'contract:x'])
    expect(control.switches.get(GLOBAL_SCOPE)).toEqual({
      state: 'HALTED',
      reason: 'a test says HALTED',
      revision: 4,
      position: 41,
      eventId: 'control-4',
      recordedAt: '2026-01-01T00:00:00.000Z',
      actor: 'key:operator',
    })
  })

  it('keeps every registered version in the order of registration', () => {
    const control = readyAnd(registered(sampleTarget(7)), registered(sampleTarget(2)))
    expect(versionsOf(control, 'Target', 'sample/one').map((it) => it.version)).toEqual([1, 7, 2])
    expect(findManifest(control, { kind: 'Target', id: 'sample/one', version: 7 })).toEqual({
      kind: 'Target',
      id: 'sample/one',
      version: 7,
      sha256: digestOf(sampleTarget(7)),
      body: sampleTarget(7),
      revision: 4,
      retiredRevision: null,
    })
  })

  it('never fails: it keeps nothing of a retirement of something unknown', () => {
    const control = readyAnd(retired('Target', 'sample/unknown'))
    expect(versionsOf(control, 'Target', 'sample/unknown')).toEqual([])
    expect(control.revision).toBe(4)
  })

  it('leaves the state it started from as it was', () => {
    const before = readyAnd()
    const copy = structuredClone(before)
    evolveControl(
      before,
      recordedControl(
        [switchSet('HALTED'), registered(sampleTarget(2)), retired('Target', 'sample/one')],
        4,
      ),
    )
    expect(before).toEqual(copy)
  })

  it('is the same state when no event came', () => {
    expect(evolveControl(readyAnd(), [])).toEqual(readyAnd())
  })

  it('gives the same state in one batch or in many', () => {
    fc.assert(
      fc.property(controlHistories, fc.array(fc.nat({ max: 4 })), (history, sizes) => {
        const { events, at } = history
        const all = recordedControl(events)
        let state = EMPTY_CONTROL
        let done = 0
        for (const size of sizes) {
          state = evolveControl(state, all.slice(done, done + size))
          done = Math.min(done + size, all.length)
        }
        state = evolveControl(state, all.slice(done))
        expect(state).toEqual(at(events.length - 1))
        expect(state).toEqual(history.state)
        expect(state.revision).toBe(events.length - 1)
      }),
      { numRuns: 300 },
    )
  })
})

describe('what control is asked for', () => {
  it('is found by kind, id and version', () => {
    const control = readyAnd()
    expect(manifestKey('Target', 'a/b')).toBe('Target:a/b')
    expect(findContract(control, { id: 'sample.echo', version: 1 })?.revision).toBe(
      READY_REVISION.contract,
    )
    expect(findContract(control, { id: 'sample.echo', version: 2 })).toBeUndefined()
    expect(findContract(control, { id: 'sample.words', version: 1 })).toBeUndefined()
  })

  it('finds the fixture a contract names, retired or not, and none for no reference', () => {
    const contract = sampleContract as unknown as ContractBody
    expect(findFixture(readyAnd(), contract)?.revision).toBe(READY_REVISION.fixture)
    expect(
      findFixture(readyAnd(retired('Fixture', 'sample.words')), contract)?.retiredRevision,
    ).toBe(4)
    expect(findFixture(readyAnd(), { ...contract, fixture: 'sample.words@2' })).toBeUndefined()
    expect(findFixture(readyAnd(), { ...contract, fixture: '' })).toBeUndefined()
  })

  it.each([
    [
      'the highest version, not the last registered',
      [registered(sampleTarget(7)), registered(sampleTarget(2))],
      7,
    ],
    [
      'the last registered, where it is the highest',
      [registered(sampleTarget(2)), registered(sampleTarget(7))],
      7,
    ],
    [
      'the next one, where the highest is retired',
      [registered(sampleTarget(7)), retired('Target', 'sample/one', 7)],
      1,
    ],
    [
      'the highest, where a lower one is retired',
      [registered(sampleTarget(7)), retired('Target', 'sample/one', 1)],
      7,
    ],
    ['none, where all are retired', [retired('Target', 'sample/one', 1)], undefined],
  ])('takes for the target %s', (_what, events, version) => {
    expect(newestTarget(readyAnd(...events), 'sample/one')?.version).toBe(version)
  })

  it('pins version and digest of contract, fixture and target', () => {
    const command = sampleCommand()
    expect(resolvePins(readyAnd(registered(sampleTarget(2))), command)).toEqual({
      contract: { version: 1, sha256: digestOf(sampleContract) },
      fixture: { version: 1, sha256: digestOf(sampleFixture) },
      target: { version: 2, sha256: digestOf(sampleTarget(2)) },
    })
  })

  it.each(['contract', 'fixture', 'target'])('pins nothing while the %s is missing', (missing) => {
    const left = READY.filter((_, revision) => revision !== READY_REVISION[missing as 'target'])
    expect(left).toHaveLength(3)
    expect(resolvePins(controlOf(...left), sampleCommand())).toBeNull()
  })
})
