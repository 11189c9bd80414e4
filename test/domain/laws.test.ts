import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { findContract } from '../../domain/control/state.ts'
import type { AskedCommand, DispatchCommand, Mode } from '../../domain/dispatch/command.ts'
import { decide, observe, STAGE_OF } from '../../domain/dispatch/decide.ts'
import { evolve, keyOfRefused } from '../../domain/dispatch/evolve.ts'
import { EMPTY_DISPATCH, reachedOf, stepsOf } from '../../domain/dispatch/state.ts'
import { ADVANCING, type DispatchEvent, isAdvancing, whyUnreadable } from '../../domain/events.ts'
import { GATES, gateCount, gateNamed, rejudge } from '../../domain/gates/index.ts'
import { identityText } from '../../domain/identity.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { isRefusing, type Snapshot } from '../../domain/snapshot.ts'
import {
  command,
  controlHistories,
  json,
  jsonObject,
  mode,
  type PlayedCall,
  type Session,
  session,
  world,
} from '../support/arbitraries.ts'
import { call, dryRun, given, showing } from '../support/given.ts'
import { sampleCommand } from '../support/sample.ts'

// A law makes hundreds of sessions; a busy machine may take longer for them than for a plain test.
vi.setConfig({ testTimeout: 60_000 })

const RUNS = { numRuns: 400 }
const SESSIONS = { numRuns: 300 }

const types = (events: readonly DispatchEvent[]): readonly string[] => events.map((it) => it.type)
const isRefused = (event: DispatchEvent): boolean => event.type === 'Refused'
const stageOf = (event: DispatchEvent) =>
  event.type === 'Refused' ? event.data.stage : STAGE_OF[event.type]

/** A law that every call of every session keeps. */
const everyCall = (holds: (call: PlayedCall) => void): void =>
  fc.assert(
    fc.property(session, ({ calls }) => calls.forEach(holds)),
    SESSIONS,
  )

/** A law that every event of every session keeps. */
const everyEvent = (holds: (event: DispatchEvent, call: PlayedCall) => void): void =>
  everyCall((one) => one.events.forEach((event) => holds(event, one)))

describe('generated sessions', () => {
  const sessions: readonly Session[] = fc.sample(session, { seed: 20_260_801, numRuns: 1_500 })
  const events = sessions.flatMap((it) => it.stream)

  it('reach every event type and every refusal that control and facts can give', () => {
    expect(new Set(types(events))).toEqual(new Set([...ADVANCING, 'Refused']))
    const codes = events.flatMap((it) => (it.type === 'Refused' ? [it.data.code] : []))
    expect([...new Set(codes)].toSorted()).toEqual([
      'baseline-mismatch',
      'contract-missing',
      'contract-retired',
      'executor-failed',
      'executor-missing',
      'executor-timeout',
      'executor-unsafe',
      'fixture-missing',
      'gate-indeterminate',
      'kill-switch-engaged',
      'kill-switch-indeterminate',
      'mutation-suspected',
      'namespace-invalid',
      'namespace-production',
      'params-invalid',
      'plan-stale',
      'production-execution-not-authorized',
      'target-missing',
      'target-not-allowed',
    ])
  })

  it('hold replays, advances and refusals that stand already', () => {
    const calls = sessions.flatMap((it) => it.calls)
    const silent = calls.filter((it) => it.events.length === 0)
    expect(silent.filter((it) => it.judgement.refusal === null).length).toBeGreaterThan(50)
    expect(silent.filter((it) => it.judgement.refusal !== null).length).toBeGreaterThan(50)
    expect(
      calls.filter((it) => it.before.planned !== null && it.events.some(isAdvancing)).length,
    ).toBeGreaterThan(50)
  })
})

