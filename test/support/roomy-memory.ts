import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'

const PLACE = '/dev/shm'
const ROOM_BYTES = 4 * 2 ** 30

/**
 * A folder in memory with gigabytes of room and leave to run programs, where this system has one.
 * Databases are made and dropped there in half of the time: on a disk most of it is spent on files.
 */
export function roomyMemory(): string | null {
  try {
    accessSync(PLACE, constants.W_OK)
    const { bavail, bsize } = statfsSync(PLACE)
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[1] === PLACE)
    const runsPrograms = mount !== undefined && !mount.includes('noexec')
    return runsPrograms && bavail * bsize > ROOM_BYTES ? PLACE : null
  } catch {
    return null
  }
}
