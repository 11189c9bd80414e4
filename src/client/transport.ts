export type TransportOptions = Readonly<{
  url: string
  key: string
  /** How often a request is sent in all; 5 unless told. */
  triesMax?: number
  fetch?: typeof fetch
}>

/** What a server said: `body` is parsed JSON, `position` its Ledger-Position or null. */
export type Answer = Readonly<{ status: number; body: unknown; position: number | null }>

/** No answer came. For a dispatch the outcome is unknown: the same command again finds out. */
export class Unreachable extends Error {}

const PAUSE_MS = 200
const PAUSE_MAX_MS = 5_000

export type Transport = Readonly<{
  url: string
  triesMax: number
  request(method: string, path: string, body?: unknown): Promise<Answer>
  /** One GET whose answer is read as it comes. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>
}>

export function createTransport(options: TransportOptions): Transport {
  const { url, key, triesMax = 5, fetch: send = fetch } = options

  const once = async (method: string, path: string, body?: unknown): Promise<Exchange> => {
    const response = await send(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const position = response.headers.get('ledger-position')
    return {
      answer: {
        status: response.status,
        body: await response.json(),
        position: position === null ? null : Number(position),
      },
      retryAfterMs: (Number(response.headers.get('retry-after') ?? 0) || 0) * 1_000,
    }
  }

  const request = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    for (let attempt = 1; ; attempt++) {
      const exchange = await once(method, path, body).catch((error: unknown) => error)
      const last = attempt >= (isSafeToRepeat(method, body) ? triesMax : 1)
      if (isExchange(exchange) && (last || !isWorthRepeating(exchange.answer))) {
        return exchange.answer
      }
      if (last) throw unreachable(url, exchange)
      const waitMs = isExchange(exchange) ? exchange.retryAfterMs : 0
      await pauseBefore(attempt, waitMs)
    }
  }

  const open: Transport['open'] = (path, headers, signal) =>
    send(new URL(path, url), {
      headers: { ...headers, authorization: `Bearer ${key}` },
      signal,
    })
  return { url, triesMax, request, open }
}

type Exchange = Readonly<{ answer: Answer; retryAfterMs: number }>

const isExchange = (value: unknown): value is Exchange =>
  typeof value === 'object' && value !== null && 'answer' in value

/** A release that is sent twice could undo a halt which came in between; everything else may be. */
const isSafeToRepeat = (method: string, body: unknown): boolean =>
  method !== 'PUT' || (body as { state?: string } | undefined)?.state === 'HALTED'

/** Waiting for an operator is not done in a loop. */
export function isWorthRepeating({ status, body }: Answer): boolean {
  if (status === 429) return true
  return status === 503 && (body as { whoMustAct?: string }).whoMustAct !== 'operator'
}

export function unreachable(url: string, error: unknown): Unreachable {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const reason = (cause as { code?: string }).code ?? (cause as Error).message
  return new Unreachable(`No answer from ${url} (${reason})`, { cause: error })
}

/** Waits after a try that failed: longer from try to try, and as long as the server asked for. */
export function pauseBefore(attempt: number, waitMs: number): Promise<void> {
  const ms = Math.min(PAUSE_MAX_MS, Math.max(waitMs, PAUSE_MS * 2 ** (attempt - 1)))
  return new Promise((resolve) => setTimeout(resolve, ms))
}
