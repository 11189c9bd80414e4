import { decide, type JudgedEvent, observe } from '../../domain/dispatch/decide.ts'
import { evolve } from '../../domain/dispatch/evolve.ts'
import type { Judgement } from '../../domain/dispatch/judgement.ts'
import type { Plan } from '../../domain/dispatch/plan.ts'
import type { DispatchState } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import { type Identity, identify } from '../identity.ts'
import type { DispatchCall, EventStore, FollowedLog, Log } from '../ports.ts'
import { assertNamespaceAllowed } from './allowed-namespace.ts'
import { answer, type DispatchAnswer } from './answer.ts'
import { type Committed, commit } from './commit.ts'
import {
  belongsTo,
  type Execution,
  type ExecutionTurn,
  execute,
  type Reached,
} from './execution.ts'
import { type Ask, type Judged, type JudgePorts, judge } from './judge.ts'
import { loadIdentified } from './load-dispatch.ts'
import { type Clock, deadlineMs, laneOf, type Pacing } from './pacing.ts'
import type { RunWatch } from './run-watch.ts'
import { type HaltContract, haltIfSuspected, tellOfSuspicion } from './suspicion.ts'

export type DispatchPorts = JudgePorts &
  Readonly<{
    store: Pick<EventStore, 'appendDispatch'>
    ledger: FollowedLog
    pacing: Pacing
    watch: RunWatch
    halt: HaltContract
    clock: Clock
    log: Log
  }>

/** One call under way. It may judge several times, but it runs with one identity and one call id. */
type Run = {
  readonly call: DispatchCall
  readonly identity: Identity
  readonly startedMs: number
  readonly appended: Recorded<DispatchEvent>[]
  /** The report of an earlier try that lost its append, or that the switch ended its run. */
  held: Execution | 'stopped' | null
  /** The stream after what was appended before the executor's turn of this try. */
  reached: DispatchState | null
  /** A refused execution that is not recorded yet: an observation, to be recorded whatever comes. */
  observation: Judgement | null
  /** The halt that a suspicion asked for. */
  halting: Promise<void> | null
}

/**
 * THE write path: one command in, judged events appended, an answer from the log out.
 *
 * Throws `LedgerError` where nothing could be judged or recorded: `store-unavailable`,
 * `contended`, `rate-limited`, `gate-indeterminate`, `not-ready`. A refusal is an answer.
 */
export async function runDispatch(
  call: DispatchCall,
  ports: DispatchPorts,
): Promise<DispatchAnswer> {
  const identity = identify(call.command)
  const startedMs = ports.clock()
  const run: Run = {
    call,
    identity,
    startedMs,
    appended: [],
    held: null,
    reached: null,
    observation: null,
    halting: null,
  }
  try {
    assertNamespaceAllowed(call.caller, call.command)
    const answered = await untilAnswered(run, ports)
    await run.halting
    return answered
  } catch (error) {
    await tellOfSuspicion(run, ports.log)
    throw error instanceof LedgerError ? identified(error, run) : error
  }
}

async function untilAnswered(run: Run, ports: DispatchPorts): Promise<DispatchAnswer> {
  for (let attempt = 1; attempt <= LIMITS.appendTries; attempt++) {
    const loaded = await load(run, ports)
    run.reached = null
    const judged = await judge(loaded, ports, executionTurn(run, loaded, ports))
    if (typeof judged.execution === 'string') {
      if (judged.execution === 'stopped') run.held = 'stopped'
      continue
    }
    const ask = { ...loaded, state: run.reached ?? loaded.state }
    if (judged.judgement.refusal?.stage === 'execution') noteRefused(run, loaded, judged, ports)
    if (isOvertaken(run, judged)) break
    const events = decide(ask.command, ask.state, judged.judgement, judged.material)
    if (!hasEvents(events) || !mayOpen(run, ask.state, events, ports)) {
      return answer(outcomeOf(run, ask), judged.judgement)
    }
    const result = await append(run, ports, {
      ask,
      events,
      judgement: judged.judgement,
    }).finally(() => ports.pacing.openings.end(run.identity.dispatchId))
    if (result !== null) return answer(outcomeOf(run, { ...ask, state: result }), judged.judgement)
    remember(run, judged)
  }
  if (run.observation !== null) return recordObservation(run, run.observation, ports)
  throw new LedgerError('contended', 'Other calls changed the log before each of 5 tries')
}

/** An execution was refused: its dispatch has to pause, and its contract may have to halt. */
function noteRefused(run: Run, ask: Ask, { judgement }: Judged, ports: DispatchPorts): void {
  ports.pacing.pauses.mark(run.identity.dispatchId)
  run.halting ??= haltIfSuspected(run, ask, judgement, ports.halt)
}

/** A problem of a command that has an identity says so; what this call appended is not nothing. */
function identified(error: LedgerError, { identity, appended }: Run): LedgerError {
  const recorded = appended.length > 0 ? 'unknown' : error.recorded
  const known = recorded === 'unknown' ? {} : { eventsAppended: appended.length }
  const members = { ...error.members, ...identity, ...known }
  const { cause, retryAfterSeconds: wait } = error
  return new LedgerError(error.code, error.message, {
    cause,
    recorded,
    members,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
  })
}

async function load(run: Run, { ledger, log, clock }: DispatchPorts): Promise<Ask> {
  const { identity, call } = run
  const { state, control } = await loadIdentified(ledger, identity, log)
  const ask = { command: call.command, digest: identity.digest, state, control }
  // Facts that hang leave time to record that they did, however often all is judged again.
  const untilMs = deadlineMs(run.startedMs, ask) - APPEND_MS
  return { ...ask, leftMs: () => untilMs - clock() }
}

