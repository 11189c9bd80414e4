import * as fc from 'fast-check'
import { decideCatalogue, decideRetire, decideSwitch } from '../../domain/control/decide.ts'
import { evolveControl } from '../../domain/control/evolve.ts'
import type { ManifestBody } from '../../domain/control/manifest.ts'
import { type ControlState, EMPTY_CONTROL, GLOBAL_SCOPE } from '../../domain/control/state.ts'
import { isKnownScope } from '../../domain/control/switch.ts'
import { type AskedCommand, MODES, type Mode } from '../../domain/dispatch/command.ts'
import { type DispatchState, EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import type {
  ControlEvent,
  DispatchEvent,
  ManifestRetired,
  Recorded,
  SwitchState,
} from '../../domain/events.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { digestOf } from '../../src/identity.ts'
import { controlOf, READY, recordedControl } from './control.ts'
import { call, type Decided, READY_WORLD, recorded, SOUND, type World } from './given.ts'
import { sampleCommand, sampleContract, sampleFixture, sampleTarget } from './sample.ts'

/** Any value that came through the strict door: JSON text read back, without `__proto__`. */
export const json: fc.Arbitrary<Json> = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'proto')) as Json)

export const jsonObject: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.string({ maxLength: 8 }).filter((key) => key !== '__proto__'),
  json,
  { maxKeys: 4, noNullPrototype: true },
)

export const mode: fc.Arbitrary<Mode> = fc.constantFrom(...MODES)
const namespace = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('DRYRUN-NS:sample', 'DRYRUN-NS:sample/a-b/c_1') },
  { weight: 1, arbitrary: fc.constantFrom('PROD:sample', 'DRYRUN-NS:Sample', 'DRYRUN-NS:', '') },
)

/** Commands that mostly mean the sample catalogue, and sometimes miss it. */
export const command: fc.Arbitrary<AskedCommand> = fc.record({
  contract: fc.record({
    id: fc.oneof({ weight: 9, arbitrary: fc.constant('sample.echo') }, fc.constant('sample.none')),
    version: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.constant(2)),
  }),
  target: fc.oneof(
    { weight: 8, arbitrary: fc.constant('sample/one') },
    fc.constantFrom('sample/two', 'other/one', 'sample/one/deep'),
  ),
  params: jsonObject,
  outputNamespace: namespace,
  occurrence: fc.constantFrom('', 'again', '2026:1'),
  mode,
})

/** Mostly the sound value; otherwise one that a gate knows to refuse, or garbage, or nothing. */
const mostly = (sound: Json, ...bad: readonly Json[]): fc.Arbitrary<Json> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(sound) },
    { weight: 2, arbitrary: fc.constantFrom<Json>(...bad) },
    { weight: 1, arbitrary: json },
    { weight: 1, arbitrary: fc.constantFrom<Json>(null, { failure: 'threw' }) },
  )

const SOUND_VALUES = SOUND as Readonly<Record<keyof typeof SOUND, Json>>

/** What the edge may show: each fact sound, refusing, garbage or missing. */
export const shown: fc.Arbitrary<World['shown']> = fc.record({
  params: mostly(SOUND_VALUES.params, { valid: false, errors: [] }, { valid: 'yes' }),
  executor: mostly(SOUND_VALUES.executor, { type: 'sql-read', build: 1 }, { type: 'simulator' }),
  'read-only': mostly(SOUND_VALUES['read-only'], { sideEffects: 'some', facts: {} }, []),
  baseline: mostly(
    SOUND_VALUES.baseline,
    { cases: 1, matched: 0, digest: '', differing: ['one'] },
    { cases: 2, matched: 2 },
  ),
  evidence: mostly(
    SOUND_VALUES.evidence,
    { isolated: { holds: false, seen: null } },
    { isolated: { holds: true, seen: null }, more: { holds: true, seen: null } },
    { failure: 'threw', code: 'T1' },
    { failure: 'timeout', code: 'time' },
    { failure: 'limit', code: 'memory' },
    {},
  ),
})

/** What an executor gave back: a definite answer of the target, either way. */
export const result: fc.Arbitrary<World['result']> = fc
  .tuple(fc.constantFrom('would_succeed' as const, 'would_fail' as const), json)
  .map(([verdict, output]) => ({ verdict, output, outputDigest: digestOf(output) }))

type ControlStep =
  | Readonly<{ set: SwitchState; scope: string }>
  | Readonly<{ register: readonly JsonObject[] }>
  | Readonly<{ retire: ManifestRetired['data'] }>

const MANIFESTS: readonly JsonObject[] = [
  sampleTarget(1),
  sampleTarget(2),
  sampleTarget(7),
  { ...sampleTarget(3), executor: 'sql-read' },
  { ...sampleTarget(1), id: 'sample/two', executor: 'sql-read' },
  { ...sampleTarget(1), note: 'other content under the same version' },
  sampleFixture,
  { ...sampleFixture, version: 2 },
  sampleContract,
  { ...sampleContract, version: 2, fixture: 'sample.words@2', targets: 'sample/one' },
  { ...sampleContract, version: 3, fixture: 'sample.none@1' },
]
const RETIRABLE: readonly ManifestRetired['data'][] = MANIFESTS.map((it) => ({
  kind: it['kind'] as ManifestRetired['data']['kind'],
  id: it['id'] as string,
  version: it['version'] as number,
}))

