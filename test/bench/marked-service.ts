import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A service that costs next to nothing: what it was sent, with the marker of a rollback. */
const headers = { 'content-type': 'application/json', 'preference-applied': 'tx=rollback' }
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => response.writeHead(200, headers).end(Buffer.concat(chunks)))
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
