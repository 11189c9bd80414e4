import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One message of the Postgres protocol: its type, and all of its bytes. */
type Message = Readonly<{ type: string; bytes: Buffer }>

/** Cuts a stream into messages. What comes first from a client has no type byte. */
function cutter(untyped: number): (chunk: Buffer) => Message[] {
  let rest = Buffer.alloc(0)
  let left = untyped
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const messages: Message[] = []
    for (;;) {
      const offset = left > 0 ? 0 : 1
      if (rest.length < offset + 4) return messages
      const length = offset + rest.readInt32BE(offset)
      if (rest.length < length) return messages
      const type = left > 0 ? '' : String.fromCharCode(rest[0] ?? 0)
      messages.push({ type, bytes: rest.subarray(0, length) })
      rest = rest.subarray(length)
      left = Math.max(0, left - 1)
    }
  }
}

export type PoolingProxy = Readonly<{ url: string; close(): Promise<void> }>

/**
 * A pooler between clients and Postgres, as small as it can be. In mode `transaction` a client keeps
 * a backend only until Postgres says that no transaction is open; then anybody may have it. A
 * client logs in over a backend of its own, which joins the pool. It makes up process ids, as
 * PgBouncer does, and speaks no TLS.
 */
export async function startPoolingProxy(
  target: string,
  mode: 'transaction' | 'session',
): Promise<PoolingProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const idle: Backend[] = []
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => undefined)
    const backend = connect(Number(port), hostname)
    sockets.add(backend)
    backend.on('error', () => undefined)
    serve(client, { socket: backend, client }, { idle, mode })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

type Backend = { readonly socket: Socket; client: Socket | null }
type Pool = Readonly<{ idle: Backend[]; mode: 'transaction' | 'session' }>

function serve(client: Socket, first: Backend, { idle, mode }: Pool): void {
  let mine: Backend | null = first
  const release = (backend: Backend): void => {
    if (mode === 'session') return
    backend.client?.emit('released')
    backend.client = null
    idle.push(backend)
  }
  client.on('released', () => {
    mine = null
  })
  const fromBackend = cutter(0)
  first.socket.on('data', (chunk) => {
    for (const { type, bytes } of fromBackend(chunk)) {
      if (type === 'K') bytes.writeInt32BE(bytes.readInt32BE(5) + 1_000_000, 5)
      first.client?.write(bytes)
      if (type === 'Z' && bytes.toString('latin1', 5) === 'I') release(first)
    }
  })
  const fromClient = cutter(1)
  client.on('data', (chunk) => {
    for (const { type, bytes } of fromClient(chunk)) {
      if (type === 'X') return
      mine ??= idle.pop() ?? null
      if (mine === null) throw new Error('the pool is empty')
      mine.client = client
      mine.socket.write(bytes)
    }
  })
}
