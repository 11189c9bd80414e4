/** What the engine computes with: the language, and Buffer for its base64. */
const KEPT: ReadonlySet<string> = new Set(
  `globalThis undefined NaN Infinity Object Function Array String Number Boolean Symbol BigInt Map
  Set WeakMap WeakSet Promise RegExp JSON Date Math Error AggregateError EvalError RangeError
  ReferenceError SyntaxError TypeError URIError isFinite isNaN parseFloat parseInt encodeURI
  encodeURIComponent decodeURI decodeURIComponent Buffer`.split(/\s+/),
)

const { deleteProperty } = Reflect

/**
 * Takes from this process what an expression must not reach even by a hole in the engine: clock,
 * randomness, timers, network, files. What is loaded later finds no globals, so it comes last.
 */
export function lockDown(monotonicMs: () => number): void {
  const { random: _, ...math } = Object.getOwnPropertyDescriptors(Math)
  globalThis.Math = Object.freeze(Object.create(Object.prototype, math) as Math)
  globalThis.Date = Object.freeze(clocklessDate(monotonicMs))
  for (const name of Object.getOwnPropertyNames(globalThis))
    if (!KEPT.has(name)) deleteProperty(globalThis, name)
}

/** `now` alone stays, as a stop-watch without an epoch: by it the engine keeps its own time limit. */
function clocklessDate(monotonicMs: () => number): DateConstructor {
  class ClocklessDate extends Date {
    constructor(epochMs = Number.NaN) {
      super(epochMs)
    }
    static override now(): number {
      return monotonicMs()
    }
  }
  Object.freeze(ClocklessDate.prototype)
  return ClocklessDate as unknown as DateConstructor
}

/** Looks, instead of trusting that what was asked for happened. */
export function isLockedDown(): boolean {
  return (
    Object.getOwnPropertyNames(globalThis).every((name) => KEPT.has(name)) &&
    !('random' in Math) &&
    Number.isNaN(new Date().getTime()) &&
    [Object, Array, Function, RegExp, Promise].every(isFrozen) &&
    !('__proto__' in Object.prototype) &&
    cannotMakeCode()
  )
}

const isFrozen = (one: { prototype: unknown }): boolean =>
  Object.isFrozen(one) && Object.isFrozen(one.prototype)

function cannotMakeCode(): boolean {
  try {
    // oxlint-disable-next-line no-implied-eval -- it must fail.
    Function('')
    return false
  } catch {
    return true
  }
}
