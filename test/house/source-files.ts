import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Every file that git tracks or would track, with its text; binaries and deleted ones left out. */
export const trackedFiles = (): readonly string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
    .toString()
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(ROOT, file)))

export const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

/** The code that a ledger is made of. */
export const sourceFiles = (): readonly string[] =>
  trackedFiles().filter((file) => /^(?:domain|projections|src)\/.*\.ts$/u.test(file))

export type Tree = Readonly<{ path: string; remove(): void }>

/** A folder of its own, laid out like the repository, with its packages at hand. */
export function plantTree(files: Readonly<Record<string, string>>): Tree {
  const path = mkdtempSync(join(tmpdir(), 'ledger-house-'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  symlinkSync(join(ROOT, 'node_modules'), join(path, 'node_modules'))
  return { path, remove: () => rmSync(path, { recursive: true }) }
}

const run = promisify(execFile)
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024

/** What a tool of the repository prints when it runs in a folder, whatever it exits with. */
export async function outputOf(
  cwd: string,
  tool: string,
  args: readonly string[],
): Promise<string> {
  const command = [join(ROOT, 'node_modules', tool), ...args]
  try {
    return (await run(process.execPath, command, { cwd, maxBuffer: OUTPUT_MAX_BYTES })).stdout
  } catch (error) {
    const { stdout } = error as { stdout?: string }
    if (typeof stdout === 'string' && stdout !== '') return stdout
    throw error
  }
}
