import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { LIMITS } from '../../domain/limits.ts'

const LISTENERS_MAX = 20

/**
 * Answers with text that is made as fast as the client takes it: a slow one holds nothing but what
 * one write holds. A client that takes nothing for `stalledMs` loses the answer.
 */
export function sendText(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
  texts: AsyncIterable<string>,
  stalledMs: number = LIMITS.streamStalledMs,
): FastifyReply {
  // Whatever waits for the end of an answer listens by itself: more than Node takes for a leak.
  reply.raw.setMaxListeners(LISTENERS_MAX)
  const body = notStalled(texts, stalledMs, () => reply.raw.destroy())
  reply.headers({ ...headers, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  return reply.send(Readable.from(body, { objectMode: false }))
}

/** Passes text on. What was handed over and is not asked for more in time has a reader that is stuck. */
async function* notStalled(
  texts: AsyncIterable<string>,
  stalledMs: number,
  onStalled: () => void,
): AsyncGenerator<string> {
  for await (const text of texts) {
    const timer = setTimeout(onStalled, stalledMs)
    try {
      yield text
    } finally {
      clearTimeout(timer)
    }
  }
}
