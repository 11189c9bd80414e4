import { LedgerError } from '../errors.ts'

type Line = { working: number; readonly waiting: Set<() => void> }

export type TurnLimits = Readonly<{ working: number; waiting: number; waitMs: number }>

/**
 * Fairness between keys: so many requests of one key are at work at a time, its others wait in line
 * for a turn. A caller that sends a thousand at once slows itself down, and hardly anybody else.
 */
export class Turns {
  readonly #lines = new Map<string, Line>()
  readonly #limits: TurnLimits

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Resolves with what ends the turn. Rejects with `rate-limited` when the line is too long or slow. */
  async take(keyId: string): Promise<() => void> {
    const line = this.#lines.get(keyId) ?? { working: 0, waiting: new Set() }
    this.#lines.set(keyId, line)
    if (line.working < this.#limits.working) line.working += 1
    else await this.#wait(line)
    let ended = false
    return () => {
      if (!ended) this.#end(keyId, line)
      ended = true
    }
  }

  #wait({ waiting }: Line): Promise<void> {
    if (waiting.size >= this.#limits.waiting) throw tooMany()
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(turn)
        reject(tooMany())
      }, this.#limits.waitMs)
      waiting.add(turn)
    })
  }

  /** The turn passes to the next in line; a key without any is forgotten. */
  #end(keyId: string, line: Line): void {
    const [next] = line.waiting
    if (next !== undefined) {
      line.waiting.delete(next)
      return next()
    }
    line.working -= 1
    if (line.working === 0) this.#lines.delete(keyId)
  }
}

const tooMany = (): LedgerError =>
  new LedgerError('rate-limited', 'The key has too many requests under way', {
    retryAfterSeconds: 1,
  })
