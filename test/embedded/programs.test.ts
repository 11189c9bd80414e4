import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { locatePackage, usablePrograms } from '../../src/embedded/binaries.ts'
import { EmbeddedError } from '../../src/embedded/index.ts'
import { freshFolder, isRoot, query, start, usedDataDir } from '../support/embedded-home.ts'

type Link = { source: string; target: string }

/** The package as npm unpacks it when no install script ran: without its links. */
function packageWithoutLinks(parent = freshFolder()): string {
  const packageDir = join(parent, 'package')
  cpSync(locatePackage(), packageDir, { recursive: true, verbatimSymlinks: true })
  for (const { target } of linksOf(packageDir)) rmSync(join(packageDir, target))
  return packageDir
}

function linksOf(packageDir: string): Link[] {
  return JSON.parse(readFileSync(join(packageDir, 'native/pg-symlinks.json'), 'utf8'))
}

describe('the bundled programs', () => {
  it('that are not installed are told in a sentence that names DATABASE_URL', () => {
    const from = join(freshFolder(), 'elsewhere.js')
    expect(() => locatePackage(from)).toThrow(EmbeddedError)
    expect(() => locatePackage(from)).toThrow(
      /^The bundled Postgres .* is not installed for .*\. Set DATABASE_URL to a Postgres 15 or newer\.$/,
    )
  })

  it('get their links from several processes at once, without an install script', async () => {
    const packageDir = packageWithoutLinks()
    const tries = Array.from({ length: 8 }, () =>
      usablePrograms(packageDir, freshFolder(), undefined),
    )
    expect(new Set(await Promise.all(tries))).toEqual(new Set([join(packageDir, 'native')]))
    for (const { target } of linksOf(packageDir)) {
      expect(statSync(join(packageDir, target)).isFile()).toBe(true)
    }
  })

  it('are copied once into the data directory where their links cannot be made', async () => {
    const packageDir = packageWithoutLinks()
    const list = join(packageDir, 'native/pg-symlinks.json')
    const lib = join(packageDir, 'native/lib')
    const more = [...linksOf(packageDir), { source: 'native/lib/a', target: 'native/none/b' }]
    rmSync(list)
    writeFileSync(list, JSON.stringify(more))
    const dataDir = freshFolder()
    const tries = [1, 2].map(() => usablePrograms(packageDir, dataDir, undefined))
    const [one, two] = await Promise.all(tries)
    expect(one).toBe(two)
    expect((await readdir(dataDir)).length).toBe(1)
    expect(statSync(lib).isDirectory()).toBe(true)
    expect(one?.startsWith(join(dataDir, 'pg-bin-'))).toBe(true)
  })

  it.runIf(isRoot)(
    'that only root may read are copied, and the server runs from there',
    async () => {
      const packageDir = packageWithoutLinks()
      // As npm leaves them under umask 077.
      execFileSync('chmod', ['-R', 'go=', packageDir])
      const dataDir = await usedDataDir()
      const postgres = await start(dataDir, { packageDir })
      expect(await query(postgres.ownerUrl, 'select 1 as n')).toEqual([{ n: 1 }])
      await postgres.stop()
      const [copy] = (await readdir(dataDir)).filter((name) => name.startsWith('pg-bin-'))
      const made = statSync(join(dataDir, copy ?? '')).ino
      await (await start(dataDir, { packageDir })).stop()
      expect(statSync(join(dataDir, copy ?? '')).ino).toBe(made)
    },
  )

  it.runIf(isRoot)('below a closed home are copied', async () => {
    const home = join(freshFolder(), 'home')
    mkdirSync(home, { mode: 0o700 })
    const dataDir = freshFolder()
    const account = { name: 'nobody', uid: 65534, gid: 65534 }
    const native = await usablePrograms(packageWithoutLinks(home), dataDir, account)
    expect(native.startsWith(join(dataDir, 'pg-bin-'))).toBe(true)
  })

  it('that this system cannot load are told in a sentence that names DATABASE_URL', async () => {
    const packageDir = freshFolder()
    const program = join(packageDir, 'native/bin/postgres')
    mkdirSync(dirname(program), { recursive: true })
    writeFileSync(program, '#!/lib/ld-none.so.1\n', { mode: 0o755 })
    await expect(usablePrograms(packageDir, freshFolder(), undefined)).rejects.toThrow(
      /^The bundled Postgres does not run on this system: .*musl.*\. Set DATABASE_URL/,
    )
    rmSync(program)
    await expect(usablePrograms(packageDir, freshFolder(), undefined)).rejects.toThrow(
      /native\/bin\/postgres is missing\. Set DATABASE_URL/,
    )
  })
})