const set = (scope: string) =>
  fc
    .constantFrom<SwitchState>('DRY_RUN_ONLY', 'DRY_RUN_ONLY', 'HALTED')
    .map((state) => ({ set: state, scope }))

export const controlStep: fc.Arbitrary<ControlStep> = fc.oneof(
  set(GLOBAL_SCOPE),
  set('executor:simulator'),
  set('contract:sample.echo'),
  set('contract:sample.none'),
  fc
    .uniqueArray(fc.constantFrom(...MANIFESTS), { minLength: 1, maxLength: 3 })
    .map((register) => ({ register })),
  fc.constantFrom(...RETIRABLE).map((retire) => ({ retire })),
)

/** What the use cases would append for a step: nothing, where it is true already or refused. */
function decideStep(control: ControlState, step: ControlStep): readonly ControlEvent[] {
  if ('set' in step) {
    if (!isKnownScope(control, step.scope, ['simulator'])) return []
    return decideSwitch(control, { scope: step.scope, state: step.set, reason: 'a test' })
  }
  if ('retire' in step) return decideRetire(control, step.retire) ?? []
  const candidates = step.register.map((body) => ({
    body: body as unknown as ManifestBody,
    sha256: digestOf(body),
  }))
  return decideCatalogue(control, candidates).events
}

/** A control stream that could exist: every event was decided on the state before it. */
export type ControlHistory = Readonly<{
  events: readonly ControlEvent[]
  state: ControlState
  /** The fold of everything up to a control revision. */
  at(revision: number): ControlState
}>

const historyOf = (events: readonly ControlEvent[], state: ControlState): ControlHistory => ({
  events,
  state,
  at: (revision) => evolveControl(EMPTY_CONTROL, recordedControl(events.slice(0, revision + 1))),
})

const afterSteps = (before: ControlHistory, steps: readonly ControlStep[]): ControlHistory =>
  steps.reduce(({ events, state }, step) => {
    const more = decideStep(state, step)
    return historyOf(
      [...events, ...more],
      evolveControl(state, recordedControl(more, events.length)),
    )
  }, before)

/** Mostly a ready ledger that goes on from there, sometimes one from its very beginning. */
const beginning = fc.oneof(
  { weight: 6, arbitrary: fc.constant(historyOf(READY, controlOf(...READY))) },
  { weight: 1, arbitrary: fc.constant(historyOf([], EMPTY_CONTROL)) },
)

export const controlHistories: fc.Arbitrary<ControlHistory> = fc
  .tuple(beginning, fc.array(controlStep, { maxLength: 12 }))
  .map(([history, steps]) => afterSteps(history, steps))

/** One call of a session: what changes in control before it, what it asks, what it is shown. */
type Turn = Readonly<{
  steps: readonly ControlStep[]
  mode: Mode
  shown: World['shown']
  result: World['result']
}>

const turn: fc.Arbitrary<Turn> = fc.record({
  steps: fc.oneof(
    { weight: 3, arbitrary: fc.constant<ControlStep[]>([]) },
    fc.array(controlStep, { maxLength: 3 }),
  ),
  mode,
  shown: fc.oneof({ weight: 2, arbitrary: fc.constant(SOUND) }, shown),
  result,
})

/** A call as it was decided, with the world it was decided in. */
export type PlayedCall = Decided & Readonly<{ command: AskedCommand; world: World }>
/** All calls of one command in turn, and what its stream holds in the end. */
export type Session = Readonly<{
  control: ControlHistory
  calls: readonly PlayedCall[]
  stream: readonly Recorded<DispatchEvent>[]
  state: DispatchState
}>

function play(asked: AskedCommand, begun: ControlHistory, turns: readonly Turn[]): Session {
  let control = begun
  let state = EMPTY_DISPATCH
  const calls: PlayedCall[] = []
  const stream: Recorded<DispatchEvent>[] = []
  for (const it of turns) {
    control = afterSteps(control, it.steps)
    const around = { control: control.state, shown: it.shown, result: it.result }
    const sent = { ...asked, mode: it.mode }
    const decided = call(sent, state, around)
    calls.push({ ...decided, command: sent, world: around })
    stream.push(...recorded(sent, state, decided.events))
    state = decided.after
  }
  return { control, calls, stream, state }
}

const sessionOf = (asked: fc.Arbitrary<AskedCommand>): fc.Arbitrary<Session> =>
  fc
    .tuple(asked, beginning, fc.array(turn, { minLength: 1, maxLength: 6 }))
    .map(([one, begun, turns]) => play(one, begun, turns))

/** Calls of one command under switch flips, registrations, retirements and facts of all kinds. */
export const session: fc.Arbitrary<Session> = sessionOf(
  fc.oneof({ weight: 3, arbitrary: fc.constant(sampleCommand()) }, command),
)

/** The same with the occurrence told: sessions of commands that are surely different ones. */
export const sessionOfOccurrence = (occurrence: string): fc.Arbitrary<Session> =>
  sessionOf(fc.constant(sampleCommand({ occurrence })))

/** A world around the ready one: any control history, any facts. */
export const world: fc.Arbitrary<World> = fc
  .tuple(controlHistories, fc.oneof(fc.constant(SOUND), shown), result)
  .map(([history, facts, outcome]) => ({
    ...READY_WORLD,
    control: history.state,
    shown: facts,
    result: outcome,
  }))
