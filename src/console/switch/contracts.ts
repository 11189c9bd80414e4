import { useResource } from '../resource.ts'
import { may } from '../session.ts'
import { type ContractKind, contractsOf, type Manifest } from './scopes.ts'

const EVERY_MS = 60_000

/** The contracts of the catalogue, of which there are none for a key that may not read it. */
export function useContracts(): readonly ContractKind[] {
  const catalogue = useResource<Readonly<{ manifests: readonly Manifest[] }>>(
    may('catalogue:read') ? '/v1/catalogue' : null,
    EVERY_MS,
  )
  return contractsOf(catalogue.answer?.body.manifests ?? [])
}
