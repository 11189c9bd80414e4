import type { ServerResponse } from 'node:http'

/** Calls once when an answer was sent, or its connection closed. `stream.finished` takes ten listeners. */
export function whenOver(response: ServerResponse, then: () => void): void {
  let over = false
  const once = (): void => {
    if (over) return
    over = true
    then()
  }
  response.once('finish', once)
  response.once('close', once)
}
