import { useMemo } from 'preact/hooks'
import type { ContractBody } from '../../../domain/control/manifest.ts'
import { parseReference } from '../../../domain/control/manifest.ts'
import type { DispatchCommand } from '../../../domain/dispatch/command.ts'
import { type Resource, useResource } from '../resource.ts'
import { me } from '../session.ts'
import {
  firstNamespace,
  groupsOf,
  type Listed,
  manifestUrl,
  type Shelf,
  shelvesOf,
  targetsFor,
  usualVersion,
} from './catalogue.ts'
import type { Draft } from './draft.ts'
import { type Form, firstParams, formOf } from './form.ts'

export type Catalogue = Readonly<{ manifests: readonly Listed[] }>
type Registered = Readonly<{ body: ContractBody }>

export type Chosen = Readonly<{ shelf: Shelf; listed: Listed }>

/** The contract that a draft names, or the first one where it names none. Null: there is no such one. */
export function chosenOf(shelves: readonly Shelf[], reference: string | null): Chosen | null {
  if (reference === null) {
    const first = groupsOf(shelves, '')[0]?.shelves[0]
    return first === undefined ? null : { shelf: first, listed: usualVersion(first) }
  }
  const named = parseReference(reference)
  const shelf = shelves.find(({ id }) => id === named?.id)
  const listed = shelf?.versions.find(({ version }) => version === named?.version)
  return shelf === undefined || listed === undefined ? null : { shelf, listed }
}

/** What stands on the form of a contract, and the command that it makes. */
export type Trial = Readonly<{
  contract: ContractBody
  form: Form
  targets: readonly string[]
  command: DispatchCommand
}>

export function useShelves({ manifests }: Catalogue): readonly Shelf[] {
  return useMemo(() => shelvesOf(manifests), [manifests])
}

/** Null until the contract and the targets are there. */
export function useTrial(
  listed: Listed | null,
  draft: Draft,
): Readonly<{ trial: Trial | null; waitsFor: Resource<unknown> }> {
  const contract = useResource<Registered>(listed === null ? null : manifestUrl(listed))
  const targets = useResource<Catalogue>('/v1/catalogue?kind=target')
  const body = contract.answer?.body.body ?? null
  const registered = targets.answer?.body.manifests ?? null
  const trial = useMemo(
    () => (body === null || registered === null ? null : trialOf(body, registered, draft)),
    [body, registered, draft],
  )
  return { trial, waitsFor: contract.answer === null ? contract : targets }
}

function trialOf(contract: ContractBody, registered: readonly Listed[], draft: Draft): Trial {
  const form = formOf(contract.params)
  const targets = targetsFor(contract, registered)
  const command = {
    contract: { id: contract.id, version: contract.version },
    target: draft.target ?? targets[0] ?? contract.targets.replace(/\*$/, ''),
    params: draft.params ?? firstParams(form, contract.baseline?.[0]?.params),
    outputNamespace:
      draft.namespace ?? firstNamespace(me.value?.namespacePrefixes ?? [], contract.id),
    occurrence: draft.occurrence,
  }
  return { contract, form, targets, command }
}
