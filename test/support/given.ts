import { expect } from 'vitest'
import { type ControlState, resolvePins } from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { decide, type JudgedEvent } from '../../domain/dispatch/decide.ts'
import { evolve } from '../../domain/dispatch/evolve.ts'
import { type Judgement, judgementOf, type Material } from '../../domain/dispatch/judgement.ts'
import {
  type DispatchState,
  EMPTY_DISPATCH,
  isReplay,
  pinsOf,
  recordedStep,
  stepsOf,
} from '../../domain/dispatch/state.ts'
import type { DispatchEvent, ExecutorStamp, Recorded } from '../../domain/events.ts'
import { type Gate, type JudgedGate, judgeGate } from '../../domain/gates/gate.ts'
import { gatesOf, REPLAY_GATES } from '../../domain/gates/index.ts'
import { dispatchStream } from '../../domain/identity.ts'
import { isObject, type Json } from '../../domain/json.ts'
import type { RefusalCode } from '../../domain/refusal.ts'
import type { GateName } from '../../domain/snapshot.ts'
import { digestOf, identify } from '../../src/identity.ts'
import { readyAnd } from './control.ts'
import { sampleCommand } from './sample.ts'

/** What the edge would show each gate. `pins` is no fact: a gate sees those of the plan. */
export type Shown = Readonly<Partial<Record<GateName, Json>>>
/** All that one judgement rests on beside the command and the stream. */
export type World = Readonly<{
  control: ControlState
  shown: Shown
  /** What an executor gave back, where its evidence is no failure. */
  result: NonNullable<Material['result']>
}>

/** What the edge shows where all is well with the sample catalogue. */
export const SOUND: Shown = {
  params: { valid: true, errors: [] },
  executor: { type: 'simulator', build: 1 },
  'read-only': { sideEffects: 'none', facts: { isolation: 'process' } },
  baseline: { cases: 1, matched: 1, digest: digestOf([]), differing: [] },
  evidence: { isolated: { holds: true, seen: { engine: 'jsonata' } } },
}
const OUTPUT = { echo: 'hello', fixture: 'dry' }
export const READY_WORLD: World = {
  control: readyAnd(),
  shown: SOUND,
  result: { verdict: 'would_succeed', output: OUTPUT, outputDigest: digestOf(OUTPUT) },
}

export type Judged = Readonly<{ judgement: Judgement; material: Material }>

/**
 * Judges as `src/dispatch/judge.ts` does, without its edge: the admission gates, three of them on a
 * replay; preflight where a step of it is asked and not there; execution where a dry run is asked.
 */
export function judge(command: AskedCommand, state: DispatchState, world: World): Judged {
  const { control } = world
  const { digest } = identify(command)
  const pins = pinsOf(state) ?? resolvePins(control, command)
  const replay = isReplay(state, command.mode)
  const seenBy = ({ name }: Gate): Json => (name === 'pins' ? pins : (world.shown[name] ?? null))
  const judgeAll = (some: readonly Gate[]) => inOrder(some, { command, control, seenBy })

  const gates = judgeAll(gatesOf('admission').filter((it) => !replay || isAskedOnReplay(it)))
  const goesOn = () => !replay && gates.every((it) => it.record.outcome === 'pass')
  if (goesOn() && asksPreflight(command, state)) gates.push(...judgeAll(gatesOf('preflight')))
  const executor = stampOf(gates)
  if (!goesOn() || command.mode !== 'DRY_RUN') {
    const material = { digest, pins, executor, result: null }
    return { judgement: judgementOf(control.revision, gates), material }
  }
  gates.push(...judgeAll(gatesOf('execution')))
  const result = hasReport(world.shown.evidence) ? world.result : null
  return {
    judgement: judgementOf(control.revision, gates),
    material: { digest, pins, executor, result },
  }
}

const isAskedOnReplay = ({ name }: Gate): boolean => REPLAY_GATES.includes(name)

const asksPreflight = (command: AskedCommand, state: DispatchState): boolean =>
  stepsOf(command.mode).some((step) => step !== 'Planned' && recordedStep(state, step) === null)

const hasReport = (evidence: Json | undefined): boolean =>
  isObject(evidence) && !Object.hasOwn(evidence, 'failure')

