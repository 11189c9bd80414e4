import type { ManifestKind, Pins, SwitchState } from '../events.ts'
import {
  type ContractBody,
  type ManifestBody,
  parseReference,
  type TargetBody,
} from './manifest.ts'

/** The switch of one scope as last set. `revision` is that of its `SwitchSet`. */
export type SwitchPosition = Readonly<{
  state: SwitchState
  reason: string
  revision: number
  position: number
  eventId: string
  recordedAt: string
  actor: string
}>

export type RegisteredManifest<B extends ManifestBody = ManifestBody> = Readonly<{
  kind: ManifestKind
  id: string
  version: number
  sha256: string
  body: B
  /** Control revision of its registration. */
  revision: number
  /** Control revision of its retirement, or null. */
  retiredRevision: number | null
}>

/** The fold of the stream `control`. One judgement uses one immutable value of it. */
export type ControlState = Readonly<{
  revision: number
  switches: ReadonlyMap<string, SwitchPosition>
  /** All versions by `Kind:id`, oldest registration first. */
  manifests: ReadonlyMap<string, readonly RegisteredManifest[]>
}>

export const EMPTY_CONTROL: ControlState = {
  revision: -1,
  switches: new Map(),
  manifests: new Map(),
}

export const GLOBAL_SCOPE = 'global'

export const manifestKey = (kind: ManifestKind, id: string): string => `${kind}:${id}`

export const versionsOf = (
  control: ControlState,
  kind: ManifestKind,
  id: string,
): readonly RegisteredManifest[] => control.manifests.get(manifestKey(kind, id)) ?? []

export function findManifest(
  control: ControlState,
  ref: { readonly kind: ManifestKind; readonly id: string; readonly version: number },
): RegisteredManifest | undefined {
  return versionsOf(control, ref.kind, ref.id).find((it) => it.version === ref.version)
}

export const findContract = (
  control: ControlState,
  contract: { readonly id: string; readonly version: number },
): RegisteredManifest<ContractBody> | undefined =>
  findManifest(control, { kind: 'Contract', ...contract }) as
    | RegisteredManifest<ContractBody>
    | undefined

/** The fixture a contract names, retired or not. */
export function findFixture(
  control: ControlState,
  contract: ContractBody,
): RegisteredManifest | undefined {
  const reference = parseReference(contract.fixture)
  return reference === null ? undefined : findManifest(control, { kind: 'Fixture', ...reference })
}

/** A command's target means its newest registered version that is not retired. */
export function newestTarget(
  control: ControlState,
  id: string,
): RegisteredManifest<TargetBody> | undefined {
  const open = versionsOf(control, 'Target', id).filter((it) => it.retiredRevision === null)
  return open.reduce<RegisteredManifest | undefined>(
    (newest, it) => (newest === undefined || it.version > newest.version ? it : newest),
    undefined,
  ) as RegisteredManifest<TargetBody> | undefined
}

/** What a plan of this command would pin, or null while a part is missing. */
export function resolvePins(
  control: ControlState,
  command: { readonly contract: { id: string; version: number }; readonly target: string },
): Pins | null {
  const contract = findContract(control, command.contract)
  const fixture = contract && findFixture(control, contract.body)
  const target = newestTarget(control, command.target)
  if (!contract || !fixture || !target) return null
  const pin = ({ version, sha256 }: RegisteredManifest) => ({ version, sha256 })
  return { contract: pin(contract), fixture: pin(fixture), target: pin(target) }
}
