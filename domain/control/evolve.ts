import type { ControlEvent, ManifestRetired, Recorded } from '../events.ts'
import type { ManifestBody } from './manifest.ts'
import { type ControlState, manifestKey, type RegisteredManifest } from './state.ts'

/** Folds the next events of `control` into a new state. It never fails and never looks outside. */
export function evolveControl(
  state: ControlState,
  events: readonly Recorded<ControlEvent>[],
): ControlState {
  const switches = new Map(state.switches)
  const manifests = new Map(state.manifests)
  for (const event of events) apply(event, switches, manifests)
  return { revision: events.at(-1)?.revision ?? state.revision, switches, manifests }
}

function apply(
  event: Recorded<ControlEvent>,
  switches: Map<string, ControlState['switches'] extends ReadonlyMap<string, infer P> ? P : never>,
  manifests: Map<string, readonly RegisteredManifest[]>,
): void {
  switch (event.type) {
    case 'SwitchSet': {
      const { scope, state, reason } = event.data
      const { revision, position, id: eventId, recordedAt, metadata } = event
      const actor = metadata.actor
      switches.set(scope, { state, reason, revision, position, eventId, recordedAt, actor })
      return
    }
    case 'ManifestRegistered': {
      const { kind, id, version, sha256, body } = event.data
      const key = manifestKey(kind, id)
      const registered: RegisteredManifest = {
        kind,
        id,
        version,
        sha256,
        body: body as unknown as ManifestBody,
        revision: event.revision,
        retiredRevision: null,
      }
      manifests.set(key, [...(manifests.get(key) ?? []), registered])
      return
    }
    case 'ManifestRetired':
      return retire(event, manifests)
  }
}

function retire(
  { data, revision }: Recorded<ManifestRetired>,
  manifests: Map<string, readonly RegisteredManifest[]>,
): void {
  const key = manifestKey(data.kind, data.id)
  const versions = manifests.get(key) ?? []
  const retired = versions.map((it) =>
    it.version === data.version ? { ...it, retiredRevision: revision } : it,
  )
  manifests.set(key, retired)
}
