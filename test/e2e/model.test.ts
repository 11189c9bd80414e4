import * as fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { type AskedCommand, MODES } from '../../domain/dispatch/command.ts'
import type { SwitchState } from '../../domain/events.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import { identify } from '../../src/identity.ts'
import { catalogueOf, eventsAfter, headOf, type SeenEvent } from '../support/front-door.ts'
import type { Reply } from '../support/ledger.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { findUnsound } from '../support/sound.ts'
import { openTwin, type Twin } from '../support/twin.ts'

/** Sequences of steps; `MODEL_RUNS=500` hunts for longer. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 25)
const STEPS_MAX = 30

/** What may happen to a ledger. Names of a run’s own catalogue stand for themselves. */
type Step =
  | Readonly<{
      dispatch: keyof typeof COMMANDS
      mode: (typeof MODES)[number]
      overtaken?: SwitchState
    }>
  | Readonly<{ set: (typeof SCOPES)[number]; state: SwitchState }>
  | Readonly<{ register: keyof typeof MANIFESTS }>
  | Readonly<{ retire: 'contract' | 'fixture' | 'target' }>
  | Readonly<{ fail: 'dispatch' | 'control'; when: 'before' | 'after' }>
  | 'restart'

type Catalogue = ReturnType<typeof catalogueOf>

/** Few commands, so that they meet themselves again, in other modes and on a changed ledger. */
const COMMANDS = {
  plain: ({ command }: Catalogue) => command(),
  again: ({ command }: Catalogue) => command({ occurrence: 'again' }),
  wouldFail: ({ command }: Catalogue) => command({ params: { fail: true } }),
  badParams: ({ command }: Catalogue) => command({ params: { say: 7 } }),
  production: ({ command }: Catalogue) => command({ outputNamespace: 'PROD:x' }),
  unregistered: ({ command, contract }: Catalogue) =>
    command({ contract: { id: contract['id'] as string, version: 2 } }),
} as const

const MANIFESTS = {
  all: ({ manifests }: Catalogue) => manifests,
  target: ({ target }: Catalogue) => [target(2)],
  fixture: ({ fixture }: Catalogue) => [{ ...fixture, version: 2 }],
  contract: ({ contract, fixture }: Catalogue) => [
    { ...contract, version: 2, fixture: `${fixture['id'] as string}@2` },
  ],
  other: ({ fixture }: Catalogue) => [{ ...fixture, data: 'other content' }],
} as const

const SCOPES = ['global', 'executor', 'contract'] as const
const keysOf = <T extends object>(of: T) => fc.constantFrom(...(Object.keys(of) as (keyof T)[]))

/** Most are sound: what is refused on its own account teaches little about the rest. */
const commandNames = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('plain', 'again', 'wouldFail', 'unregistered') },
  { weight: 1, arbitrary: keysOf(COMMANDS) },
)

