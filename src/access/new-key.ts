import { parseNamespace } from '../../domain/namespace.ts'
import { LedgerError } from '../errors.ts'
import type { NewKey } from '../ports.ts'
import { ROLES, SCOPES } from './scopes.ts'

const NAME_LENGTH_MAX = 100
const PREFIXES_MAX = 100

/** What namespaces limit, or what everybody may see. */
const LIMITABLE: ReadonlySet<string> = new Set(ROLES['dispatcher'])

/**
 * Throws `schema-invalid` unless a key says exactly what it hands out. What would be ignored is
 * refused: a limit that limits nothing reads like one that does.
 */
export function assertSound(key: NewKey): void {
  const why = whyUnsound(key)
  if (why !== null) throw new LedgerError('schema-invalid', why)
}

function whyUnsound({ name, scopes, namespacePrefixes, expiresAt }: NewKey): string | null {
  if (name.trim() === '' || name.length > NAME_LENGTH_MAX) {
    return `A key needs a name of 1 to ${NAME_LENGTH_MAX} characters`
  }
  if (scopes.length === 0) return 'A key needs a role or a scope'
  const unknown = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope))
  if (unknown !== undefined) return `There is no scope ${unknown}: use ${SCOPES.join(', ')}`
  if (namespacePrefixes.length > PREFIXES_MAX) return `A key has at most ${PREFIXES_MAX} prefixes`
  const malformed = namespacePrefixes.find((prefix) => !parseNamespace(prefix).ok)
  if (malformed !== undefined) return `${malformed} is no namespace prefix: use DRYRUN-NS:a/b`
  const unlimited = scopes.find((scope) => !LIMITABLE.has(scope))
  if (namespacePrefixes.length > 0 && unlimited !== undefined) {
    return `Namespace prefixes would not limit ${unlimited}: a limited key is a dispatcher's`
  }
  if (expiresAt !== null && !(expiresAt.getTime() > Date.now())) {
    return 'The expiry of a key must lie in the future'
  }
  return null
}
