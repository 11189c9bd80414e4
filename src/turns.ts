type Line = { working: number; readonly waiting: Set<() => void> }

export type TurnLimits = Readonly<{
  working: number
  waiting: number
  waitMs: number
  /** What a caller is rejected with whose line is too long or too slow. */
  tooMany(): Error
}>

/**
 * So many at work at a time under one name, others wait in line for a turn: who has too much to do
 * slows itself down, and hardly anybody else.
 *
 * Requests take turns by the key of their caller, dry runs by where they go (a bulkhead): what is
 * stuck there holds up what goes there, and nothing else.
 */
export class Turns {
  readonly #lines = new Map<string, Line>()
  readonly #limits: TurnLimits

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Resolves with what ends the turn. Rejects with `tooMany`, or why `signal` was aborted. */
  async take(name: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    const line = this.#lines.get(name) ?? { working: 0, waiting: new Set() }
    this.#lines.set(name, line)
    if (line.working < this.#limits.working) line.working += 1
    else await this.#wait(line, signal)
    let ended = false
    return () => {
      if (!ended) this.#end(name, line)
      ended = true
    }
  }

  #wait({ waiting }: Line, signal: AbortSignal | undefined): Promise<void> {
    if (waiting.size >= this.#limits.waiting) throw this.#limits.tooMany()
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        waiting.delete(turn)
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        done()
      }
      const turn = (): void => settle(resolve)
      const giveUp = (): void => settle(() => reject(signal?.reason as Error))
      const timer = setTimeout(
        () => settle(() => reject(this.#limits.tooMany())),
        this.#limits.waitMs,
      )
      signal?.addEventListener('abort', giveUp)
      waiting.add(turn)
    })
  }

  /** The turn passes to the next in line; a name without any is forgotten. */
  #end(name: string, line: Line): void {
    const [next] = line.waiting
    if (next !== undefined) return next()
    line.working -= 1
    if (line.working === 0) this.#lines.delete(name)
  }
}
