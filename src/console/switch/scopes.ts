import { plural } from '../words.ts'

/** A contract in all its versions, by the executor that one of them names. */
export type ContractKind = Readonly<{ id: string; executor: string }>

export type Manifest = Readonly<{ kind: string; id: string; executor?: string }>

/** The contracts of a catalogue, each once for every executor that a version of it names. */
export function contractsOf(manifests: readonly Manifest[]): readonly ContractKind[] {
  const kinds = manifests.flatMap(({ kind, id, executor }) =>
    kind === 'Contract' && executor !== undefined ? [{ id, executor }] : [],
  )
  return [...new Map(kinds.map((it) => [`${it.executor} ${it.id}`, it])).values()]
}

/** Whether calls of a contract stand under a scope. */
export function covers(
  scope: string,
  contractId: string,
  contracts: readonly ContractKind[],
): boolean {
  if (scope === 'global' || scope === `contract:${contractId}`) return true
  return contracts.some(({ id, executor }) => id === contractId && scope === `executor:${executor}`)
}

/** Whether a call can stand under both scopes. */
export const meet = (one: string, other: string, contracts: readonly ContractKind[]): boolean =>
  one === other ||
  [one, other].includes('global') ||
  contracts.some(({ id }) => covers(one, id, contracts) && covers(other, id, contracts))

type Choices = Readonly<{ title: string; scopes: readonly string[] }>

/** What can be set, in groups: those that were set, and those that the catalogue names. */
export function scopesToChoose(
  set: readonly string[],
  contracts: readonly ContractKind[],
): readonly Choices[] {
  const first = [...new Set(['global', ...set])]
  const others = (scopes: readonly string[]) =>
    [...new Set(scopes)].filter((it) => !first.includes(it)).toSorted()
  return [
    { title: 'Set before', scopes: first },
    { title: 'Executors', scopes: others(contracts.map((it) => `executor:${it.executor}`)) },
    { title: 'Contracts', scopes: others(contracts.map((it) => `contract:${it.id}`)) },
  ].filter(({ scopes }) => scopes.length > 0)
}

const NAMED_MAX = 3

/** Which dispatches a scope is about, in words. */
export function reachInWords(scope: string, contracts: readonly ContractKind[]): string {
  const ids = [...new Set(contracts.map((it) => it.id))]
  if (scope === 'global') {
    return `every dispatch, ${plural(ids.length, 'registered contract')} and whatever else is asked for`
  }
  const under = ids.filter((id) => covers(scope, id, contracts))
  if (scope.startsWith('contract:') && under.length > 0) {
    return `dispatches of ${scope.slice('contract:'.length)}, in all its versions`
  }
  if (under.length === 0) return 'no registered contract'
  const named = under.slice(0, NAMED_MAX).join(', ')
  const rest = under.length - NAMED_MAX
  return `dispatches of ${plural(under.length, 'contract')}: ${named}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** Scopes that are halted and have calls in common with this one: they refuse on when it is released. */
export const haltedBeside = (
  scope: string,
  halted: readonly string[],
  contracts: readonly ContractKind[],
): readonly string[] => halted.filter((it) => it !== scope && meet(it, scope, contracts))

export type Verb = 'halt' | 'release'

export const phraseOf = (verb: Verb, scope: string): string => `${verb} ${scope}`
