import { setTimeout as pause } from 'node:timers/promises'
import type { EmbeddedError } from './embedded-error.ts'

const STEP_MS = 25

/** Waits out troubles that pass by themselves. Each has a limit, counted from when it was first met. */
export class Patience {
  readonly #signal: AbortSignal | undefined
  readonly #deadlines = new Map<string, number>()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Resolves after a moment, and rejects with `trouble` once its limit is over. */
  async with(trouble: EmbeddedError, limitMs: number): Promise<void> {
    const now = performance.now()
    const deadline = this.#deadlines.get(trouble.message) ?? now + limitMs
    if (now >= deadline) throw trouble
    this.#deadlines.set(trouble.message, deadline)
    await pause(STEP_MS, undefined, this.#signal === undefined ? {} : { signal: this.#signal })
  }
}