function inOrder(
  gates: readonly Gate[],
  {
    command,
    control,
    seenBy,
  }: Pick<World, 'control'> & {
    command: AskedCommand
    seenBy: (gate: Gate) => Json
  },
): JudgedGate[] {
  const judged: JudgedGate[] = []
  for (const gate of gates) {
    const one = judgeGate(gate, { command, control, seen: seenBy(gate) })
    judged.push(one)
    if (one.record.outcome !== 'pass') break
  }
  return judged
}

function stampOf(gates: readonly JudgedGate[]): ExecutorStamp | null {
  const record = gates.find((it) => it.record.gate === 'executor')?.record
  return record?.outcome === 'pass' ? (record.seen as unknown as ExecutorStamp) : null
}

/** The events as they stand in the stream of a command, after a state of it. */
export const recorded = (
  command: AskedCommand,
  state: DispatchState,
  events: readonly DispatchEvent[],
): readonly Recorded<DispatchEvent>[] => {
  const stream = dispatchStream(identify(command).dispatchId)
  return events.map((event, index) => {
    const revision = state.revision + 1 + index
    const metadata = { callId: 'call', correlationId: 'trace', actor: 'key:1', schemaVersion: 1 }
    const at = { stream, revision, position: state.position + 1 + index }
    return {
      ...event,
      ...at,
      id: `${stream}@${revision}`,
      recordedAt: `2026-01-01T00:00:00.${String(revision).padStart(3, '0')}Z`,
      metadata,
    }
  })
}

export const foldOf = (
  command: AskedCommand,
  events: readonly DispatchEvent[],
  state: DispatchState = EMPTY_DISPATCH,
): DispatchState => recorded(command, state, events).reduce(evolve, state)

/** An event by its type alone, or by whatever of it matters. */
type Expected = DispatchEvent['type'] | Readonly<{ type: DispatchEvent['type']; data: object }>

/** One decided call: what it rests on, what it appends, and the stream after it. */
export type Decided = Judged &
  Readonly<{
    before: DispatchState
    after: DispatchState
    events: readonly JudgedEvent[]
    /** Exactly these events, in this order. */
    thenRecords(...expected: readonly Expected[]): void
    thenNothing(): void
    /** Exactly one event: a refusal with this code. */
    thenRefused(code: RefusalCode): void
  }>

export function call(command: AskedCommand, before: DispatchState, world: World): Decided {
  const { judgement, material } = judge(command, before, world)
  const events = decide(command, before, judgement, material)
  const expectEvents = (...expected: readonly Expected[]): void => {
    const shapes = expected.map((it) => (typeof it === 'string' ? { type: it } : it))
    expect(events).toMatchObject(shapes)
  }
  return {
    judgement,
    material,
    before,
    events,
    after: foldOf(command, events, before),
    thenRecords: expectEvents,
    thenNothing: () => expect(events).toEqual([]),
    thenRefused: (code) => expectEvents({ type: 'Refused', data: { code } }),
  }
}

export type Given = Readonly<{
  /** The same history in another world: what is not named stays ready. */
  under(change: Partial<World>): Given
  when(command: AskedCommand): Decided
}>

/** Events a stream holds, in a ready world. */
export function given(...events: readonly DispatchEvent[]): Given {
  return inWorld(events, READY_WORLD)
}

const inWorld = (events: readonly DispatchEvent[], world: World): Given => ({
  under: (change) => inWorld(events, { ...world, ...change }),
  when: (command) => call(command, foldOf(command, events), world),
})

/** What the edge shows, with something else for one gate. */
export const showing = (gate: GateName, seen: Json): { shown: Shown } => ({
  shown: { ...SOUND, [gate]: seen },
})

export const plan = sampleCommand({ mode: 'PLAN_ONLY' })
export const verify = sampleCommand({ mode: 'VERIFY_ONLY' })
export const dryRun = sampleCommand({ mode: 'DRY_RUN' })
export const realRun = sampleCommand({ mode: 'REAL_RUN' })

/** The life of the sample command, as one dry run in the ready world records it. */
const life = given().when(dryRun).events
export const [planned, preflightPassed, dryRunRecorded] = life as unknown as readonly [
  DispatchEvent,
  DispatchEvent,
  DispatchEvent,
]
