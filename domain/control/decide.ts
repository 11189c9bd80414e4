import type { ControlEvent, ManifestRegistered, ManifestRetired, SwitchSet } from '../events.ts'
import { type ContractBody, type ManifestBody, parseReference } from './manifest.ts'
import { type ControlState, findManifest, versionsOf } from './state.ts'

/** Setting a scope to the state it has is already true: no event. */
export function decideSwitch(
  control: ControlState,
  asked: SwitchSet['data'],
): readonly ControlEvent[] {
  if (control.switches.get(asked.scope)?.state === asked.state) return []
  return [{ type: 'SwitchSet', data: asked }]
}

export type ManifestOutcome = 'new' | 'unchanged' | 'conflict' | 'invalid'

/** A manifest with the digest of its body, and what is wrong with it, if anything was found. */
export type CandidateManifest = Readonly<{
  body: ManifestBody
  sha256: string
  invalid?: string | undefined
}>
export type ManifestResult = Readonly<{
  kind: string
  id: string
  version: number
  outcome: ManifestOutcome
  code: 'manifest-conflict' | 'manifest-invalid' | null
  detail: string | null
}>
export type CatalogueDecision = Readonly<{
  results: readonly ManifestResult[]
  events: readonly ManifestRegistered[]
}>

/** All or nothing: one conflict or one invalid manifest leaves no event at all. */
export function decideCatalogue(
  control: ControlState,
  candidates: readonly CandidateManifest[],
): CatalogueDecision {
  const results = candidates.map((it, index) => judge(control, candidates, it, index))
  const acceptable = results.every((it) => it.outcome === 'new' || it.outcome === 'unchanged')
  const fresh = candidates.filter((_, index) => results[index]?.outcome === 'new')
  return { results, events: acceptable ? fresh.map(registered) : [] }
}

function registered({ body, sha256 }: CandidateManifest): ManifestRegistered {
  const { kind, id, version } = body
  return {
    type: 'ManifestRegistered',
    data: { kind, id, version, sha256, body },
  }
}

function judge(
  control: ControlState,
  all: readonly CandidateManifest[],
  candidate: CandidateManifest,
  index: number,
): ManifestResult {
  const { kind, id, version } = candidate.body
  const result = (
    outcome: ManifestOutcome,
    code: ManifestResult['code'],
    detail: string | null,
  ): ManifestResult => ({ kind, id, version, outcome, code, detail })
  if (candidate.invalid !== undefined) {
    return result('invalid', 'manifest-invalid', candidate.invalid)
  }
  const known = findManifest(control, candidate.body)
  const twin = all.slice(0, index).find((it) => sameVersion(it.body, candidate.body))
  const other = [known, twin].find((it) => it !== undefined && it.sha256 !== candidate.sha256)
  if (other !== undefined) {
    const detail = `${id}@${version} is registered with the content ${other.sha256}`
    return result('conflict', 'manifest-conflict', detail)
  }
  if (known !== undefined || twin !== undefined) return result('unchanged', null, null)
  if (candidate.body.kind === 'Contract' && !fixtureIsThere(control, all, candidate.body)) {
    const detail = `its fixture ${candidate.body.fixture} is neither registered nor in the request`
    return result('invalid', 'manifest-invalid', detail)
  }
  return result('new', null, null)
}

const sameVersion = (a: ManifestBody, b: ManifestBody): boolean =>
  a.kind === b.kind && a.id === b.id && a.version === b.version

function fixtureIsThere(
  control: ControlState,
  all: readonly CandidateManifest[],
  contract: ContractBody,
): boolean {
  const reference = parseReference(contract.fixture)
  if (reference === null) return false
  const { id, version } = reference
  return (
    findManifest(control, { kind: 'Fixture', id, version }) !== undefined ||
    all.some((it) => it.body.kind === 'Fixture' && it.body.id === id && it.body.version === version)
  )
}

/** `null` when there is no such manifest; a retired one stays retired. */
export function decideRetire(
  control: ControlState,
  asked: ManifestRetired['data'],
): readonly ControlEvent[] | null {
  const known = versionsOf(control, asked.kind, asked.id).find((it) => it.version === asked.version)
  if (known === undefined) return null
  return known.retiredRevision === null ? [{ type: 'ManifestRetired', data: asked }] : []
}
