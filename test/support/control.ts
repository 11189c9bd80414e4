import { evolveControl } from '../../domain/control/evolve.ts'
import { type ControlState, EMPTY_CONTROL, GLOBAL_SCOPE } from '../../domain/control/state.ts'
import type { ControlEvent, ManifestKind, Recorded, SwitchState } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import type { JsonObject } from '../../domain/json.ts'
import { digestOf } from '../../src/identity.ts'
import { SAMPLE_CATALOGUE } from './sample.ts'

/** Control states are folded from events here, as a process does it, and never made by hand. */
export const controlOf = (...events: readonly ControlEvent[]): ControlState =>
  evolveControl(EMPTY_CONTROL, recordedControl(events))

/** The same events as a store would give them back, the first at revision `from`. */
export const recordedControl = (
  events: readonly ControlEvent[],
  from = 0,
): readonly Recorded<ControlEvent>[] =>
  events.map((event, index) => ({
    ...event,
    id: `control-${from + index}`,
    stream: CONTROL_STREAM,
    revision: from + index,
    position: 10 * (from + index) + 1,
    recordedAt: '2026-01-01T00:00:00.000Z',
    metadata: { callId: 'call', correlationId: 'trace', actor: 'key:operator', schemaVersion: 1 },
  }))

export const switchSet = (state: SwitchState, scope = GLOBAL_SCOPE): ControlEvent => ({
  type: 'SwitchSet',
  data: { scope, state, reason: `a test says ${state}` },
})

/** The registration of a manifest, with the digest of what it says. */
export const registered = (body: JsonObject): ControlEvent => ({
  type: 'ManifestRegistered',
  data: {
    kind: body['kind'] as ManifestKind,
    id: body['id'] as string,
    version: body['version'] as number,
    sha256: digestOf(body),
    body,
  },
})

export const retired = (kind: ManifestKind, id: string, version = 1): ControlEvent => ({
  type: 'ManifestRetired',
  data: { kind, id, version },
})

/** Released at 0, and the sample catalogue: target at 1, fixture at 2, contract at 3. */
export const READY: readonly ControlEvent[] = [
  switchSet('DRY_RUN_ONLY'),
  ...SAMPLE_CATALOGUE.map(registered),
]
export const READY_REVISION = { switch: 0, target: 1, fixture: 2, contract: 3 } as const

/** The ready state with more events after it: the next one has revision 4. */
export const readyAnd = (...events: readonly ControlEvent[]): ControlState =>
  controlOf(...READY, ...events)
