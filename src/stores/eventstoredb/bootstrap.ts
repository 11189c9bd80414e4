import { openReader } from './clients.ts'
import { failureOf } from './failure.ts'

/** The group that the login of a ledger is in. */
export const WRITERS = 'ledger-writers'

/**
 * Sets who may do what by default, as an administrator: logins of the group append and read, and
 * administrators alone delete streams or limit what they keep. It holds for every stream that has no
 * access list of its own, so also for those of others in the same server.
 */
export async function restrictEventStoreDb(adminUrl: string): Promise<void> {
  const connection = openReader(adminUrl)
  try {
    const client = await connection.get()
    const { jsonEvent } = await import('@eventstore/db-client')
    const both = ['$admins', WRITERS]
    const acl = { $r: both, $w: both, $mr: both, $d: '$admins', $mw: '$admins' }
    const data = {
      $userStreamAcl: acl,
      $systemStreamAcl: {
        $r: '$admins',
        $w: '$admins',
        $d: '$admins',
        $mr: '$admins',
        $mw: '$admins',
      },
    }
    await client.appendToStream('$settings', jsonEvent({ type: 'update-default-acl', data }))
    // Whoever follows the log reads `$all`, which by itself only administrators may.
    await client.setStreamMetadata('$all', { acl: { readRoles: both } })
  } catch (error) {
    throw failureOf(error, 'unknown')
  } finally {
    await connection.close()
  }
}
