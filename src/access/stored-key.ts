import type { AccessKey } from '../ports.ts'
import { roleOf } from './scopes.ts'

/** A row of `ledger.access_keys`, without the hash. */
export type StoredKey = Readonly<{
  id: string
  name: string
  scopes: readonly string[]
  namespace_prefixes: readonly string[]
  created_at: Date
  created_by: string
  expires_at: Date | null
  revoked_at: Date | null
  revoked_by: string | null
  last_used_at: Date | null
}>

export const COLUMNS = `id, name, scopes, namespace_prefixes, created_at, created_by, expires_at,
  revoked_at, revoked_by, last_used_at`

/** A key as people see it; `usedHereMs` is when this process last saw it. */
export function presentKey(row: StoredKey, usedHereMs: number | null): AccessKey {
  const usedMs = Math.max(row.last_used_at?.getTime() ?? 0, usedHereMs ?? 0)
  return {
    id: row.id,
    name: row.name,
    role: roleOf(row.scopes),
    scopes: row.scopes,
    namespacePrefixes: row.namespace_prefixes,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    revokedBy: row.revoked_by,
    lastUsedAt: usedMs === 0 ? null : new Date(usedMs).toISOString(),
  }
}