const steps: readonly { weight: number; arbitrary: fc.Arbitrary<Step> }[] = [
  {
    weight: 10,
    arbitrary: fc.record({
      dispatch: commandNames,
      mode: fc.constantFrom(...MODES, 'DRY_RUN', 'DRY_RUN'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      dispatch: commandNames,
      mode: fc.constantFrom('VERIFY_ONLY', 'DRY_RUN'),
      overtaken: fc.constantFrom('HALTED', 'DRY_RUN_ONLY'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      set: fc.constantFrom(...SCOPES),
      state: fc.constantFrom<SwitchState>('HALTED', 'DRY_RUN_ONLY', 'DRY_RUN_ONLY'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ register: keysOf(MANIFESTS) }) },
  { weight: 1, arbitrary: fc.record({ retire: fc.constantFrom('contract', 'fixture', 'target') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      fail: fc.constantFrom('dispatch', 'control'),
      when: fc.constantFrom('before', 'after'),
    }),
  },
  { weight: 1, arbitrary: fc.constant('restart') },
]

type Twins = Readonly<{ real: Twin; memory: Twin }>
let twins: Twins | null = null
let runs = 0

async function openTwins(): Promise<Twins> {
  const memoryStore = createMemoryEventStore()
  const [real, memory] = await Promise.all([
    openTwin((store) => store),
    openTwin(() => memoryStore),
  ])
  return { real, memory }
}

async function closeTwins(): Promise<void> {
  await Promise.all(Object.values(twins ?? {}).map((it) => it.close()))
  twins = null
}
afterAll(closeTwins)

/** What cannot be the same in two ledgers: who asked, when, and ids that come from a call id. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const DRAWN: Readonly<Record<string, RegExp>> = {
  id: UUID,
  eventId: UUID,
  refusalId: UUID,
  callId: UUID,
  correlationId: /^[0-9a-f]{32}$/,
  recordedAt: /Z$/,
  actor: /^key:/,
}

const comparable = async (twin: Twin, value: unknown): Promise<unknown> =>
  JSON.parse(
    JSON.stringify(await twin.counted(value as Json), (key, it: unknown) =>
      typeof it === 'string' && DRAWN[key]?.test(it) === true ? `<${key}>` : it,
    ),
  )

const LIFE = ['Planned', 'PreflightPassed', 'DryRunRecorded']

/** One sequence of steps on both ledgers. What one answers, the other must answer. */
class Session {
  readonly catalogue: Catalogue
  /** How far each dispatch has come, by what its callers were told. */
  readonly #reached = new Map<string, number>()
  readonly #twins: Twins
  readonly #keys: Record<keyof Twins, string>

  constructor(both: Twins, keys: Record<keyof Twins, string>, name: string) {
    this.#twins = both
    this.#keys = keys
    this.catalogue = catalogueOf(name)
  }

  ask(...asked: Asking): Promise<Reply> {
    return this.#same((twin, key) => twin.ask(...asked, { key }))
  }

  async #same(send: (twin: Twin, key: string) => Promise<Reply>): Promise<Reply> {
    const [real, memory] = await this.each(async (twin, key) => {
      const reply = await send(twin, key)
      const { status, body, headers } = reply
      const told = headers['ledger-position']
      const position = told === undefined ? null : Number(told)
      return { reply, seen: await comparable(twin, { status, body, position }) }
    })
    expect(real.seen).toEqual(memory.seen)
    return real.reply
  }

  each<T>(act: (twin: Twin, key: string) => Promise<T>): Promise<[T, T]> {
    const { real, memory } = this.#twins
    return Promise.all([act(real, this.#keys.real), act(memory, this.#keys.memory)])
  }

  scopeOf(scope: (typeof SCOPES)[number]): string {
    const names = {
      global: '',
      executor: ':simulator',
      contract: `:${this.catalogue.contract['id'] as string}`,
    }
    return `${scope}${names[scope]}`
  }

  set(scope: (typeof SCOPES)[number], state: SwitchState): Promise<Reply> {
    return this.ask(...this.#flip(scope, state))
  }

  #flip(scope: (typeof SCOPES)[number], state: SwitchState) {
    const path = `/v1/switch/${encodeURIComponent(this.scopeOf(scope))}`
    return ['PUT', path, { state, reason: 'a step' }] satisfies Asking
  }

  /** Asks twice: the answer is about this command, and the second one adds nothing. */
  async dispatch(command: AskedCommand): Promise<void> {
    const first = await this.ask('POST', '/v1/dispatches', command)
    this.#advance(first.body)
    const heads = await this.each(({ store }) => store.head())
    const { body } = await this.ask('POST', '/v1/dispatches', command)
    expect(await this.each(({ store }) => store.head())).toEqual(heads)
    expect(body).toMatchObject({ ...identify(command), eventsAppended: 0 })
    expect([body.code, body.event?.id]).toEqual([first.body.code, first.body.event?.id])
  }

  /** Asks while somebody flips the contract’s scope: after the judgement, before the append. */
  async dispatchOvertaken(command: AskedCommand, state: SwitchState): Promise<void> {
    const flip = this.#flip('contract', state)
    const { body } = await this.#same((twin, key) =>
      twin.overtaken(
        () => twin.ask(...flip, { key }),
        () => twin.ask('POST', '/v1/dispatches', command, { key }),
      ),
    )
    this.#advance(body)
  }

  #advance({ dispatchId, reached }: Reply['body']): void {
    const rank = LIFE.indexOf(reached)
    expect(rank).toBeGreaterThanOrEqual(this.#reached.get(dispatchId) ?? -1)
    this.#reached.set(dispatchId, rank)
  }
}

type Asking = [method: string, path: string, body?: unknown]

class Take implements fc.AsyncCommand<object, Session> {
  readonly step: Step

  constructor(step: Step) {
    this.step = step
  }

  check = (): boolean => true
  toString = (): string => JSON.stringify(this.step)

  async run(_: object, session: Session): Promise<void> {
    const { step } = this
    const { catalogue } = session
    if (step === 'restart') await session.each((twin) => twin.restart())
    else if ('fail' in step) await session.each(async (twin) => twin.fail(step.fail, step.when))
    else if ('set' in step) await session.set(step.set, step.state)
    else if ('register' in step) {
      const manifests = MANIFESTS[step.register](catalogue)
      await session.ask('POST', '/v1/catalogue', { manifests })
    } else if ('retire' in step) {
      const id = encodeURIComponent(catalogue.manifests.find(isOf(step.retire))?.['id'] as string)
      await session.ask('POST', `/v1/catalogue/${step.retire}/${id}/1/retire`)
    } else {
      const command = { ...COMMANDS[step.dispatch](catalogue), mode: step.mode }
      if (step.overtaken === undefined) await session.dispatch(command)
      else await session.dispatchOvertaken(command, step.overtaken)
    }
  }
}

const isOf = (kind: string) => (manifest: JsonObject) =>
  (manifest['kind'] as string).toLowerCase() === kind

/** No event but a refusal stands where a scope of its command was halted. */
function findAdvancedWhileHalted(
  events: readonly SeenEvent[],
  scopes: readonly string[],
): unknown[] {
  const halted = new Set<string>()
  return events.filter(({ type, data }) => {
    if (type === 'SwitchSet' && data.state === 'HALTED') halted.add(data.scope)
    if (type === 'SwitchSet' && data.state !== 'HALTED') halted.delete(data.scope)
    return LIFE.includes(type) && scopes.some((it) => halted.has(it))
  })
}

/** Both ledgers go on from run to run; each run has a catalogue and keys of its own. */
async function setup(): Promise<Session> {
  twins ??= await openTwins()
  runs += 1
  const keys = { real: await twins.real.newKey(), memory: await twins.memory.newKey() }
  const session = new Session(twins, keys, `run-${runs}`)
  await session.set('global', 'DRY_RUN_ONLY')
  await session.set('executor', 'DRY_RUN_ONLY')
  await session.ask('POST', '/v1/catalogue', { manifests: session.catalogue.manifests })
  return session
}

/** Types of events that the sequences led to. */
const met = new Set<string>()

it('answers and records on a real store what it does in memory, whatever comes in whatever order', {
  timeout: RUNS * 20_000,
}, async () => {
  const sequences = fc.commands([fc.oneof(...steps).map((step) => new Take(step))], {
    maxCommands: STEPS_MAX,
    size: 'max',
  })
  await fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      const session = await setup()
      try {
        const starts = new Map<Twin, number>()
        await session.each(async (twin) => starts.set(twin, await headOf(twin)))
        await fc.asyncModelRun(() => ({ model: {}, real: session }), sequence)
        const [real, memory] = await session.each(async (twin) => {
          const events = await eventsAfter(twin, starts.get(twin) as number)
          return { events, seen: await comparable(twin, events) }
        })
        const recorded = real.events
        expect(real.seen).toEqual(memory.seen)
        const scopes = SCOPES.map((it) => session.scopeOf(it))
        expect(findAdvancedWhileHalted(recorded, scopes)).toEqual([])
        for (const { type } of recorded) met.add(type)
      } catch (error) {
        // What differs stays different: the next sequence starts on two empty ledgers.
        await closeTwins()
        throw error
      }
    }),
    { numRuns: RUNS },
  )
  for (const twin of Object.values(twins ?? {})) {
    expect(await findUnsound(twin.store.read({ after: 0 }))).toEqual([])
  }
  const all = [...LIFE, 'Refused', 'SwitchSet', 'ManifestRegistered', 'ManifestRetired']
  expect([...met].toSorted()).toEqual(all.toSorted())
})
