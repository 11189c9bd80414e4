/** One comparison of a filter, as a chip shows it. */
export type Chip = Readonly<{ field: string; operator: string; value: string }>

export const OPERATORS = ['=', '!=', ':', '<', '<=', '>', '>='] as const

const COMPARISON =
  /\s*([A-Za-z][A-Za-z.]*)\s*(!=|<=|>=|=|:|<|>)\s*("(?:[^"\\]|\\.)*"|[^\s()"]+)\s*/y
const AND = /AND\s/y

/**
 * The comparisons of a filter that only joins them by AND, in order; null for any other, which is
 * shown as the text it is. What is right is for the server to say.
 */
export function chipsOf(filter: string): readonly Chip[] | null {
  const chips: Chip[] = []
  let at = 0
  while (at < filter.length) {
    COMPARISON.lastIndex = at
    const [text, field, operator, value] = COMPARISON.exec(filter) ?? []
    if (text === undefined || field === undefined || operator === undefined) return null
    chips.push({ field, operator, value: unquoted(value ?? '') })
    at += text.length
    if (at === filter.length) return chips
    AND.lastIndex = at
    if (!AND.test(filter)) return null
    at = AND.lastIndex
    if (at === filter.length) return null
  }
  return chips
}

export const filterOf = (chips: readonly Chip[]): string =>
  chips.map(({ field, operator, value }) => `${field} ${operator} ${quoted(value)}`).join(' AND ')

/** Numbers and plain words stand as they are. */
const quoted = (value: string): string =>
  /^(?:[0-9]+|\*)$/.test(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value
  return value.slice(1, -1).replace(/\\(.)/gs, '$1')
}
