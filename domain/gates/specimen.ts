import type { ManifestBody } from '../control/manifest.ts'
import {
  type ControlState,
  GLOBAL_SCOPE,
  manifestKey,
  type RegisteredManifest,
} from '../control/state.ts'
import type { AskedCommand } from '../dispatch/command.ts'

/**
 * A command and a control state in which every gate passes. Each negative control is this
 * specimen with one thing wrong, so that nothing but its own gate can be what refuses.
 */
export const SPECIMEN_COMMAND: AskedCommand = {
  contract: { id: 'specimen.contract', version: 1 },
  target: 'specimen/target',
  params: {},
  outputNamespace: 'DRYRUN-NS:specimen',
  occurrence: '',
  mode: 'DRY_RUN',
}

const DIGEST = `sha256:${'0'.repeat(64)}`

export const SPECIMEN_PINS = {
  contract: { version: 1, sha256: DIGEST },
  fixture: { version: 1, sha256: DIGEST },
  target: { version: 1, sha256: DIGEST },
} as const

const CONTRACT: ManifestBody = {
  kind: 'Contract',
  id: 'specimen.contract',
  version: 1,
  executor: 'simulator',
  targets: 'specimen/*',
  fixture: 'specimen.fixture@1',
  sideEffects: 'none',
  params: { type: 'object' },
  program: {},
  baseline: [{ name: 'specimen', params: {}, verdict: 'would_succeed', output: null }],
}
const FIXTURE: ManifestBody = { kind: 'Fixture', id: 'specimen.fixture', version: 1, data: null }
const TARGET: ManifestBody = {
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
    const registered = { kind, id, version, body, sha256: DIGEST }
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
