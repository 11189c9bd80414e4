import type { Failure } from './protocol.ts'

const CODE = /^(?:[STD]\d{4}|removed-[a-z]+|clock)$/
const OUT_OF_STACK = /^Maximum call stack/
const OUT_OF_LENGTH = /^(?:Invalid (?:array|string) length|Array buffer allocation failed)/

/** Says in a stable code why an expression threw. Its message may hold data and is not kept. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RangeError) {
    if (OUT_OF_STACK.test(error.message)) return { failure: 'limit', code: 'depth' }
    if (OUT_OF_LENGTH.test(error.message)) return { failure: 'limit', code: 'memory' }
  }
  const code = (error as { code?: unknown } | null | undefined)?.code
  if (code === 'D1011') return { failure: 'limit', code: 'depth' }
  if (code === 'D1012') return { failure: 'timeout', code: 'time' }
  return { failure: 'threw', code: typeof code === 'string' && CODE.test(code) ? code : 'unknown' }
}