const APPEND_MS = 1_000

/** The executor's turn: a report of this call that still belongs is used again, not run again. */
function executionTurn(run: Run, ask: Ask, ports: DispatchPorts): ExecutionTurn {
  return async (plan, setting, reached) => {
    const { held, observation } = run
    const report = held === 'stopped' ? null : held
    if (report !== null && (observation !== null || belongsTo(report, setting))) return report
    const reachesOut = ports.executors.get(setting.executor.type)?.io !== false
    if (
      held !== null &&
      (reachesOut || deadlineMs(run.startedMs, ask) - ports.clock() < plan.limits.timeMs)
    ) {
      throw new LedgerError('contended', 'Other calls changed the log until it was too late to run')
    }
    const { dispatchId } = run.identity
    if (!ports.pacing.pauses.mayStart(dispatchId)) {
      throw new LedgerError(
        'rate-limited',
        'The last execution was refused less than a second ago',
        {
          retryAfterSeconds: LIMITS.executionPauseMs / 1_000,
        },
      )
    }
    const invocation = { command: ask.command, plan, setting, watch: ports.watch }
    const begin = () => execute(ports.executors, invocation)
    return reachesOut ? reachOut(run, { ask, plan, ...reached }, ports, begin) : begin()
  }
}

/**
 * Waits for a place first, so that the look at the switch is the last thing before the run begins. The
 * turn of the caller's key ends here: what comes is a wait for somebody else.
 */
async function reachOut<T>(
  run: Run,
  reached: { ask: Ask; plan: Plan } & Reached,
  ports: DispatchPorts,
  begin: () => Promise<T>,
): Promise<T | 'overtaken'> {
  run.call.reachesOut?.()
  const leave = await ports.pacing.lanes.take(laneOf(reached.plan))
  try {
    return (await isRecorded(run, reached, ports)) ? await begin() : 'overtaken'
  } finally {
    leave()
  }
}

/**
 * Appends what was reached before anything reaches out: the append itself shows that no control
 * event, so no halt, came after the judgement. Where all of it is recorded already, control is read once more.
 */
async function isRecorded(
  run: Run,
  { ask, judgement, material }: { ask: Ask } & Reached,
  ports: DispatchPorts,
): Promise<boolean> {
  const events = decide(ask.command, ask.state, judgement, material)
  if (!hasEvents(events)) {
    const { control } = await ports.ledger.current()
    return control.revision === judgement.controlRevision
  }
  run.reached = await append(run, ports, { ask, events, judgement })
  return run.reached !== null
}

/** An observation that a later judgement of this call would no longer record by itself. */
const isOvertaken = (run: Run, { judgement }: Judged): boolean =>
  run.observation !== null && judgement.refusal?.stage !== 'execution'

function remember(run: Run, { execution, judgement }: Judged): void {
  run.held = typeof execution === 'string' ? null : execution
  if (judgement.refusal?.stage === 'execution') run.observation = judgement
}

const hasEvents = (
  events: readonly JudgedEvent[],
): events is readonly [JudgedEvent, ...JudgedEvent[]] => events.length > 0

/** Refusals that would open a new stream are stored only as fast as the key's bucket fills. */
function mayOpen(
  run: Run,
  state: DispatchState,
  events: readonly JudgedEvent[],
  { pacing }: DispatchPorts,
): boolean {
  const opens = state.revision === -1 && events.every((event) => event.type === 'Refused')
  return !opens || pacing.openings.take(run.call.caller.keyId, run.identity.dispatchId)
}

type Decided = Readonly<{
  ask: Ask
  events: readonly [JudgedEvent, ...JudgedEvent[]]
  judgement: Judgement
}>

/** The state after the append, or null when somebody else came first and all is to be judged again. */
async function append(
  run: Run,
  ports: DispatchPorts,
  { ask, events, judgement }: Decided,
): Promise<DispatchState | null> {
  const { dispatchId } = run.identity
  const { state } = ask
  const { controlRevision } = judgement
  const leftMs = deadlineMs(run.startedMs, ask) - ports.clock()
  const request = {
    dispatchId,
    expected: state.revision,
    events,
    controlRevision,
    call: run.call,
    leftMs,
  }
  const result = await commit(ports.store, request)
  return result.outcome === 'appended' ? after(run, state, result, ports) : null
}

async function after(
  run: Run,
  state: DispatchState,
  committed: Committed,
  ports: DispatchPorts,
): Promise<DispatchState> {
  run.appended.push(...committed.events)
  return committed.retried ? (await load(run, ports)).state : committed.events.reduce(evolve, state)
}

/** A refused execution is recorded alone, whatever the switch or the stream has become. */
async function recordObservation(
  run: Run,
  judgement: Judgement,
  ports: DispatchPorts,
): Promise<DispatchAnswer> {
  for (;;) {
    const ask = await load(run, ports)
    const events = observe(ask.command, ask.state, judgement, ask.digest)
    if (!hasEvents(events)) throw new Error('a refused execution decided no event')
    const state = await append(run, ports, { ask, events, judgement })
    if (state !== null) return answer(outcomeOf(run, { ...ask, state }), judgement)
    if (ports.clock() > deadlineMs(run.startedMs, ask)) {
      throw new LedgerError('contended', 'The refused execution could not be recorded in time')
    }
  }
}

const outcomeOf = (run: Run, { command, state, control }: Ask) => ({
  identity: run.identity,
  command,
  state,
  control,
  appended: run.appended,
})
