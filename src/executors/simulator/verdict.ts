import { Buffer } from 'node:buffer'
import { canonicalJson } from '../../../domain/canonical-json.ts'
import type { Verdict } from '../../../domain/events.ts'
import type { Json } from '../../../domain/json.ts'
import { LIMITS } from '../../../domain/limits.ts'
import type { Failure, Outcome } from './protocol.ts'

/** Judges what an expression returned: exactly a verdict and an output, or a failure. */
export function judge(returned: unknown, outputBytesMax: number): Outcome {
  if (returned === undefined) return notJson('no-output')
  if (!isVerdict(returned)) return notJson('not-a-verdict')
  if (returned.output === undefined) return notJson('no-output')
  try {
    const output = canonicalJson(plain(returned.output, 1, { left: outputBytesMax }))
    return Buffer.byteLength(output) > outputBytesMax
      ? OVERSIZED
      : { verdict: returned.verdict, output }
  } catch (error) {
    if (error instanceof Unfit) return error.failure
    throw error
  }
}

function isVerdict(value: unknown): value is { verdict: Verdict; output?: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { verdict } = value as { verdict?: unknown }
  const members = Object.keys(value)
  return (
    (verdict === 'would_succeed' || verdict === 'would_fail') &&
    members.every((member) => member === 'verdict' || member === 'output')
  )
}

const notJson = (code: string): Failure => ({ failure: 'not-json', code })
const OVERSIZED: Failure = { failure: 'limit', code: 'output' }

class Unfit extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.code)
    this.failure = failure
  }
}

/**
 * Copies a value to plain JSON, or says why it is none. The engine's sequences become plain arrays.
 *
 * `room` shrinks by a lower bound of the bytes each part will take: what shares its parts can be
 * small in memory and endless as text.
 */
function plain(value: unknown, depth: number, room: { left: number }): Json {
  room.left -= 1
  if (room.left < 0) throw new Unfit(OVERSIZED)
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return plainString(value, room)
  if (typeof value === 'number') return plainNumber(value)
  if (typeof value !== 'object') throw new Unfit(notJson(typeof value))
  if (depth > LIMITS.jsonDepth) throw new Unfit(notJson('too-deep'))
  if (Array.isArray(value)) return Array.from(value, (item) => plain(item, depth + 1, room))
  return plainObject(value, depth, room)
}

function plainObject(value: object, depth: number, room: { left: number }): Json {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) throw new Unfit(notJson('object'))
  const copy: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [key, member] of Object.entries(value)) {
    if (key === '_jsonata_function' || key === '_jsonata_lambda')
      throw new Unfit(notJson('function'))
    if (key === '__proto__') throw new Unfit(notJson('forbidden-key'))
    copy[plainString(key, room)] = plain(member, depth + 1, room)
  }
  return copy
}

const LONE_SURROGATE = /\p{Surrogate}/u

function plainString(value: string, room: { left: number }): string {
  room.left -= value.length
  if (room.left < 0) throw new Unfit(OVERSIZED)
  if (value.includes('\0')) throw new Unfit(notJson('nul-character'))
  if (LONE_SURROGATE.test(value)) throw new Unfit(notJson('lone-surrogate'))
  return value
}

function plainNumber(value: number): number {
  if (!Number.isFinite(value)) throw new Unfit(notJson('number'))
  return value
}
