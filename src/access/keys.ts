import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type pg from 'pg'
import { parseNamespace } from '../../domain/namespace.ts'
import { LedgerError } from '../errors.ts'
import { inGroups } from '../in-groups.ts'
import type { Caller, NewKey } from '../ports.ts'
import type { StoredKey } from './stored-key.ts'

/** `dl_<key id>_<32 random bytes, base64url>`: 256 random bits need no slow hash. */
const KEY_PATTERN = /^dl_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Makes a key, as the owner of the database or as the runtime login. Its text is returned once and
 * stored nowhere; the table keeps the hash. What it may be is the caller's to check: `assertSound`.
 */
export async function createKey(
  database: Pick<pg.Pool, 'query'>,
  key: NewKey,
  createdBy = 'owner',
): Promise<{ id: string; key: string; row: StoredKey }> {
  const id = randomId()
  const text = `dl_${id}_${randomBytes(32).toString('base64url')}`
  const { name, scopes, namespacePrefixes, expiresAt } = key
  const { rows } = await database.query<StoredKey>(
    'select * from ledger.create_key($1, $2, $3, $4, $5, $6, $7)',
    [id, name, sha256(text), scopes, namespacePrefixes, expiresAt, createdBy],
  )
  const [row] = rows
  if (row === undefined) throw new Error('ledger.create_key gave no key')
  return { id, key: text, row }
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

const randomId = (): string =>
  Array.from(randomBytes(12), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('')

type KeyRow = Readonly<{
  id: string
  secret_sha256: Buffer
  scopes: string[]
  namespace_prefixes: string[]
  valid: boolean
}>

const FIND = `select id, secret_sha256, scopes, namespace_prefixes,
    revoked_at is null and (expires_at is null or expires_at > clock_timestamp()) as valid
  from ledger.access_keys where id = any($1)`

/** Finds a key by its id, as the table has it after the question was asked. */
type FindKey = (id: string) => Promise<KeyRow | undefined>

const LOOK_UPS_MAX = 1_000

/** Look-ups that wait at the same time are one statement, and none is answered by an older one. */
export const createFindKey = (pool: pg.Pool): FindKey =>
  inGroups<string, KeyRow | undefined>({
    lanes: 1,
    sizeMax: LOOK_UPS_MAX,
    async send(ids) {
      const rows = await findKeys(pool, [...new Set(ids)])
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => byId.get(id))
    },
  })

/**
 * Who a bearer text is, or null for nobody. The text is hashed before it is compared, in constant
 * time, and an unknown key id costs the same comparison.
 */
export async function authenticate(
  findKey: FindKey,
  authorization: string | undefined,
): Promise<Caller | null> {
  const text = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  const id = KEY_PATTERN.exec(text)?.[1]
  if (id === undefined) return null
  const row = await findKey(id)
  const matches = timingSafeEqual(sha256(text), row?.secret_sha256 ?? Buffer.alloc(32))
  if (row === undefined || !matches || !row.valid) return null
  return {
    keyId: row.id,
    scopes: row.scopes,
    namespacePrefixes: row.namespace_prefixes.map((prefix) => {
      const parsed = parseNamespace(prefix)
      if (!parsed.ok) throw new Error(`key ${row.id} has a malformed namespace prefix`)
      return parsed.segments
    }),
  }
}

async function findKeys(pool: pg.Pool, ids: readonly string[]): Promise<readonly KeyRow[]> {
  try {
    return (await pool.query<KeyRow>({ name: 'keys', text: FIND, values: [ids] })).rows
  } catch (cause) {
    throw new LedgerError('store-unavailable', 'The key could not be looked up', { cause })
  }
}
