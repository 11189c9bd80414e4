import { type ContractBody, parseReference } from '../../../domain/control/manifest.ts'
import type { DispatchCommand } from '../../../domain/dispatch/command.ts'
import {
  firstNamespace,
  groupsOf,
  type Listed,
  type Shelf,
  targetsFor,
  usualVersion,
} from './catalogue.ts'
import type { Draft } from './draft.ts'
import { type Form, firstParams, formOf } from './form.ts'

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

/** What a draft leaves open is filled in: a target that fits, params that are known, a place of the key. */
export function trialOf(
  contract: ContractBody,
  draft: Draft,
  {
    registered,
    prefixes,
  }: Readonly<{ registered: readonly Listed[]; prefixes: readonly string[] }>,
): Trial {
  const form = formOf(contract.params)
  const targets = targetsFor(contract, registered)
  const command = {
    contract: { id: contract.id, version: contract.version },
    target: draft.target ?? targets[0] ?? contract.targets.replace(/\*$/, ''),
    params: draft.params ?? firstParams(form, contract.baseline?.[0]?.params),
    outputNamespace: draft.namespace ?? firstNamespace(prefixes, contract.id),
    occurrence: draft.occurrence,
  }
  return { contract, form, targets, command }
}
