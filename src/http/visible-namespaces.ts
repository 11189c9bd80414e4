import { isWithin, NAMESPACE_PREFIX, parseNamespace } from '../../domain/namespace.ts'
import { LedgerError } from '../errors.ts'
import type { Caller } from '../ports.ts'

/**
 * The namespace prefixes below which a caller sees what it asks for: null is everything, none is
 * nothing. A key that is limited to namespaces sees no other, in whatever it reads.
 */
export function visibleOf(
  { namespacePrefixes }: Caller,
  asked: string | undefined,
): readonly string[] | null {
  const wanted = asked === undefined ? [] : segmentsOf(asked)
  if (namespacePrefixes.length === 0) return wanted.length === 0 ? null : [textOf(wanted)]
  return namespacePrefixes.flatMap((prefix) => {
    if (isWithin(wanted, prefix)) return [textOf(wanted)]
    return isWithin(prefix, wanted) ? [textOf(prefix)] : []
  })
}

function segmentsOf(namespace: string): readonly string[] {
  const parsed = parseNamespace(namespace)
  if (parsed.ok) return parsed.segments
  throw new LedgerError(
    'schema-invalid',
    'namespace takes a prefix of whole segments: DRYRUN-NS:a/b',
  )
}

/** Of segments that passed the grammar: none of them holds a slash, so no two texts are alike. */
const textOf = (segments: readonly string[]): string => NAMESPACE_PREFIX + segments.join('/')
