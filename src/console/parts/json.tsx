import type { ComponentChild } from 'preact'

/** Members that fit on one line stay on it. */
const LINE_LENGTH = 84

/** JSON as text with its kinds told apart. Text of others is text here: nothing of it is ever markup. */
export function Json({ value, wrap = false }: Readonly<{ value: unknown; wrap?: boolean }>) {
  return <pre class={wrap ? 'block wrap' : 'block'}>{jsonText(value)}</pre>
}

export function jsonText(value: unknown, depth = 0): ComponentChild {
  if (value === null || typeof value !== 'object') {
    const kind = value === null ? 'null' : typeof value
    return <span class={`j-${kind}`}>{JSON.stringify(value)}</span>
  }
  const isList = Array.isArray(value)
  const entries = Object.entries(value)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (entries.length === 0) return `${open}${close}`
  const onOneLine = isFlat(value)
  const pad = '  '.repeat(depth + 1)
  const members = entries.map(([key, member], at) => (
    <>
      {at === 0 ? '' : onOneLine ? ', ' : ',\n'}
      {onOneLine ? '' : pad}
      {isList ? '' : <span class="j-key">{JSON.stringify(key)}</span>}
      {isList ? '' : ': '}
      {jsonText(member, depth + 1)}
    </>
  ))
  if (onOneLine)
    return isList ? (
      <>[{members}]</>
    ) : (
      <>
        {'{ '}
        {members}
        {' }'}
      </>
    )
  return (
    <>
      {open}
      {'\n'}
      {members}
      {'\n'}
      {'  '.repeat(depth)}
      {close}
    </>
  )
}

function isFlat(value: object): boolean {
  const holdsNothing = Object.values(value).every((it) => it === null || typeof it !== 'object')
  return holdsNothing && JSON.stringify(value).length < LINE_LENGTH
}
