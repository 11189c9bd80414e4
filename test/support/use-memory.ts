import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const ROOM_BYTES = 4 * 2 ** 30

/**
 * Gives this process and its workers a temporary folder in memory, and with it the databases of the
 * run, where this system has gigabytes of it and runs programs from there. On a disk
 * the kernel spends two thirds more time on their files.
 */
export function useMemory(): void {
  if (process.env['TMPDIR'] !== undefined || !isRoomy()) return
  const folder = mkdtempSync(join(MEMORY, 'dispatch-ledger-run-'))
  // The Postgres of a root runs as somebody else.
  chmodSync(folder, 0o755)
  process.env['TMPDIR'] = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
}

function isRoomy(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK)
    const { bavail, bsize } = statfsSync(MEMORY)
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    const mount = mounts.find((line) => line.split(' ')[1] === MEMORY)
    return mount !== undefined && !mount.includes('noexec') && bavail * bsize > ROOM_BYTES
  } catch {
    return false
  }
}
