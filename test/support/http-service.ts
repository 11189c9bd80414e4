import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'

/** What a service was asked, in the order of the requests. */
export type Heard = Readonly<{
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}>

export type Listening = Readonly<{
  port: number
  /** How many connections were taken. */
  connections(): number
  /** How many of them are not closed. */
  open(): number
  close(): Promise<void>
}>

export type Service = Listening & Readonly<{ origin: string; heard: Heard[] }>

/** A service on loopback that answers as the test says. */
export async function openService(answer: RequestListener): Promise<Service> {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      heard.push({ method, url, headers, body })
      answer(request, response)
    })
  })
  const service = await listening(server)
  return { ...service, origin: `http://127.0.0.1:${service.port}`, heard }
}

/** Lets a server listen on loopback, and counts its connections. */
export async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers JSON with the marker of a rollback. */
export const dryAnswer =
  (body: unknown = { ok: true }, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      'preference-applied': 'tx=rollback',
    })
    response.end(JSON.stringify(body))
  }
