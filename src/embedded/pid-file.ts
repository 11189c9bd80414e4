import { constants } from 'node:fs'
import { open, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What a postmaster writes about itself. A hint: the process may be gone, or another's. */
export type PidFile = Readonly<{ pid: number; port: number; ready: boolean }>

export async function readPidFile(clusterDir: string): Promise<PidFile | undefined> {
  const text = await readFile(pidFile(clusterDir), 'utf8').catch(() => '')
  const lines = text.split('\n')
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  // While it is being written the port is not there yet.
  if (!(pid > 0 && port > 0)) return undefined
  return { pid, port, ready: lines[7]?.trim() === 'ready' }
}

/**
 * Frees a pid file whose number has been given to a process that has nothing to do with it.
 *
 * Postgres takes any living process of its account for the old server. In a restarted container,
 * where numbers repeat, that would hold for ever; a zombie nobody buries holds as long. The number
 * becomes ours, whom Postgres knows as its parent and does not count; the rest of the file stays,
 * by which it finds out whether shared memory is still in use. Only Linux can tell.
 */
export async function disown(clusterDir: string): Promise<void> {
  // Nothing is followed: the folder belongs to the server's account, and we may be root.
  const flags = constants.O_RDWR | constants.O_NOFOLLOW
  const handle = await open(pidFile(clusterDir), flags).catch(() => undefined)
  if (handle === undefined) return
  try {
    const text = await handle.readFile('utf8')
    const pid = Number.parseInt(text, 10)
    if (!(await isStranger(pid, clusterDir))) return
    // Postgres replaces the file and never rewrites one, so a newer server's is not touched.
    const disowned = Buffer.from(text.replace(/^\d+/, String(process.pid)))
    await handle.write(disowned, 0, disowned.length, 0)
    await handle.truncate(disowned.length)
  } finally {
    await handle.close()
  }
}

/** Every process of a server works in its data directory; a zombie works nowhere. */
async function isStranger(pid: number, clusterDir: string): Promise<boolean> {
  if (process.platform !== 'linux' || !(pid > 0)) return false
  try {
    return (await readlink(`/proc/${pid}/cwd`)) !== clusterDir
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
  }
}

function pidFile(clusterDir: string): string {
  return join(clusterDir, 'postmaster.pid')
}
