import { readFile, stat } from 'node:fs/promises'
import { EmbeddedError } from './embedded-error.ts'
import { type Account, run } from './run.ts'

/**
 * The account to run the server as, or undefined to run it as ourselves.
 *
 * Postgres refuses to run as root. Root therefore runs it as whoever owns the database, which is
 * `nobody` when root made it and a person when that person did.
 */
export async function serverAccount(clusterDir: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(clusterDir).catch(() => undefined)
  if (owner === undefined || owner.uid === 0) return nobody()
  return { name: `of uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
}

async function nobody(): Promise<Account> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const entry = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(users)
  if (entry === null) {
    throw new EmbeddedError(
      'Postgres does not run as root and there is no user nobody here: start as another user, or set DATABASE_URL.',
    )
  }
  return { name: 'nobody', uid: Number(entry[1]), gid: Number(entry[2]) }
}

/**
 * Asks the system itself, which knows of modes, access lists and mounts. An image without a shell
 * cannot be asked: there Postgres finds out for itself.
 */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  const args = ['-c', 'cd "$1"', 'sh', folder]
  const { error } = await run('/bin/sh', args, { account })
  return error === undefined || String(error.code) === 'ENOENT'
}
