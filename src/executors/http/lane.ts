import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import { ExecutorFailure } from '../../ports.ts'
import { type Dial, type Pinned, pinningConnector } from './connector.ts'
import type { Guard } from './guard.ts'
import type { Time } from './time.ts'

export type Asked = Readonly<{
  method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST'
  /** With the query, if there is one. */
  path: string
  headers: Readonly<Record<string, string>>
  body: string | null
}>

/** An answer, and the connection it came over. */
export type Answer = Readonly<{
  status: number
  headers: IncomingHttpHeaders
  /** Null where it was longer than allowed, and broken off: the lane must be closed. */
  body: Buffer | null
  pinned: Pinned | null
}>

/** Less than a server that says nothing of it leaves a connection open. */
const IDLE_MS = 2_000
const HEADER_BYTES_MAX = 16 * 1024
const WATCH_MS = 50
/** What comes over a connection is more than a body: chunks of one byte, interim answers, headers. */
const WIRE_FACTOR = 8
const WIRE_SLACK_BYTES = 64 * 1024

/** One connection to an origin, for one request at a time. It is made with the first one. */
export type Lane = Readonly<{
  madeAtMs: number
  /**
   * Sends one request and reads its answer, which may have `bytesMax` at most. Never sends it again,
   * and follows no redirect. Rejects with `ExecutorFailure`: then the lane must be closed.
   */
  ask(asked: Asked, bytesMax: number, time: Time): Promise<Answer>
  close(): void
}>

export function createLane(
  origin: string,
  connecting: Readonly<{ guard: Guard; dial: Dial }>,
): Lane {
  let pinned: Pinned | null = null
  let dialing: Socket | null = null
  let isOver = false
  const client = new Client(origin, {
    pipelining: 1,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // Each run has a limit of its own, also for what trickles.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: pinningConnector(origin, connecting, {
      isOver: () => isOver,
      dialing(socket) {
        dialing = socket
      },
      pinned(it) {
        pinned = it
        dialing = null
      },
    }),
  })
  const breakOff = (failure: ExecutorFailure): void => {
    isOver = true
    // What is being connected belongs to nobody yet: it would stay open for as long as it may take.
    dialing?.destroy()
    client.destroy(failure).catch(() => undefined)
  }
  return {
    madeAtMs: performance.now(),
    async ask(asked, bytesMax, time) {
      const over = time.over()
      if (over !== null) throw over
      time.whenOver(breakOff)
      const watching = watchWire(() => pinned, bytesMax, breakOff)
      try {
        const answer = await send(client, asked, bytesMax)
        if (wasReset(pinned)) throw new ExecutorFailure('threw', 'connection-lost')
        return { ...answer, pinned }
      } catch (error) {
        throw failureOf(error)
      } finally {
        clearInterval(watching)
        // From then on the lane may be somebody else's.
        time.whenOver(() => undefined)
      }
    },
    close: () => breakOff(new ExecutorFailure('timeout', 'closed')),
  }
}

/** A body that ends with its connection is complete only where that was ended, and not reset. */
const wasReset = (pinned: Pinned | null): boolean =>
  (pinned?.socket.errored as { code?: unknown } | null | undefined)?.code === 'ECONNRESET'

function watchWire(
  pinned: () => Pinned | null,
  bytesMax: number,
  breakOff: (failure: ExecutorFailure) => void,
): NodeJS.Timeout {
  const before = pinned()
  const readBefore = before?.socket.bytesRead ?? 0
  return setInterval(() => {
    const socket = pinned()?.socket
    const read = (socket?.bytesRead ?? 0) - (socket === before?.socket ? readBefore : 0)
    if (read > WIRE_FACTOR * bytesMax + WIRE_SLACK_BYTES) {
      breakOff(new ExecutorFailure('limit', 'output'))
    }
  }, WATCH_MS)
}

type Received = Pick<Answer, 'status' | 'headers' | 'body'>

function send(client: Client, asked: Asked, bytesMax: number): Promise<Received> {
  const { method, path, headers, body } = asked
  return new Promise((resolve, reject) => {
    client.dispatch({ method, path, headers, body }, new Reading(bytesMax, { resolve, reject }))
  })
}

type Settle = Readonly<{ resolve: (answer: Received) => void; reject: (error: Error) => void }>

/** Reads the final answer. What comes before it says nothing, and what comes behind it is not heard. */
class Reading implements Dispatcher.DispatchHandler {
  readonly #bytesMax: number
  readonly #settle: Settle
  readonly #chunks: Buffer[] = []
  #length = 0
  #head: Pick<Received, 'status' | 'headers'> | null = null

  constructor(bytesMax: number, settle: Settle) {
    this.#bytesMax = bytesMax
    this.#settle = settle
  }

  onRequestStart(): void {
    // It is sent once its connection is there; nothing is to be done then.
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status >= 200) this.#head = { status, headers }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length <= this.#bytesMax) return void this.#chunks.push(chunk)
    if (this.#head !== null) this.#settle.resolve({ ...this.#head, body: null })
    controller.abort(new ExecutorFailure('limit', 'output'))
  }

  onResponseEnd(): void {
    if (this.#head === null) return this.#settle.reject(new Error('an end without an answer'))
    this.#settle.resolve({ ...this.#head, body: Buffer.concat(this.#chunks) })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#settle.reject(error)
  }
}

function failureOf(error: unknown): ExecutorFailure {
  if (error instanceof ExecutorFailure) return error
  const { code = '' } = error as { code?: string }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new ExecutorFailure('limit', 'headers')
  const isMalformed =
    (error as Error).name === 'HTTPParserError' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
  return new ExecutorFailure('threw', isMalformed ? 'malformed' : 'connection-lost', {
    cause: error,
  })
}
