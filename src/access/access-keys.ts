import type pg from 'pg'
import { LedgerError, type RecordedAs } from '../errors.ts'
import type { AccessKey, AccessKeys } from '../ports.ts'
import { createKey } from './keys.ts'
import type { LastUsed } from './last-used.ts'
import { assertSound } from './new-key.ts'
import { COLUMNS, presentKey, type StoredKey } from './stored-key.ts'

/** The keys in Postgres, as the runtime login sees and makes them. */
export function createAccessKeys(pool: pg.Pool, lastUsed: LastUsed): AccessKeys {
  const present = (row: StoredKey): AccessKey => presentKey(row, lastUsed.of(row.id))
  const rowsOf = (text: string, values: unknown[], recorded?: RecordedAs) =>
    ask(async () => (await pool.query<StoredKey>(text, values)).rows.map(present), recorded)
  return {
    async create(key, actor) {
      assertSound(key)
      const made = await ask(() => createKey(pool, key, actor), 'unknown')
      return { ...present(made.row), key: made.key }
    },
    list: ({ size, after }) =>
      rowsOf(
        `select ${COLUMNS} from ledger.access_keys where $2::text is null or (created_at, id) <
          (select created_at, id from ledger.access_keys where id = $2)
          order by created_at desc, id desc limit $1`,
        [size, after],
      ),
    async find(id) {
      const rows = await rowsOf(`select ${COLUMNS} from ledger.access_keys where id = $1`, [id])
      return rows[0] ?? null
    },
    async revoke(id, actor) {
      const text = `select ${COLUMNS} from ledger.revoke_key($1, $2)`
      return (await rowsOf(text, [id, actor], 'unknown'))[0] ?? null
    },
  }
}

async function ask<T>(query: () => Promise<T>, recorded: RecordedAs = 'none'): Promise<T> {
  try {
    return await query()
  } catch (cause) {
    const message = 'The keys could not be asked'
    throw new LedgerError('store-unavailable', message, { cause, recorded })
  }
}
