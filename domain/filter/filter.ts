/**
 * What a filter says of a row. A comparison with a field that a row has not is false; `not` turns
 * it round, so `a` and `not a` always have all rows between them.
 */
export type Filter =
  | Readonly<{ kind: 'and'; parts: readonly Filter[] }>
  | Readonly<{ kind: 'or'; parts: readonly Filter[] }>
  | Readonly<{ kind: 'not'; part: Filter }>
  | Comparison
  | Readonly<{ kind: 'present'; field: string }>

/** `within`: at or below a namespace, by whole segments. */
export type Comparison = Readonly<{
  kind: 'comparison'
  field: string
  operator: '=' | '<' | '<=' | '>' | '>=' | 'within'
  value: string | number
}>

const ALTERNATIVES_MAX = 16

/**
 * A filter as alternatives that each hold no `or`: whoever knows the first rows of each knows the
 * first rows of all. One that would have too many stays as it is.
 */
export function alternativesOf(filter: Filter): readonly Filter[] {
  const found = spread(filter, true)
  return found === null ? [filter] : found.map((parts) => ({ kind: 'and', parts }))
}

/** Sums of products: for each alternative its comparisons, with `not` on them alone. */
function spread(filter: Filter, holds: boolean): readonly (readonly Filter[])[] | null {
  if (filter.kind === 'not') return spread(filter.part, !holds)
  if (filter.kind !== 'and' && filter.kind !== 'or') {
    return [[holds ? filter : { kind: 'not', part: filter }]]
  }
  const isSum = (filter.kind === 'or') === holds
  let all: readonly (readonly Filter[])[] = isSum ? [] : [[]]
  for (const part of filter.parts) {
    const more = spread(part, holds)
    if (more === null) return null
    all = isSum ? [...all, ...more] : all.flatMap((one) => more.map((it) => [...one, ...it]))
    if (all.length > ALTERNATIVES_MAX) return null
  }
  return all
}
