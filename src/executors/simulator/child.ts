/** The entry of a simulator process: see sandbox.ts for its other end. */
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { setImmediate } from 'node:timers'
import { startBeacon } from './beacon.ts'
import { hardenEngine } from './engine.ts'
import { lockDown } from './lockdown.ts'
import type { FromChild, Outcome, Task, ToChild } from './protocol.ts'
import { runTask } from './run-task.ts'

/** Outcomes wait this long for others to travel with. */
const FLUSH_MS = 5

const tasks: Task[] = []
let working = false

const say = (message: FromChild): void => {
  process.send?.(message)
}

function hear(message: ToChild): void {
  if (message.kind === 'drop') {
    tasks.length = 0
    say({ kind: 'dropped' })
    return
  }
  tasks.push(...message.tasks)
  if (working) return
  working = true
  // Each task must begin in this phase of the loop: then a message is heard before the next one.
  setImmediate(() => void work())
}

async function work(): Promise<void> {
  let outcomes: [number, Outcome][] = []
  let flushedAt = performance.now()
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    beacon(task.id)
    outcomes.push([task.id, await runTask(task)])
    const now = performance.now()
    if (tasks.length > 0 && now - flushedAt < FLUSH_MS) continue
    say({ kind: 'outcomes', outcomes })
    outcomes = []
    flushedAt = now
  }
  beacon(0)
  working = false
}

process.once('disconnect', () => process.exit())
// They reach the whole group of processes; when to end is for the parent to say.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => undefined)
// An expression can drop a promise that rejects. What becomes of the run shows in its outcome.
process.on('unhandledRejection', () => undefined)
const beacon = await startBeacon()
lockDown(() => performance.now())
say({ kind: 'ready', isolation: await hardenEngine() })
process.on('message', hear)
