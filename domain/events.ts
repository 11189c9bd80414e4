/**
 * Terminology. These words mean the same in code, docs, logs and answers.
 *
 * - rule              a promise of the Runner Safety Contract, 0 to 9
 * - gate              a pure judge that one or more rules rest on
 * - snapshot          what every gate of a stage said, carried by the event it justified
 * - seen              what a gate read beyond the command and the control stream, verbatim
 * - evidence          what an executor saw that shows nothing was mutated
 * - refusal           a judged "no": an event with a code, never a cached result
 * - advancing event   Planned, PreflightPassed, DryRunRecorded
 * - reached           the furthest advancing event of a dispatch, or null
 * - replay            a call that asks for what is recorded already: answered, never run again
 * - control           the one stream that decides what may pass: the switch and the catalogue
 * - revision          an event's place in its stream, from 0; -1 is the empty stream
 * - expected revision the revision a writer believes to be the last one
 * - control revision  the revision of the last event of `control` that a judgement used
 * - position          an event's place in the whole log; it only orders, gaps mean nothing
 * - void event        an advancing event that a control event overtook: it counts for nothing
 * - follower position how far a reader of the log has got
 *
 * The names and shapes below are the storage format. They are never renamed and never rewritten:
 * a new shape is a new schema version with an upcaster.
 */
import type { DispatchCommand, Mode } from './dispatch/command.ts'
import type { Json, JsonObject } from './json.ts'
import type { RefusalCode, Stage } from './refusal.ts'
import { KNOWN_RULES, type Snapshot } from './snapshot.ts'

export const SCHEMA_VERSION = 1

export type Pin = Readonly<{ version: number; sha256: string }>
/** What a plan was made against. Only the target can move: a version never changes. */
export type Pins = Readonly<{ contract: Pin; fixture: Pin; target: Pin }>
export type ExecutorStamp = Readonly<{ type: string; build: number }>
export type Verdict = 'would_succeed' | 'would_fail'

export type Planned = Readonly<{
  type: 'Planned'
  data: Readonly<{
    digest: string
    command: DispatchCommand
    mode: Mode
    pins: Pins
    snapshot: Snapshot
  }>
}>

export type PreflightPassed = Readonly<{
  type: 'PreflightPassed'
  data: Readonly<{ mode: Mode; executor: ExecutorStamp; snapshot: Snapshot }>
}>

export type DryRunRecorded = Readonly<{
  type: 'DryRunRecorded'
  data: Readonly<{
    mode: Mode
    verdict: Verdict
    output: Json
    outputDigest: string
    outputNamespace: string
    executor: ExecutorStamp
    snapshot: Snapshot
  }>
}>

/** `digest` and `command` stand only at stream revision 0, where no `Planned` came before. */
export type Refused = Readonly<{
  type: 'Refused'
  data: Readonly<{
    mode: Mode
    code: RefusalCode
    rule: number
    stage: Stage
    snapshot: Snapshot
    digest?: string
    command?: DispatchCommand
  }>
}>

export type SwitchState = 'DRY_RUN_ONLY' | 'HALTED'

export type SwitchSet = Readonly<{
  type: 'SwitchSet'
  data: Readonly<{ scope: string; state: SwitchState; reason: string }>
}>

export type ManifestKind = 'Contract' | 'Fixture' | 'Target'

/** `body` is the manifest as received, nothing filled in; `sha256` is the digest of its JCS text. */
export type ManifestRegistered = Readonly<{
  type: 'ManifestRegistered'
  data: Readonly<{
    kind: ManifestKind
    id: string
    version: number
    sha256: string
    body: JsonObject
  }>
}>

export type ManifestRetired = Readonly<{
  type: 'ManifestRetired'
  data: Readonly<{ kind: ManifestKind; id: string; version: number }>
}>

export type AdvancingEvent = Planned | PreflightPassed | DryRunRecorded
export type AdvancingType = AdvancingEvent['type']
export type DispatchEvent = AdvancingEvent | Refused
export type ControlEvent = SwitchSet | ManifestRegistered | ManifestRetired
export type LedgerEvent = DispatchEvent | ControlEvent

export type EventMetadata = Readonly<{
  callId: string
  correlationId: string
  actor: string
  schemaVersion: number
}>

/**
 * An event as read back. `recordedAt` is `YYYY-MM-DDTHH:MM:SS.mmmZ`; `stream` has no prefix. `void`
 * is there only where it is true: see isVoid.
 */
export type Recorded<E extends LedgerEvent = LedgerEvent> = E &
  Readonly<{
    id: string
    stream: string
    revision: number
    position: number
    recordedAt: string
    metadata: EventMetadata
    void?: true
  }>

export const ADVANCING: readonly AdvancingType[] = ['Planned', 'PreflightPassed', 'DryRunRecorded']

/** Every event type this process can read, with the schema versions it knows. */
export const KNOWN_EVENTS: Readonly<Record<LedgerEvent['type'], readonly number[]>> = {
  Planned: [1],
  PreflightPassed: [1],
  DryRunRecorded: [1],
  Refused: [1],
  SwitchSet: [1],
  ManifestRegistered: [1],
  ManifestRetired: [1],
}

export const isAdvancing = (event: LedgerEvent): event is AdvancingEvent =>
  (ADVANCING as readonly string[]).includes(event.type)

/** Why this process cannot read an event, or null when it can. What it does not know it never skips. */
export function whyUnreadable(event: Recorded): string | null {
  const versions: readonly number[] | undefined = Object.hasOwn(KNOWN_EVENTS, event.type)
    ? KNOWN_EVENTS[event.type]
    : undefined
  const { schemaVersion } = event.metadata
  if (versions === undefined) return `the event type ${event.type} is not known`
  if (!versions.includes(schemaVersion)) {
    return `version ${schemaVersion} of ${event.type} is not known`
  }
  if (!('snapshot' in event.data)) return null
  const { rules } = event.data.snapshot
  return KNOWN_RULES.includes(rules) ? null : `rules ${rules} are not known`
}
