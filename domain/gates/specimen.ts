import type { ContractBody, FixtureBody, ManifestBody, TargetBody } from '../control/manifest.ts'
import {
  type ControlState,
  GLOBAL_SCOPE,
  manifestKey,
  type RegisteredManifest,
} from '../control/state.ts'
import type { AskedCommand } from '../dispatch/command.ts'
import type { Pins, Planned, Recorded } from '../events.ts'

/**
 * A command and a control state in which every gate passes. Each negative control is this
 * specimen with one thing wrong, so that nothing but its own gate can be what refuses.
 *
 * It is a command that a server could be sent: what the control shows a gate is also what a server
 * sees that gathers its facts about it. The self-test does so.
 */
export const SPECIMEN_COMMAND: AskedCommand = {
  contract: { id: 'specimen.contract', version: 1 },
  target: 'specimen/target',
  params: {},
  outputNamespace: 'DRYRUN-NS:specimen',
  occurrence: '',
  mode: 'DRY_RUN',
}

/** Not of the content, but as different as the versions: what is kept by digest keeps them apart. */
const digestOf = (version: number): string => `sha256:${String(version).padStart(64, '0')}`

const PIN = { version: 1, sha256: digestOf(1) }
export const SPECIMEN_PINS = { contract: PIN, fixture: PIN, target: PIN } as const

const CONTRACT: ContractBody = {
  kind: 'Contract',
  id: 'specimen.contract',
  version: 1,
  executor: 'simulator',
  targets: 'specimen/*',
  fixture: 'specimen.fixture@1',
  sideEffects: 'none',
  params: { type: 'object', additionalProperties: false },
  program: { jsonata: '{ "verdict": "would_succeed", "output": null }' },
  baseline: [{ name: 'specimen', params: {}, verdict: 'would_succeed', output: null }],
}
const FIXTURE: FixtureBody = { kind: 'Fixture', id: 'specimen.fixture', version: 1, data: null }
const TARGET: TargetBody = {
  kind: 'Target',
  id: 'specimen/target',
  version: 1,
  executor: 'simulator',
}

/** The specimen's control state, with manifests replaced or the switch left out. */
export function specimenControl(
  change: { manifests?: readonly ManifestBody[]; halted?: boolean } = {},
): ControlState {
  const bodies = change.manifests ?? [CONTRACT, FIXTURE, TARGET]
  const manifests = new Map<string, readonly RegisteredManifest[]>()
  for (const [index, body] of bodies.entries()) {
    const { kind, id, version } = body
    const registered = { kind, id, version, body, sha256: digestOf(version) }
    manifests.set(manifestKey(kind, id), [
      { ...registered, revision: index + 1, retiredRevision: null },
    ])
  }
  const position = {
    state: change.halted === true ? ('HALTED' as const) : ('DRY_RUN_ONLY' as const),
    reason: 'specimen',
    revision: 0,
    position: 1,
    eventId: '',
    recordedAt: '1970-01-01T00:00:00.000Z',
    actor: 'key:specimen',
  }
  return { revision: bodies.length, switches: new Map([[GLOBAL_SCOPE, position]]), manifests }
}

export const SPECIMEN_MANIFESTS = { contract: CONTRACT, fixture: FIXTURE, target: TARGET } as const

/** A specimen that was planned with these pins. */
export const specimenPlanned = (pins: Pins): Recorded<Planned> => ({
  type: 'Planned',
  id: '',
  stream: '',
  revision: 0,
  position: 1,
  recordedAt: '1970-01-01T00:00:00.000Z',
  metadata: { callId: '', correlationId: '', actor: 'key:specimen', schemaVersion: 1 },
  data: {
    digest: digestOf(0),
    command: SPECIMEN_COMMAND,
    mode: 'PLAN_ONLY',
    pins,
    snapshot: { rules: 1, controlRevision: 0, gates: [] },
  },
})
