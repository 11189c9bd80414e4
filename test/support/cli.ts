import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { COMPILED_CLI } from './compiled.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export type Finished = Readonly<{ code: number | null; stdout: string; stderr: string }>
export type CliOptions = Readonly<{
  env?: Record<string, string>
  cwd?: string
  stdin?: string
  /** Runs the source, for tests whose project compiles nothing. */
  fromSource?: boolean
}>

/** An environment without this machine's own settings of a ledger. */
const environment = (env: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !name.startsWith('LEDGER_') && name !== 'DATABASE_URL' && !name.startsWith('VITEST'),
    ),
  ),
  ...env,
})

export function spawnCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const entry = options.fromSource ? ['--import', import.meta.resolve('tsx'), MAIN] : [COMPILED_CLI]
  return spawn(process.execPath, [...entry, ...args], {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Runs a command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<Finished> {
  const child = spawnCli(args, options)
  child.stdin?.end(options.stdin ?? '')
  const output = collect(child)
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, ...output }))
  })
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    output.stdout += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    output.stderr += String(chunk)
  })
  return output
}

export type Serving = Readonly<{ child: ChildProcess; url: string; banner: string }>

/** Starts `serve` and resolves once it has printed where it listens. */
export function startServer(env: Record<string, string>): Promise<Serving> {
  const child = spawnCli(['serve'], { env: { LEDGER_PORT: '0', ...env } })
  const output = collect(child)
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      const url = /url\s+(http:\S+)/.exec(output.stdout)?.[1]
      if (url !== undefined && output.stdout.includes('admin key')) {
        resolve({ child, url, banner: output.stdout })
      }
    })
    child.once('close', (code) => reject(new Error(`serve ended with ${code}: ${output.stderr}`)))
  })
}

/** Sends a signal and resolves with the exit code once the process has gone. */
export function stopServer(
  { child }: Serving,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code))
    child.kill(signal)
  })
}
