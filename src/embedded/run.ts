import { type ExecFileException, execFile } from 'node:child_process'

/** An account of the system to run a program as, when we are root. */
export type Account = Readonly<{ name: string; uid: number; gid: number }>
export type RunOptions = Readonly<{ account?: Account | undefined; input?: string }>
/** `error` is undefined when the program ended with status 0. */
export type Ran = Readonly<{ error: ExecFileException | undefined; stderr: string }>

/** Runs a program to its end. Its failure is a value, for the caller to put in words. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const settings = { env: environment(), maxBuffer: 16 * 1024 * 1024, ...ids(options.account) }
    const child = execFile(file, args, settings, (error, _stdout, stderr) => {
      resolve({ error: error ?? undefined, stderr })
    })
    // A program that ends without reading breaks the pipe; its status already says why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

export function ids(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid }
}

/**
 * The whole environment of what we run, so that nobody's PGPORT, PGDATA or locale leaks into it.
 * Messages stay English, which is how they are recognised. Postgres does not take the process
 * PG_GRANDPARENT_PID names for an old server, though a restarted container hands out its ids again.
 */
export function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    PG_GRANDPARENT_PID: String(process.ppid),
  }
}

/** The line in which a Postgres program says why it gave up. */
export function complaint(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const telling = lines.findLast((line) => /\b(FATAL|PANIC|ERROR|error):/.test(line))
  return (telling ?? lines.at(-1) ?? 'no reason was given').trim()
}
