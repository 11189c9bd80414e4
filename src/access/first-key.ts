import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { createKey } from './keys.ts'
import { SCOPES } from './scopes.ts'

export const FIRST_KEY_NAME = 'local-first-start'

export const adminKeyFile = (dataDir: string): string => join(dataDir, 'admin.key')

/**
 * On the first start of an embedded ledger, makes a key with all scopes and leaves it in
 * `admin.key`, readable by its owner alone. A ledger that has any key gets none: a key that was
 * taken away on purpose stays away.
 */
export async function ensureFirstKey(ownerUrl: string, dataDir: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query('begin')
    await owner.query('lock table ledger.access_keys in exclusive mode')
    const { rowCount } = await owner.query('select from ledger.access_keys limit 1')
    if (rowCount === 0) await writeFirstKey(owner, adminKeyFile(dataDir))
    await owner.query('commit')
  } finally {
    await owner.end()
  }
}

/** The file is whole before the key counts: a crash in between leaves a key that opens nothing. */
async function writeFirstKey(owner: pg.Client, file: string): Promise<void> {
  const key = { name: FIRST_KEY_NAME, scopes: SCOPES, namespacePrefixes: [], expiresAt: null }
  const made = await createKey(owner, key)
  const draft = `${file}.${process.pid}`
  await writeFile(draft, `${made.key}\n`, { mode: 0o600 })
  await rename(draft, file)
}
