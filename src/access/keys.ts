import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type pg from 'pg'
import { parseNamespace } from '../../domain/namespace.ts'
import { LedgerError } from '../errors.ts'
import type { Caller } from '../ports.ts'

/** `dl_<key id>_<32 random bytes, base64url>`: 256 random bits need no slow hash. */
const KEY_PATTERN = /^dl_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

export type NewKey = Readonly<{
  name: string
  scopes: readonly string[]
  /** `DRYRUN-NS:…` texts; empty means no limit. */
  namespacePrefixes: readonly string[]
  expiresAt: Date | null
}>

/** Makes a key. Its text is returned once and stored nowhere; the table keeps the hash. */
export async function createKey(
  owner: pg.ClientBase,
  key: NewKey,
): Promise<{ id: string; key: string }> {
  for (const prefix of key.namespacePrefixes) {
    if (!parseNamespace(prefix).ok) {
      throw new LedgerError('schema-invalid', `${prefix} is no namespace prefix: use DRYRUN-NS:a/b`)
    }
  }
  const id = randomId()
  const text = `dl_${id}_${randomBytes(32).toString('base64url')}`
  const sql = `insert into ledger.access_keys
    (id, name, secret_sha256, scopes, namespace_prefixes, expires_at) values ($1, $2, $3, $4, $5, $6)`
  const { name, scopes, namespacePrefixes, expiresAt } = key
  await owner.query(sql, [id, name, sha256(text), scopes, namespacePrefixes, expiresAt])
  return { id, key: text }
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
  from ledger.access_keys where id = $1`

/**
 * Who a bearer text is, or null for nobody. The text is hashed before it is compared, in constant
 * time, and an unknown key id costs the same comparison.
 */
export async function authenticate(
  pool: pg.Pool,
  authorization: string | undefined,
): Promise<Caller | null> {
  const text = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  const id = KEY_PATTERN.exec(text)?.[1]
  if (id === undefined) return null
  const row = await findKey(pool, id)
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

async function findKey(pool: pg.Pool, id: string): Promise<KeyRow | undefined> {
  try {
    const { rows } = await pool.query<KeyRow>({ name: 'key', text: FIND, values: [id] })
    return rows[0]
  } catch (cause) {
    throw new LedgerError('store-unavailable', 'The key could not be looked up', { cause })
  }
}
