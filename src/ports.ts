import type { ContractBody, FixtureBody } from '../domain/control/manifest.ts'
import type { ControlState } from '../domain/control/state.ts'
import type { AskedCommand } from '../domain/dispatch/command.ts'
import type { Plan } from '../domain/dispatch/plan.ts'
import type { LedgerEvent, Recorded, Verdict } from '../domain/events.ts'
import type { Json } from '../domain/json.ts'
import type { GateName } from '../domain/snapshot.ts'

/** An event on its way into the log. Its id names this very append: see `eventId`. */
export type NewEvent = Readonly<{
  id: string
  type: LedgerEvent['type']
  data: LedgerEvent['data']
  metadata: Readonly<{ correlationId: string; actor: string; schemaVersion: number }>
}>

/** All events went in, or had gone in before with this call id. `position` is the last one's. */
export type Appended = Readonly<{ outcome: 'appended'; position: number; recordedAt: string }>
/** The stream is not where the writer believed. Nothing was written. */
export type Conflict = Readonly<{ outcome: 'conflict'; revision: number }>
/** A control event came after the judgement. Nothing was written. */
export type Stale = Readonly<{ outcome: 'stale'; controlRevision: number }>

export type ControlAppend = Readonly<{
  /** Revision of the last event the writer knows of, -1 for an empty stream. */
  expected: number
  events: readonly NewEvent[]
  /** UUIDv4 drawn once per call and kept for all its appends. */
  callId: string
}>
export type DispatchAppend = ControlAppend &
  Readonly<{
    stream: string
    /** The control revision it was judged at; null exactly when every event is `Refused`. */
    controlRevision: number | null
  }>

export type ControlTip = Readonly<{ revision: number; eventId: string | null }>
export type Loaded = Readonly<{ events: readonly Recorded[]; control: ControlTip }>
export type Head = Readonly<{ position: number; control: ControlTip; recordedAt: string | null }>

/**
 * The log: one total order of events, in streams. Nothing is ever changed or removed, and no
 * method could. Every store passes test/conformance/event-store.ts.
 *
 * A rejection always means that the store could not be asked or did not answer. For an append the
 * outcome is then unknown: call again with the same events until it is known.
 */
export interface EventStore {
  /** `atomic`: no event judged at an outdated control revision is ever written. */
  readonly guarantee: 'atomic' | 'fenced'

  /**
   * Appends all events or none, after the stream's `expected` revision. Durable when it resolves.
   *
   * Concurrent appends to one stream: one wins, the others get `Conflict`. `Stale` means a control
   * event came after `controlRevision`. The same `callId` at the same place is `Appended` again,
   * with the position of the first time, and writes nothing.
   */
  appendDispatch(request: DispatchAppend): Promise<Appended | Conflict | Stale>

  /** The same for the stream `control`, which raises the control revision. Never waits in a queue. */
  appendControl(request: ControlAppend): Promise<Appended | Conflict>

  /**
   * The events of one stream after a revision (all of them for -1), in order, with the last control
   * event. Both are read after the call arrived: who sees an event knows every control event before it.
   */
  load(stream: string, afterRevision?: number): Promise<Loaded>

  /** Every event with `after < position <= until`, in position order, in bounded memory. */
  read(range: { after: number; until?: number; limit?: number }): AsyncIterable<Recorded>

  /** Like `read` without an end: waits for later events until `signal` aborts, then returns. */
  tail(from: { after: number; signal: AbortSignal }): AsyncIterable<Recorded>

  /** The tip of the log. An empty ledger is at position 0. */
  head(): Promise<Head>
}

/**
 * Fills an empty ledger with the events of another one, for `copy` alone: no server holds one. Every
 * event keeps its id, its time and its metadata.
 */
export interface Restore {
  /** In the order of the log, after what was restored before. All that a rejection leaves is a prefix. */
  restore(events: readonly Recorded[]): Promise<void>
}

export type { Plan } from '../domain/dispatch/plan.ts'

/** `holds` false or absent refuses the run. `seen` is stored for ever: no clocks, no durations. */
export type Evidence = Readonly<Record<string, Readonly<{ holds: boolean; seen: Json }>>>

export type Report = Readonly<{
  verdict: Verdict
  output: Json
  evidence: Evidence
  /** For metrics alone, never recorded. */
  stats: Readonly<{ durationMs: number }>
}>

/** Why there is no report. `not-json`: the output is nothing that can be recorded. */
export type FailureKind = 'threw' | 'timeout' | 'limit' | 'not-json'

/** The invocation gave no definite answer. `code` is short, stable text from the executor. */
export class ExecutorFailure extends Error {
  readonly failure: FailureKind
  readonly code: string

  constructor(failure: FailureKind, code: string, options?: ErrorOptions) {
    super(`${failure}: ${code}`, options)
    this.name = 'ExecutorFailure'
    this.failure = failure
    this.code = code
  }
}

