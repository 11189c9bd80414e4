import type { SwitchPosition } from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { ManifestRetired, SwitchState } from '../../domain/events.ts'
import type { NegativeControlResult } from '../../domain/gates/index.ts'
import type { Scope } from '../access/scopes.ts'
import type { ConsoleFile } from '../console-files.ts'
import type { CatalogueApplied } from '../control/apply-catalogue.ts'
import type { ReceivedManifest } from '../control/manifest.ts'
import type { DispatchAnswer } from '../dispatch/answer.ts'
import type { Explanation } from '../dispatch/explain.ts'
import type { SelfTestedGate } from '../dispatch/self-test.ts'
import type { OneTimeKey } from '../one-time-key.ts'
import type {
  AccessKeys,
  AccessRecord,
  Call,
  Caller,
  DispatchCall,
  EventStore,
  FollowedLog,
} from '../ports.ts'

/** A page of a read model, complete up to `position`. */
export type Page = Readonly<{
  rows: readonly unknown[]
  nextPageToken: string | null
  position: number
}>
export type PageQuery = Readonly<{
  pageSize: number
  pageToken: string | null
  /** As they were sent: the list reads them, and says where it cannot. */
  filter: string | null
  orderBy: string | null
  /** Namespaces at or below one of these alone; null for all. */
  within: readonly string[] | null
}>

/** A read model: how far it is, and what this process does for it. */
export type ProjectionReport = Readonly<{
  name: string
  version: number
  state: 'starting' | 'following' | 'standby' | 'stopped'
  detail: string
  position: number
  lag: Readonly<{ positions: number; seconds: number }>
}>

/** A view that analysts read, in the words of the comments that stand on it. */
export type AnalyticsView = Readonly<{
  name: string
  description: string
  columns: readonly Readonly<{ name: string; type: string; description: string }>[]
}>
/** Whole hours in milliseconds since 1970; null for what was not said. */
export type CallsQuery = Readonly<{
  afterMs: number | null
  untilMs: number | null
  pageSize: number
  pageToken: string | null
}>
/** Rows of hours that begin at `after` or later, and before `until`. */
export type CallsPage = Readonly<{
  after: string
  until: string
  /** What this server answered before that is in the rows. */
  asOf: string
  rows: readonly unknown[]
  nextPageToken: string | null
}>

/** Whether the server may answer, and every part that it looked at. */
export type Readiness = Readonly<{
  ready: boolean
  checks: Readonly<Record<string, Readonly<{ ok: boolean; detail: string }>>>
}>

/** What the door needs from the rest: the same use cases for every client. */
export type HttpPorts = Readonly<{
  version: string
  authenticate(authorization: string | undefined): Promise<Caller | null>
  keys: AccessKeys
  /** What the link to the console is worth. */
  oneTimeKey: OneTimeKey
  consoleFiles: readonly ConsoleFile[]
  /** Resolves once a read is noted. Before that nothing of the log is sent. */
  logAccess(record: AccessRecord): Promise<void>
  dispatch(call: DispatchCall): Promise<DispatchAnswer>
  explain(command: AskedCommand, caller: Caller): Promise<Explanation>
  ledger: FollowedLog
  store: Pick<EventStore, 'read' | 'tail' | 'head' | 'guarantee'>
  setSwitch(
    call: Call & { scope: string; state: SwitchState; reason: string },
  ): Promise<SwitchPosition>
  applyCatalogue(
    call: Call & { manifests: readonly ReceivedManifest[]; validateOnly: boolean },
  ): Promise<CatalogueApplied>
  retireManifest(
    call: Call & { manifest: ManifestRetired['data'] },
  ): Promise<{ appended: number; position: number }>
  list(name: 'dispatches' | 'refusals' | 'outputs', query: PageQuery): Promise<Page>
  projections(): Promise<readonly ProjectionReport[]>
  analytics: Readonly<{
    views(): Promise<readonly AnalyticsView[]>
    calls(query: CallsQuery): Promise<CallsPage>
  }>
  /** As they fired at boot: nothing is dispatched while one did not. */
  negativeControls: readonly NegativeControlResult[]
  readiness(): Promise<Readiness>
  /** In the text format of Prometheus. */
  metrics(): Promise<string>
  selfTest(): Promise<readonly SelfTestedGate[]>
}>

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What the key must hold: `any` for every valid key, null for what anybody may see. A route
     * without one does not start.
     */
    scope?: Scope | 'any' | null
    /** Let in whatever the load is: what stops the ledger, and what shows that it lives. */
    always?: true
    /** How deep the body may nest, where that is not as deep as everywhere. */
    jsonDepth?: number
  }
  interface FastifyRequest {
    caller: Caller | null
    /** Ends the turn of this request at the work of its key. */
    endTurn: (() => void) | undefined
    call: Call
    /** For the log line of this request. */
    facts: Record<string, unknown>
  }
}
