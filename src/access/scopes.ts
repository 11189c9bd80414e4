/** What a key may do. Every route names one of these, or none for what anybody may see. */
export const SCOPES = [
  'dispatch:append',
  'dispatch:read',
  'events:read',
  'switch:read',
  'switch:write',
  'catalogue:read',
  'catalogue:write',
  'analytics:read',
  'projections:read',
  'projections:write',
  'proofs:read',
  'keys:admin',
] as const
export type Scope = (typeof SCOPES)[number]

const EVERYBODY: readonly Scope[] = ['catalogue:read', 'switch:read']

/** Roles are bundles of scopes. All of them may read the catalogue and the switch. */
export const ROLES: Readonly<Record<string, readonly Scope[]>> = {
  dispatcher: ['dispatch:append', 'dispatch:read', ...EVERYBODY],
  auditor: ['events:read', 'proofs:read', 'dispatch:read', ...EVERYBODY],
  analyst: ['analytics:read', 'dispatch:read', ...EVERYBODY],
  operator: [
    'switch:write',
    'projections:read',
    'projections:write',
    'dispatch:read',
    ...EVERYBODY,
  ],
  'catalogue-owner': ['catalogue:write', ...EVERYBODY],
  admin: ['keys:admin', ...EVERYBODY],
}

/** The role that is exactly these scopes, or null. */
export function roleOf(scopes: readonly string[]): string | null {
  const given = new Set(scopes)
  const same = (bundle: readonly Scope[]): boolean =>
    bundle.length === given.size && bundle.every((scope) => given.has(scope))
  return Object.entries(ROLES).find(([, bundle]) => same(bundle))?.[0] ?? null
}