/**
 * Invokes a target without mutating it. There is one verb and it is dry: no method of this port
 * could execute for real. Every executor passes test/conformance/executor.ts.
 */
export interface Executor {
  readonly type: string
  readonly sideEffects: 'none'
  /** Raised by its author when the same plan could give another output. */
  readonly build: number
  /** Whether it reaches out of this machine's hands: then what was judged is recorded before it runs. */
  readonly io: boolean

  /** What shows that it can only read where this plan leads, as seen now. Stored in the snapshot. */
  facts(plan: Plan): Promise<Json>

  /**
   * Invokes once and reports, or rejects with `ExecutorFailure`. Ends soon after `signal` aborts
   * (failure `timeout`), which it does when time is over and when the kill switch says HALTED; where
   * it reaches out, it reports all the same what it then knows of a mutation. Keeps the limits of
   * the plan. The same plan gives the same output.
   */
  dryRun(plan: Plan, signal: AbortSignal): Promise<Report>
}

/** The executors of this process by type. */
export type ExecutorRegistry = ReadonlyMap<string, Executor>

/** A stream together with the control fold, which is at least as new as the stream's last event. */
export interface FollowedLog {
  load(stream: string): Promise<{ events: readonly Recorded[]; control: ControlState }>
  /** The control fold alone, and the position of the log it was asked at. */
  current(): Promise<{ control: ControlState; position: number }>
}

/**
 * What the gates need to see beyond the command and the control fold, one function a gate that
 * needs any. A rejection means that the gate could not tell.
 */
export type Facts = Readonly<
  Partial<Record<GateName, (command: AskedCommand, control: ControlState) => Promise<Json>>>
>

/** How the golden cases of a contract compare with what its executor says today. */
export type BaselineResult = Readonly<{
  cases: number
  matched: number
  /** Of the cases, as they stand in the contract. */
  digest: string
  differing: readonly string[]
}>

/** Runs the golden cases of a contract. Rejects when an executor gave no definite answer in time. */
export type RunBaseline = (
  contract: Readonly<{ sha256: string; body: ContractBody }>,
  fixture: Readonly<{ sha256: string; body: FixtureBody }>,
  timeMs: number,
) => Promise<BaselineResult>

/** A caller that has shown a valid key. */
export type Caller = Readonly<{
  keyId: string
  scopes: readonly string[]
  /** Namespace prefixes it is limited to, as whole segments; empty means no limit. */
  namespacePrefixes: readonly (readonly string[])[]
}>

/** What a key is to be. Checked before it is made: a key is never changed afterwards. */
export type NewKey = Readonly<{
  name: string
  scopes: readonly string[]
  /** `DRYRUN-NS:…` texts; empty means no limit. */
  namespacePrefixes: readonly string[]
  expiresAt: Date | null
}>

/** A key as people see it: never its secret, never the hash. Times as in events. */
export type AccessKey = Readonly<{
  id: string
  name: string
  /** The role whose scopes these are, or null. */
  role: string | null
  scopes: readonly string[]
  namespacePrefixes: readonly string[]
  createdAt: string
  /** `key:<keyId>`, or `owner`: made at the database. */
  createdBy: string
  expiresAt: string | null
  revokedAt: string | null
  revokedBy: string | null
  /** Exact to the minute for other servers, to the request for this one. */
  lastUsedAt: string | null
}>

/** The access keys of the ledger. */
export interface AccessKeys {
  /** Makes a key; `key` is its text, which nothing can show again. `schema-invalid` if it may not be. */
  create(key: NewKey, actor: string): Promise<AccessKey & { readonly key: string }>
  /** The last made first, only those made before the key `after`. */
  list(page: { size: number; after: string | null }): Promise<readonly AccessKey[]>
  find(id: string): Promise<AccessKey | null>
  /** Revokes for ever; the first time counts. Null for an unknown id. */
  revoke(id: string, actor: string): Promise<AccessKey | null>
}

/** One read of the log, as auditors find it. */
export type AccessRecord = Readonly<{
  call: Call
  route: string
  /** The query as it was sent. */
  asked: unknown
  after: number
  /** Null for a live tail. */
  until: number | null
  /** Null where the answer is streamed. */
  count: number | null
}>

/** One call of a use case: who asks, and what ties its events together. */
export type Call = Readonly<{
  callId: string
  correlationId: string
  /** `key:<keyId>` */
  actor: string
}>

export type DispatchCall = Call &
  Readonly<{
    command: AskedCommand
    caller: Caller
    /** Told before an executor reaches out: what comes then is a wait for somebody else. */
    reachesOut?: () => void
  }>

/** The log lines of the ledger: ids, codes and durations; never params, outputs or keys. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** One thing that doctor looked at. `unknown`: it could not tell. `todo` is null where all is well. */
export type Finding = Readonly<{
  check: string
  status: 'ok' | 'warning' | 'problem' | 'unknown'
  found: string
  todo: string | null
}>
