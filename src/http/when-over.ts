import type { ServerResponse } from 'node:http'

/**
 * Calls once when an answer was sent, or its connection closed, which may be so already: then at
 * once. `stream.finished` takes ten listeners for it.
 */
export function whenOver(response: ServerResponse, then: () => void): void {
  let over = false
  const once = (): void => {
    if (over) return
    over = true
    then()
  }
  if (response.closed || response.writableFinished) return once()
  response.once('finish', once)
  response.once('close', once)
}
