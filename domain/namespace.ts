import { LIMITS } from './limits.ts'

/** `namespace-production`: not a dry-run namespace at all. `namespace-invalid`: a malformed one. */
export type NamespaceRefusal = 'namespace-production' | 'namespace-invalid'
export type ParsedNamespace =
  | { readonly ok: true; readonly segments: readonly string[] }
  | { readonly ok: false; readonly code: NamespaceRefusal }

export const NAMESPACE_PREFIX = 'DRYRUN-NS:'
const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,62}$/
const SEGMENTS_MAX = 8

/**
 * Parses an output namespace into its segments, once. ASCII, exact case; the text is never
 * trimmed, normalised or decoded, and the segments are never joined again.
 */
export function parseNamespace(text: string): ParsedNamespace {
  if (!text.startsWith(NAMESPACE_PREFIX)) return { ok: false, code: 'namespace-production' }
  const segments = text.slice(NAMESPACE_PREFIX.length).split('/')
  const sound =
    text.length <= LIMITS.namespaceLength &&
    segments.length <= SEGMENTS_MAX &&
    segments.every((segment) => SEGMENT.test(segment) && !segment.includes('..'))
  return sound ? { ok: true, segments } : { ok: false, code: 'namespace-invalid' }
}

/** Whether a namespace lies at or below a prefix. Whole segments: `a/b` is not below `a/bc`. */
export function isWithin(namespace: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((segment, index) => namespace[index] === segment)
}

/** Whether a key with these prefixes may use a namespace: none is no limit. What is malformed lies nowhere. */
export function isWithinAny(text: string, prefixes: readonly (readonly string[])[]): boolean {
  if (prefixes.length === 0) return true
  const parsed = parseNamespace(text)
  return parsed.ok && prefixes.some((prefix) => isWithin(parsed.segments, prefix))
}
