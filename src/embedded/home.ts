import { constants } from 'node:fs'
import { access, chmod, mkdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { canEnter, serverAccount } from './account.ts'
import { EmbeddedError, reasonOf } from './embedded-error.ts'
import type { Account } from './run.ts'

/** Where everything of one embedded database lives, and as whom its server runs. */
export type Home = Readonly<{
  dataDir: string
  /** What Postgres calls its data directory. Owned by the server's account. */
  clusterDir: string
  logFile: string
  account: Account | undefined
}>

export const clusterDirOf = (dataDir: string): string => join(dataDir, 'pg')

/** Makes the data directory where it is missing, and refuses one that we or the server cannot use. */
export async function openHome(dataDirOption: string): Promise<Home> {
  const dataDir = await writableFolder(resolve(dataDirOption))
  const clusterDir = clusterDirOf(dataDir)
  const account = await serverAccount(clusterDir)
  if (account !== undefined && !(await canEnter(account, dataDir))) {
    throw new EmbeddedError(
      `You are root, so Postgres runs as the user ${account.name}, who cannot reach ${dataDir}: set LEDGER_DATA_DIR to a directory that this user can reach.`,
    )
  }
  return { dataDir, clusterDir, logFile: join(dataDir, 'pg.log'), account }
}

async function writableFolder(folder: string): Promise<string> {
  try {
    const made = await mkdir(folder, { recursive: true })
    // Root's server runs as another account, which passes through whatever the umask is.
    if (made !== undefined && process.getuid?.() === 0) await chmod(folder, 0o711)
    await access(folder, constants.W_OK | constants.X_OK)
    return await realpath(folder)
  } catch (cause) {
    throw new EmbeddedError(
      `The data directory cannot be written (${reasonOf(cause)}): set LEDGER_DATA_DIR to a directory that you can write.`,
      { cause },
    )
  }
}
