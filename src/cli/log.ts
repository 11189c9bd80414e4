import pino, { type Logger } from 'pino'

const STDERR = 2

/** JSON lines on standard error; on a terminal, lines for people. */
export async function createLog(level: string): Promise<Logger> {
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (!process.stderr.isTTY) return pino(base, pino.destination({ dest: STDERR, sync: true }))
  const { PinoPretty } = await import('pino-pretty')
  return pino(
    base,
    PinoPretty({ destination: STDERR, sync: true, colorize: true, singleLine: true }),
  )
}
