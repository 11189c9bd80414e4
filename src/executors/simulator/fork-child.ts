import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Of the young generation V8 may take some more. */
const HEAP_MB = 128

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(isSource ? './child.ts' : './child.js', import.meta.url)

/** Walls behind lockdown.ts, which must be standing before the first line of the process. */
const WALLS = [
  `--max-old-space-size=${HEAP_MB}`,
  '--disable-proto=delete',
  '--disallow-code-generation-from-strings',
  '--frozen-intrinsics',
  '--no-addons',
  '--no-warnings',
]

/**
 * Starts a simulator process: no environment, no terminal, no folder of ours, one time zone.
 *
 * It does not keep the caller alive. Descriptor 4 is its beacon, see beacon.ts.
 */
export function forkChild(): ChildProcess {
  const child = fork(fileURLToPath(ENTRY), [], {
    execArgv: [...WALLS, ...(isSource ? sourceLoader() : permissions())],
    env: { TZ: 'UTC' },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'pipe'],
    serialization: 'json',
  })
  child.unref()
  child.channel?.unref()
  return child
}

/** By its path: nothing can be found by name from the folder the process starts in. */
function sourceLoader(): string[] {
  const loader = createRequire(import.meta.url).resolve('tsx')
  return ['--import', pathToFileURL(loader).href]
}

/** Reading is for its own modules. The loader of sources compiles in a process and caches in files. */
function permissions(): string[] {
  const { allowedNodeEnvironmentFlags: flags } = process
  const permission = flags.has('--permission') ? '--permission' : '--experimental-permission'
  return [permission, '--allow-fs-read=*', '--allow-worker']
}
