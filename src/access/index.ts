import type pg from 'pg'
import type { AccessKeys, AccessRecord, Caller, Log } from '../ports.ts'
import { createAccessKeys } from './access-keys.ts'
import { logAccess } from './access-log.ts'
import { authenticate, createFindKey } from './keys.ts'
import { createLastUsed } from './last-used.ts'

/** Who may call, and who read what. */
export type Access = Readonly<{
  authenticate(authorization: string | undefined): Promise<Caller | null>
  keys: AccessKeys
  logAccess(record: AccessRecord): Promise<void>
  /** Writes when keys were last used, a last time, and ends the pool of the keys. */
  close(): Promise<void>
}>

/** Look-ups of keys never wait behind reads of the log, so they have a pool of their own. */
export function createAccess(
  pools: Readonly<{ keys: pg.Pool; readers: pg.Pool }>,
  log: Log,
): Access {
  const findKey = createFindKey(pools.keys)
  const lastUsed = createLastUsed(pools.keys, log)
  return {
    async authenticate(authorization) {
      const caller = await authenticate(findKey, authorization)
      if (caller !== null) lastUsed.mark(caller.keyId)
      return caller
    },
    keys: createAccessKeys(pools.keys, lastUsed),
    logAccess: (record) => logAccess(pools.readers, record),
    async close() {
      await lastUsed.close()
      await pools.keys.end()
    },
  }
}
