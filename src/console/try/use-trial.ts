import { useMemo } from 'preact/hooks'
import type { ContractBody } from '../../../domain/control/manifest.ts'
import { type Resource, useResource } from '../resource.ts'
import { me } from '../session.ts'
import { type Listed, manifestUrl, type Shelf, shelvesOf } from './catalogue.ts'
import type { Draft } from './draft.ts'
import { type Trial, trialOf } from './trial.ts'

export type Catalogue = Readonly<{ manifests: readonly Listed[] }>
type Registered = Readonly<{ body: ContractBody }>

export const useShelves = ({ manifests }: Catalogue): readonly Shelf[] =>
  useMemo(() => shelvesOf(manifests), [manifests])

/** The trial of a draft, the same one as long as nothing changes. Null until all of it is there. */
export function useTrial(
  listed: Listed | null,
  draft: Draft,
): Readonly<{ trial: Trial | null; waitsFor: Resource<unknown> }> {
  const contract = useResource<Registered>(listed === null ? null : manifestUrl(listed))
  const targets = useResource<Catalogue>('/v1/catalogue?kind=target')
  const body = contract.answer?.body.body ?? null
  const registered = targets.answer?.body.manifests ?? null
  const prefixes = me.value?.namespacePrefixes
  const trial = useMemo(() => {
    if (body === null || registered === null) return null
    return trialOf(body, draft, { registered, prefixes: prefixes ?? [] })
  }, [body, registered, draft, prefixes])
  return { trial, waitsFor: contract.answer === null ? contract : targets }
}
