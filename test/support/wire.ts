import { Agent, type IncomingMessage, request } from 'node:http'
import type { Answer } from './openapi.ts'
import type { Sent } from './requests.ts'

const PATIENCE_MS = 8_000
const LIVE = 'text/event-stream'

/**
 * Sends a request as it is, over a socket, and reads the whole answer; of a live tail its first
 * piece. Rejects when no answer came in time: a request that hangs is a finding.
 */
export function createWire(url: string): {
  send(sent: Sent): Promise<Answer>
  close(): void
} {
  const agent = new Agent({ keepAlive: true })
  return {
    send: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const chunked = 'transfer-encoding' in headers
        const length = body === null || chunked ? {} : { 'content-length': String(body.length) }
        const asked = request(url, { method, path, agent, headers: { ...length, ...headers } })
        asked.setTimeout(PATIENCE_MS, () => asked.destroy(new Error('no answer came in time')))
        asked.on('error', reject)
        asked.on('response', (response) => void readAnswer(response).then(resolve, reject))
        asked.end(body ?? undefined)
      }),
    close: () => agent.destroy(),
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const live = String(response.headers['content-type']).startsWith(LIVE)
  const pieces: Buffer[] = []
  for await (const piece of response) {
    pieces.push(piece as Buffer)
    if (live) break
  }
  const text = Buffer.concat(pieces).toString()
  const { statusCode = 0, headers, trailers } = response
  return {
    status: statusCode,
    headers: headers as Answer['headers'],
    trailers,
    text,
    json: parsed(text),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
