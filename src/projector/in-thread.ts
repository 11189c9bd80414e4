import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Log } from '../ports.ts'
import type { Projector, ProjectorStatus } from './projector.ts'
import { PROJECTIONS } from './read-models.ts'

const RETRY_MS = 1_000
/** What it reads is soon forgotten: more room for the young would only stand in memory. */
const YOUNG = { maxYoungGenerationSizeMb: 8 }

/** What the thread tells: where a projector stands, or a line for the log. */
export type FromThread =
  | Readonly<{ kind: 'status'; projection: string; status: ProjectorStatus }>
  | Readonly<{
      kind: 'log'
      level: keyof Log
      fields: Readonly<Record<string, unknown>>
      message: string
    }>

/**
 * The projectors in a thread of their own, on the log at `place`, which `entry` can make out: folding and writing some hundred
 * events in one turn must not keep callers of the front door waiting. `entry` is the module that
 * the thread runs. A thread that dies is said to be stopped, and started again.
 */
export function startProjectorThread(
  entry: URL,
  { place, log }: Readonly<{ place: unknown; log: Log }>,
): readonly Projector[] {
  const statuses = new Map<string, ProjectorStatus>()
  const setAll = (status: ProjectorStatus): void => {
    for (const { name } of PROJECTIONS) statuses.set(name, status)
  }
  let closing = false
  let closed: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    closed = resolve
  })
  let worker = start()

  function start(): Worker {
    setAll({ state: 'starting', detail: '' })
    const started = new Worker(loadable(entry), { workerData: place, resourceLimits: YOUNG })
    started.on('message', (message: FromThread) => {
      if (message.kind === 'log') log[message.level](message.fields, message.message)
      else statuses.set(message.projection, message.status)
    })
    started.on('error', (err) => log.error({ err }, 'the thread of the read models failed'))
    started.once('exit', () => {
      if (closing) return closed()
      setAll({ state: 'stopped', detail: 'its thread ended' })
      setTimeout(() => {
        if (closing) closed()
        else worker = start()
      }, RETRY_MS)
    })
    return started
  }

  const close = (): Promise<void> => {
    closing = true
    worker.postMessage('close')
    return done
  }
  return PROJECTIONS.map((projection) => ({
    projection,
    status: () => statuses.get(projection.name) ?? { state: 'starting', detail: '' },
    close,
  }))
}

/** A thread does not have the loader of sources that its process has: it loads it, then the entry. */
function loadable(entry: URL): URL {
  if (!entry.pathname.endsWith('.ts')) return entry
  const forCommonJs = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api'))
  const text = `import { register } from '${new URL('index.mjs', forCommonJs).href}'
    register()
    await import('${entry.href}')`
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`)
}
