import { once } from 'node:events'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { BEACON_FD, SLOW_MS } from './protocol.ts'

/** Says which task the main thread is at; 0 is none. */
export type Beacon = (taskId: number) => void

// The main thread gives up its globals before it computes: see lockdown.ts.
const { exchange, notify } = Atomics

/**
 * Starts a thread that speaks for the main one, which cannot while it computes.
 *
 * It names a slow task to the parent, and ends the process when the parent is gone: a regular
 * expression that never ends would otherwise survive a killed server. A task costs it nothing but
 * one store to shared memory.
 */
export async function startBeacon(): Promise<Beacon> {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const source = `(${watch.toString()})(require('node:worker_threads').workerData, require('node:fs'))`
  const workerData: Watched = { cell, slowMs: SLOW_MS, fd: BEACON_FD, parentPid: process.ppid }
  const worker = new Worker(source, { eval: true, workerData, execArgv: [], env: {} })
  await once(worker, 'online')
  worker.unref()
  return (taskId) => {
    if (exchange(cell, 0, taskId) === 0) notify(cell, 0)
  }
}

type Watched = Readonly<{ cell: Int32Array; slowMs: number; fd: number; parentPid: number }>

/** Runs in the thread from its source text, so it uses nothing of this module. */
function watch(watched: Watched, fs: { writeSync(fd: number, text: string): unknown }): never {
  const { cell, slowMs, fd, parentPid } = watched
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    Atomics.wait(cell, 0, 0)
    const taskId = Atomics.load(cell, 0)
    Atomics.wait(pause, 0, 0, slowMs)
    if (taskId === 0 || Atomics.load(cell, 0) !== taskId) continue
    try {
      fs.writeSync(fd, `${taskId}\n`)
    } catch {
      process.kill(process.pid, 'SIGKILL')
    }
    while (Atomics.load(cell, 0) === taskId) {
      if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL')
      Atomics.wait(pause, 0, 0, slowMs)
    }
  }
}
