/** The entry of the thread that keeps the read models: see projector/in-thread.ts for its other end. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Log } from './ports.ts'
import type { FromThread } from './projector/in-thread.ts'
import { startProjectors } from './projector/read-models.ts'
import { type LogPlace, openFollowedLog } from './stores/open-log.ts'
import { connect } from './stores/postgres/pool.ts'
import { createSharedTail } from './stores/shared-tail.ts'
import { traceBatch } from './telemetry/trace.ts'

const say = (message: FromThread): void => parentPort?.postMessage(message)
const lineOf =
  (level: keyof Log): Log['info'] =>
  (fields, message) =>
    say({ kind: 'log', level, fields, message })

const place = workerData as LogPlace
const reader = openFollowedLog(place)
const projectors = startProjectors({
  store: { ...reader, tail: createSharedTail(reader) },
  connect: () => connect(place.url, 'projector'),
  log: { info: lineOf('info'), warn: lineOf('warn'), error: lineOf('error') },
  aroundBatch: traceBatch,
  changed: ({ name }, status) => say({ kind: 'status', projection: name, status }),
})

async function close(): Promise<void> {
  await Promise.all(projectors.map((it) => it.close()))
  await reader.close()
}

parentPort?.once('message', () => void close())
