import { type ContractBody, targetMatches } from '../../../domain/control/manifest.ts'

/** A manifest as the catalogue lists it. */
export type Listed = Readonly<{
  kind: string
  id: string
  version: number
  executor?: string
  targets?: string
  retired: boolean
}>

/** All versions of one contract, the newest first. */
export type Shelf = Readonly<{ id: string; versions: readonly [Listed, ...Listed[]] }>
export type Group = Readonly<{ title: string; shelves: readonly Shelf[] }>

export const referenceOf = ({ id, version }: Pick<Listed, 'id' | 'version'>): string =>
  `${id}@${version}`

export const manifestUrl = ({ id, version }: Pick<Listed, 'id' | 'version'>): string =>
  `/v1/catalogue/contract/${encodeURIComponent(id)}/${version}`

/** The version that is meant where none is named: the newest that is not retired, if any is. */
export const usualVersion = ({ versions }: Shelf): Listed =>
  versions.find((it) => !it.retired) ?? versions[0]

export function shelvesOf(contracts: readonly Listed[]): readonly Shelf[] {
  return grouped(contracts, ({ id }) => id).map(([id, all]) => ({
    id,
    versions: all.toSorted((a, b) => b.version - a.version) as [Listed, ...Listed[]],
  }))
}

/** The runner that a contract is written for: the first part of its targets. */
const runnerOf = ({ targets = '' }: Listed): string => targets.split('/')[0] ?? ''

const titleOf = (shelf: Shelf): string => {
  const listed = usualVersion(shelf)
  return `${runnerOf(listed)} · ${listed.executor ?? ''}`
}

/** The shelves whose id, runner or executor has a text in it, by runner and executor, in their order. */
export function groupsOf(shelves: readonly Shelf[], find: string): readonly Group[] {
  const wanted = find.trim().toLowerCase()
  const found = shelves.filter((it) => `${it.id} ${titleOf(it)}`.toLowerCase().includes(wanted))
  return grouped(found, titleOf).map(([title, of]) => ({
    title,
    shelves: of.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  }))
}

/** In the order in which each group is first met. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): (readonly [string, T[]])[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return [...groups]
}

/** The targets that a contract may be dispatched to: registered, matched, of its executor type. */
export function targetsFor(
  { targets, executor }: Pick<ContractBody, 'targets' | 'executor'>,
  registered: readonly Listed[],
): readonly string[] {
  const ids = registered
    .filter((it) => !it.retired && it.executor === executor && targetMatches(targets, it.id))
    .map(({ id }) => id)
  return [...new Set(ids)].toSorted()
}

/** Where the output goes unless somebody names another place: below the first one of the key. */
export const firstNamespace = (prefixes: readonly string[], contract: string): string =>
  `${prefixes[0] ?? 'DRYRUN-NS:try'}/${contract.split('/').at(-1) ?? contract}`
