import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../package.ts'
import { exampleFile } from './demo-step.ts'

/** The service of the example `agent-api` and its twins, by the targets that they print they are. */
export type Services = Readonly<{
  origins: Readonly<Record<string, string>>
  stop(): Promise<void>
}>

/** Whatever becomes of this process, no service of it is left behind. */
const ORPHANS_END = ['--import', 'data:text/javascript,process.once("disconnect",process.exit)']

const START_MS = 20_000
const LISTENS = /^(\S+) listens on (http:\/\/\S+)$/gm

/** Starts the service and its twins on free ports, on the database of `databaseUrl`. */
export async function startServices(databaseUrl: string): Promise<Services> {
  const env = { ...process.env, DATABASE_URL: databaseUrl, PORT: '0' }
  // The one says where one target is, the other where two are.
  const children = ['service.mjs', 'twins.mjs'].map((file) =>
    spawn(process.execPath, [...ORPHANS_END, ...loading(), exampleFile('agent-api', file)], {
      env,
      cwd: packageRoot(),
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    }),
  )
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(stopChild))
  }
  try {
    const found = await Promise.all(children.map((child, index) => announced(child, index + 1)))
    return { origins: Object.fromEntries(found.flatMap((it) => Object.entries(it))), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The toolkit of a checkout is its source; of an installed package what was built of it. */
function loading(): readonly string[] {
  const isCheckout = existsSync(join(packageRoot(), 'src', 'dry-run', 'index.ts'))
  return isCheckout
    ? ['--import', import.meta.resolve('tsx'), '--conditions=dispatch-ledger-source']
    : []
}

function announced(child: ChildProcess, count: number): Promise<Record<string, string>> {
  let printed = ''
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`A service of the example ${why}.`))
    const timer = setTimeout(() => fail(`did not listen within ${START_MS / 1_000} s`), START_MS)
    child.stdout?.on('data', (chunk) => {
      printed += String(chunk)
      const found = [...printed.matchAll(LISTENS)]
      if (found.length < count) return
      clearTimeout(timer)
      resolve(Object.fromEntries(found.map(([, name, origin]) => [name, origin])))
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(`ended with ${code}`)
    })
  })
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill()
  await gone
}
