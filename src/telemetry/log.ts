import pino, { type DestinationStream, type Logger } from 'pino'

const STDERR = 2

/** JSON lines on standard error; on a terminal, lines for people. */
export async function createLog(level: string): Promise<Logger> {
  if (!process.stderr.isTTY) return logTo(pino.destination({ dest: STDERR, sync: true }), level)
  const { PinoPretty } = await import('pino-pretty')
  const pretty = { destination: STDERR, sync: true, colorize: true, singleLine: true }
  return logTo(PinoPretty(pretty), level)
}

/**
 * A log that holds ids, codes and durations. Of an error it keeps the kind, the code and the place:
 * messages and details of drivers quote what was sent, and a broken request carries its key.
 */
export const logTo = (stream: DestinationStream, level: string): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      hooks: {
        logMethod(args, method) {
          method.apply(this, withoutErrorText(args) as Parameters<typeof method>)
        },
      },
    },
    stream,
  )

/** A line without a text of its own, or with the error's, would be given the message of the error. */
function withoutErrorText(args: readonly unknown[]): readonly unknown[] {
  const [first, text] = args
  const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err
  if (!(error instanceof Error) || (text !== undefined && text !== error.message)) return args
  return [first instanceof Error ? { err: first } : first, 'an error']
}

const CODE = /^[A-Za-z0-9_-]{1,64}$/
const FRAMES_MAX = 10
const CAUSES_MAX = 3

type DescribedError = Readonly<{
  type: string
  code?: string
  at?: readonly string[]
  cause?: DescribedError
}>

/** What kind of error it is, its code, and where it arose; not what it says. */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code, cause } = error as Error & { code?: unknown }
  return {
    type: error.constructor.name,
    ...(typeof code === 'string' && CODE.test(code) ? { code } : {}),
    at: framesOf(error),
    ...(cause === undefined || depth === CAUSES_MAX
      ? {}
      : { cause: describeError(cause, depth + 1) }),
  }
}

/** The stack begins with the message, however many lines that has: frames are what ends it. */
function framesOf({ stack = '' }: Error): readonly string[] {
  const lines = stack.split('\n')
  const last = lines.findLastIndex((line) => !/^ {4}at .+[)\d]$/.test(line))
  return lines.slice(last + 1, last + 1 + FRAMES_MAX).map((line) => line.trim())
}
