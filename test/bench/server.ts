import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Lab } from './lab.ts'

export type Server = Readonly<{ url: string; pid: number; stop(): Promise<void> }>

/** The product as it is installed, in a process of its own, on the lab's database. */
export const startServer = (
  lab: Lab,
  env: Readonly<Record<string, string>> = {},
): Promise<Server> =>
  start(['dist/src/cli/main.js', 'serve'], {
    ...env,
    DATABASE_URL: lab.runtimeUrl,
    LEDGER_DATA_DIR: lab.dataDir,
    LEDGER_PORT: '0',
  })

/** What the same body costs when it is read, checked by zod and given back: Fastify alone. */
export const startEcho = (): Promise<Server> => start(['--import', 'tsx', 'test/bench/echo.ts'], {})

/** What a dry run over HTTP asks: nearly nothing but the request. */
export const startMarkedService = (): Promise<Server> =>
  start(['--import', 'tsx', 'test/bench/marked-service.ts'], {})

async function start(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    // Log lines are written, as they would be, and thrown away.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await urlOf(child)
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the server has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url !== undefined) {
      child.stdout.resume()
      return url
    }
  }
  throw new Error('the server ended before it listened: run npm run build')
}