describe('deciding is idempotent', () => {
  it('decides nothing when the same is asked again, except to observe a refused execution', () => {
    everyCall(({ command: asked, after, world: same, judgement }) => {
      const again = call(asked, after, same)
      const refusedExecution = judgement.refusal?.stage === 'execution'
      expect(types(again.events)).toEqual(refusedExecution ? ['Refused'] : [])
      expect(again.judgement.refusal?.code).toBe(judgement.refusal?.code)
    })
  })

  it('decides the same for the same input', () => {
    everyCall(({ command: asked, before, judgement, material, events }) => {
      expect(decide(asked, before, judgement, material)).toEqual(events)
    })
  })
})

describe('modes are prefixes of one life cycle', () => {
  it('lets a deeper mode begin with all that a shallower one records', () => {
    fc.assert(
      fc.property(command, world, (asked, around) => {
        const advancingOf = (asDeepAs: Mode) =>
          given()
            .under(around)
            .when({ ...asked, mode: asDeepAs })
            .events.filter(isAdvancing)
            .map((event) => ({ ...event, data: { ...event.data, mode: 'any' } }))
        const [shallow, middle, deep] = (['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const).map(
          advancingOf,
        )
        expect(middle?.slice(0, shallow?.length)).toEqual(shallow)
        expect(deep?.slice(0, middle?.length)).toEqual(middle)
      }),
      RUNS,
    )
  })

  it('keeps the steps of a stream in their order, each at most once', () => {
    fc.assert(
      fc.property(session, ({ stream, state }) => {
        const steps = types(stream.filter(isAdvancing))
        expect(steps).toEqual(ADVANCING.slice(0, steps.length))
        expect(reachedOf(state)).toBe(steps.at(-1) ?? null)
      }),
      SESSIONS,
    )
  })

  it('never records a step that was not asked for', () => {
    everyEvent((event, { command: asked }) => {
      if (isAdvancing(event)) expect(stepsOf(asked.mode)).toContain(event.type)
      expect(event.data.mode).toBe(asked.mode)
    })
  })

  it('records a refusal last, and one at most', () => {
    everyCall(({ events }) => {
      expect(events.filter(isRefused).length).toBeLessThanOrEqual(1)
      expect(events.slice(0, -1).some(isRefused)).toBe(false)
    })
  })
})

describe('a real run', () => {
  it('yields at most one refusal, and nothing else', () => {
    fc.assert(
      fc.property(session, world, ({ state, calls }, around) => {
        const asked: AskedCommand = { ...(calls[0]?.command ?? sampleCommand()), mode: 'REAL_RUN' }
        const { events, judgement } = call(asked, state, around)
        expect(judgement.refusal).toMatchObject({
          code: 'production-execution-not-authorized',
          rule: 1,
        })
        expect(events.length).toBeLessThanOrEqual(1)
        expect(events.every(isRefused)).toBe(true)
      }),
      RUNS,
    )
  })
})

describe('every event carries its judgement', () => {
  it('has a snapshot with the gates of its stage, in order', () => {
    everyEvent((event, { world: { control } }) => {
      const { rules, gates, controlRevision } = event.data.snapshot
      expect(gates.map((it) => it.gate)).toEqual(
        GATES.slice(0, gateCount(stageOf(event))).map((it) => it.name),
      )
      expect(rules).toBe(1)
      expect(controlRevision).toBe(control.revision)
    })
  })

  it('advances only where all gates passed', () => {
    everyEvent((event) => {
      if (!isAdvancing(event)) return
      expect(event.data.snapshot.gates.filter((it) => it.outcome !== 'pass')).toEqual([])
    })
  })

  it('refuses by the first gate that did not pass, and judges nothing after it', () => {
    everyEvent((event) => {
      if (event.type !== 'Refused') return
      const { gates } = event.data.snapshot
      const at = gates.findIndex(isRefusing)
      expect(gates[at]).toBeDefined()
      expect(gates.slice(0, at).every((it) => it.outcome === 'pass')).toBe(true)
      expect(
        gates
          .slice(at + 1)
          .every(
            (it) => it.outcome === 'not_evaluated' && it.seen === null && it.revision === null,
          ),
      ).toBe(true)
      expect(event.data.rule).toBe(GATES[at]?.rule)
      expect(event.data.stage).toBe(GATES[at]?.stage)
    })
  })

  it('is decided by control events that had happened', () => {
    everyEvent((event, { world: { control } }) => {
      for (const { revision } of event.data.snapshot.gates) {
        if (revision !== null) expect(revision).toBeGreaterThanOrEqual(0)
        if (revision !== null) expect(revision).toBeLessThanOrEqual(control.revision)
      }
    })
  })

  it('refuses only by codes that its gate has', () => {
    everyEvent((event) => {
      if (event.type !== 'Refused') return
      const gate = event.data.snapshot.gates.find(isRefusing)?.gate
      expect([...(CODES[gate ?? ''] ?? []), 'gate-indeterminate']).toContain(event.data.code)
    })
  })

  it('is one that this process can read', () => {
    fc.assert(
      fc.property(session, ({ stream }) => {
        expect(stream.map(whyUnreadable).filter((why) => why !== null)).toEqual([])
      }),
      SESSIONS,
    )
  })
})

/** CONTRACT, section 8. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  mode: ['production-execution-not-authorized'],
  'kill-switch': ['kill-switch-engaged', 'kill-switch-indeterminate'],
  namespace: ['namespace-production', 'namespace-invalid'],
  contract: ['contract-missing', 'contract-retired'],
  params: ['params-invalid'],
  fixture: ['fixture-missing'],
  target: ['target-missing', 'target-not-allowed'],
  pins: ['plan-stale'],
  executor: ['executor-missing'],
  'read-only': ['executor-unsafe', 'sql-not-allowed'],
  baseline: ['baseline-mismatch'],
  evidence: ['executor-failed', 'executor-timeout', 'mutation-suspected'],
}

describe('a gate', () => {
  it('is total: it throws on no command, no control and nothing that it is shown', () => {
    const seen = fc.oneof(json, fc.constantFrom<Json>(null, {}, { failure: 'threw' }))
    fc.assert(
      fc.property(command, controlHistories, seen, (asked, { state }, shown) => {
        for (const gate of GATES) {
          const { outcome, code } = gate.judge({ command: asked, control: state, seen: shown })
          expect(['pass', 'fail', 'indeterminate']).toContain(outcome)
          expect(code === null).toBe(outcome === 'pass')
        }
      }),
      RUNS,
    )
  })
})

describe('the switch', () => {
  it('lets pass exactly what no scope halts and global releases, whatever order it was set in', () => {
    fc.assert(
      fc.property(command, controlHistories, (asked, { events, state }) => {
        const type = findContract(state, asked.contract)?.body.executor
        const stateOf = (scope: string) =>
          events.findLast((it) => it.type === 'SwitchSet' && it.data.scope === scope)?.data
        const narrow = [`contract:${asked.contract.id}`, `executor:${type}`].map(stateOf)
        const released = { state: 'DRY_RUN_ONLY' }
        const wanted = [stateOf('global'), ...narrow.map((it) => it ?? released)].every(
          (it) => (it as { state?: string } | undefined)?.state === 'DRY_RUN_ONLY',
        )
        const { outcome } = gateNamed('kill-switch').judge({
          command: asked,
          control: state,
          seen: null,
        })
        expect(outcome === 'pass').toBe(wanted)
      }),
      RUNS,
    )
  })
})

describe('judging again', () => {
  it('gives the recorded gates from what is stored: snapshot, command and control at that revision', () => {
    fc.assert(
      fc.property(session, ({ stream, control, calls }) => {
        const asked = calls[0]?.command ?? sampleCommand()
        for (const event of stream) {
          const stored = JSON.parse(canonicalJson(event.data)) as DispatchEvent['data']
          const snapshot: Snapshot = stored.snapshot
          const then = control.at(snapshot.controlRevision)
          expect(rejudge(snapshot, { ...asked, mode: stored.mode }, then)).toEqual(snapshot.gates)
        }
      }),
      SESSIONS,
    )
  })

  it('finds out that a pass was forged, wherever it stands', () => {
    everyEvent((event, { command: asked, world: { control } }) => {
      if (event.type !== 'Refused') return
      const forged: Snapshot = {
        ...event.data.snapshot,
        gates: event.data.snapshot.gates.map((it) =>
          isRefusing(it) ? { ...it, outcome: 'pass' } : it,
        ),
      }
      expect(rejudge(forged, asked, control)).not.toEqual(forged.gates)
    })
  })
})

describe('evolve', () => {
  it('ignores no event: each is found in the state, and moves its revision and position', () => {
    fc.assert(
      fc.property(session, ({ stream }) => {
        let state = EMPTY_DISPATCH
        for (const event of stream) {
          state = evolve(state, event)
          const { revision, position } = event
          expect(state).toMatchObject({ revision, position })
          const kept = {
            Planned: state.planned,
            PreflightPassed: state.preflightPassed,
            DryRunRecorded: state.dryRunRecorded,
            Refused: event.type === 'Refused' ? state.refusals.get(keyOfRefused(event)) : null,
          }
          if (event.type === 'Refused') expect(kept.Refused).toBeDefined()
          else expect(kept[event.type]).toBe(event)
        }
      }),
      SESSIONS,
    )
  })

  it('never throws, whatever order the events of a stream are read in', () => {
    const shuffled = session.chain(({ stream }) =>
      fc.shuffledSubarray([...stream, ...stream], { minLength: 0 }),
    )
    fc.assert(
      fc.property(shuffled, (events) => {
        const state = events.reduce(evolve, EMPTY_DISPATCH)
        expect(state.revision).toBe(events.at(-1)?.revision ?? -1)
        expect(state.planned !== null).toBe(events.some((it) => it.type === 'Planned'))
      }),
      SESSIONS,
    )
  })

  it('keeps the digest and the command of the stream from its first event on', () => {
    fc.assert(
      fc.property(session, ({ stream }) => {
        let state = EMPTY_DISPATCH
        const opened = stream[0]?.data as { digest: string; command: Json } | undefined
        for (const event of stream) {
          state = evolve(state, event)
          expect(state.digest).toBe(opened?.digest)
          expect(state.command).toEqual(opened?.command)
          expect(state.digest).toMatch(/^sha256:/)
        }
      }),
      SESSIONS,
    )
  })

  it('gives the same state for events that went through the store as JSON', () => {
    fc.assert(
      fc.property(session, ({ stream, state }) => {
        const stored = JSON.parse(JSON.stringify(stream)) as typeof stream
        expect(stored.reduce(evolve, EMPTY_DISPATCH)).toEqual(state)
      }),
      SESSIONS,
    )
  })
})

describe('a refusal', () => {
  it('changes nothing that was reached', () => {
    everyCall(({ before, after, events }) => {
      if (events.some(isAdvancing)) return
      expect(reachedOf(after)).toBe(reachedOf(before))
      expect(after.planned).toBe(before.planned)
    })
  })

  it('carries digest and command at stream revision 0, and nowhere else', () => {
    fc.assert(
      fc.property(session, ({ stream }) => {
        for (const { type, revision, data } of stream) {
          if (type === 'Refused') expect('digest' in data && 'command' in data).toBe(revision === 0)
          if (type === 'Refused') expect('digest' in data || 'command' in data).toBe(revision === 0)
        }
      }),
      SESSIONS,
    )
  })

  it('stands once in its stream, unless an executor was started', () => {
    fc.assert(
      fc.property(session, ({ stream }) => {
        const keys = stream.flatMap((it) =>
          it.type === 'Refused' && it.data.stage !== 'execution' ? [keyOfRefused(it)] : [],
        )
        expect(new Set(keys).size).toBe(keys.length)
      }),
      SESSIONS,
    )
  })

  it('of an execution is observed alone, whatever the stream has become', () => {
    const evidence = fc.constantFrom<Json>(
      { failure: 'threw', code: 'T1' },
      { failure: 'timeout', code: 'time' },
      { isolated: { holds: false, seen: null } },
    )
    fc.assert(
      fc.property(session, evidence, ({ state, calls }, seen) => {
        const asked: AskedCommand = { ...(calls[0]?.command ?? sampleCommand()), mode: 'DRY_RUN' }
        const { judgement, material } = given().under(showing('evidence', seen)).when(dryRun)
        for (const stream of [EMPTY_DISPATCH, state]) {
          const events = observe(asked, stream, judgement, material.digest)
          expect(types(events)).toEqual(['Refused'])
          expect('digest' in (events[0]?.data ?? {})).toBe(stream.revision === -1)
        }
      }),
      SESSIONS,
    )
  })
})

describe('identity', () => {
  const base = fc.record({
    contract: fc.record({ id: fc.string(), version: fc.integer() }),
    target: fc.string(),
    params: jsonObject,
    outputNamespace: fc.string(),
    occurrence: fc.string(),
  })

  it('is not changed by the mode, or by anything else that travels with a command', () => {
    fc.assert(
      fc.property(base, mode, jsonObject, (one, asked, more) => {
        const travelled = {
          ...more,
          ...one,
          mode: asked,
          contract: { sha256: 'x', ...one.contract },
        }
        expect(identityText(travelled)).toBe(identityText(one))
      }),
      RUNS,
    )
  })

  it('is not changed by the order of members, at any depth', () => {
    fc.assert(
      fc.property(base, (one) => {
        expect(identityText(backwards(one as unknown as Json) as unknown as DispatchCommand)).toBe(
          identityText(one),
        )
      }),
      RUNS,
    )
  })

  it('is changed by every change of a digested member', () => {
    const change: fc.Arbitrary<Change> = fc.oneof(
      fc.string().map(
        (id): Change =>
          (one) => ({ ...one, contract: { ...one.contract, id } }),
      ),
      fc.integer().map(
        (version): Change =>
          (one) => ({ ...one, contract: { ...one.contract, version } }),
      ),
      fc.string().map(
        (target): Change =>
          (one) => ({ ...one, target }),
      ),
      jsonObject.map(
        (params): Change =>
          (one) => ({ ...one, params }),
      ),
      fc.tuple(fc.string(), json).map(
        ([key, value]): Change =>
          (one) => ({
            ...one,
            params: { ...one.params, [`${key}~`]: value },
          }),
      ),
      fc.string().map(
        (outputNamespace): Change =>
          (one) => ({ ...one, outputNamespace }),
      ),
      fc.string().map(
        (occurrence): Change =>
          (one) => ({ ...one, occurrence }),
      ),
    )
    fc.assert(
      fc.property(base, change, (one, changed) => {
        const other = changed(one)
        fc.pre(canonicalJson(other) !== canonicalJson(one))
        expect(identityText(other)).not.toBe(identityText(one))
      }),
      RUNS,
    )
  })

  it('is not changed by moving text from one member to the next', () => {
    fc.assert(
      fc.property(base, fc.string({ minLength: 1 }), (one, text) => {
        const left = { ...one, target: one.target + text }
        const right = { ...one, outputNamespace: one.outputNamespace + text }
        expect(identityText(left)).not.toBe(identityText(right))
      }),
      RUNS,
    )
  })

  it('says its version and the five members, and nothing else', () => {
    const text = identityText({ ...sampleCommand(), params: {} })
    expect(text).toBe(
      '{"contract":{"id":"sample.echo","version":1},"occurrence":"","outputNamespace":"DRYRUN-NS:sample",' +
        '"params":{},"target":"sample/one","v":1}',
    )
  })
})

type Change = (one: DispatchCommand) => DispatchCommand

/** The same value with the members of every object set in the opposite order. */
function backwards(value: Json): Json {
  if (Array.isArray(value)) return value.map(backwards)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value as JsonObject).toReversed()
  return Object.fromEntries(members.map(([key, member]) => [key, backwards(member)]))
}
