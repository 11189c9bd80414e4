import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'

/** What a service was asked, in the order of the requests. */
export type Heard = Readonly<{
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}>

export type Service = Readonly<{
  origin: string
  port: number
  heard: Heard[]
  /** How many connections it was ever sent. */
  connections(): number
  close(): Promise<void>
}>

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
  return { ...(await listening(server)), heard }
}

/** One that is sent bytes, and answers bytes: what it says need not be HTTP. */
export async function openRawService(answer: (socket: Socket) => void): Promise<Service> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    // It speaks only once it was spoken to.
    socket.once('data', () => answer(socket))
  })
  return { ...(await listening(server)), heard: [] }
}

async function listening(server: Server): Promise<Omit<Service, 'heard'>> {
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
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    connections: () => connections,
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
