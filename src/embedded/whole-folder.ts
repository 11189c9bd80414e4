import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Makes a folder that is either complete or not there at all.
 *
 * `build` gets a scratch folder beside the target and makes the folder `whole` in it, which is then
 * renamed into place. Builders need no lock: they may race, and the first rename wins; they may be
 * killed, and whoever finds the target in place removes what they left.
 */
export async function makeWhole(
  target: string,
  build: (scratch: string) => Promise<void>,
): Promise<void> {
  if (!existsSync(target)) await buildBeside(target, build)
  await removeScratch(target)
}

async function buildBeside(
  target: string,
  build: (scratch: string) => Promise<void>,
): Promise<void> {
  const scratch = await mkdtemp(target + SCRATCH)
  try {
    await build(scratch)
    await rename(join(scratch, 'whole'), target)
    await syncFolder(dirname(target))
  } catch (error) {
    // Another builder was first, and may have removed our scratch folder under us.
    if (!existsSync(target)) throw error
  } finally {
    await remove(scratch)
  }
}

const SCRATCH = '.making-'

async function removeScratch(target: string): Promise<void> {
  const parent = dirname(target)
  const names = await readdir(parent)
  const left = names.filter((name) => name.startsWith(basename(target) + SCRATCH))
  for (const name of left) await remove(join(parent, name))
}

/** A builder that lost may still be writing here; what stays is removed by it or by the next start. */
async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
}

/** A rename survives a power failure once the folder that holds the name is on disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
