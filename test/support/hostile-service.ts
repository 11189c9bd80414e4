import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import { createAuthority } from './certificates.ts'
import type { HostileStep, HostileTls } from './hostile-http.ts'
import { type Listening, listening } from './http-service.ts'

/** What the first request is answered by, and those after it. */
export type Script = Readonly<{
  sends: readonly HostileStep[]
  next?: readonly HostileStep[] | undefined
}>

export type HostileServer = Listening &
  Readonly<{
    /** What it was asked, each request as it came. */
    requests(): readonly string[]
  }>

const AUTHORITY = createAuthority('ours')
/** The authority that the services with TLS are verified by. */
export const HOSTILE_CA = AUTHORITY.ca

const NAMES = ['svc.test', '127.0.0.1']
const TLS: Readonly<Partial<Record<HostileTls, () => TlsOptions>>> = {
  good: () => AUTHORITY.certify({ names: NAMES }),
  'self-signed': () => createAuthority('service').certify({ names: NAMES }),
  'other-authority': () => createAuthority('ours').certify({ names: NAMES }),
  expired: () => AUTHORITY.certify({ names: NAMES, from: -3, until: -1 }),
  'not-yet': () => AUTHORITY.certify({ names: NAMES, from: 1, until: 3 }),
  'other-name': () => AUTHORITY.certify({ names: ['other.test', '127.0.0.2'] }),
  'address-as-name': () => AUTHORITY.certify({ names: ['svc.test'], asNames: ['127.0.0.1'] }),
  'asks-for-certificate': () => ({
    ...AUTHORITY.certify({ names: NAMES }),
    requestCert: true,
    rejectUnauthorized: true,
  }),
  old: () => ({
    ...AUTHORITY.certify({ names: NAMES }),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
  }),
}

/** What is done by those who do not speak TLS where they should. */
const NO_TLS: Readonly<Partial<Record<HostileTls, (socket: Socket) => void>>> = {
  'never-speaks': () => undefined,
  'cut-in-handshake': (socket) => socket.resetAndDestroy(),
  'speaks-no-tls': (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
}

/** A service on loopback that answers as its script says, whatever it is asked. */
export async function openHostile(script: Script, tls?: HostileTls): Promise<HostileServer> {
  const requests: string[] = []
  const converse = (socket: Socket): void => {
    let heard = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      const length = lengthOfRequest(heard)
      if (length === null || heard.length < length) return
      requests.push(heard.slice(0, length))
      heard = heard.slice(length)
      const steps = requests.length > 1 ? (script.next ?? []) : script.sends
      play(socket, steps).catch(() => socket.destroy())
    })
  }
  const speaksNoTls = tls && NO_TLS[tls]
  const options = tls && TLS[tls]?.()
  const server = options ? createTlsServer(options, converse) : createServer()
  if (speaksNoTls) server.on('connection', (it: Socket) => it.once('data', () => speaksNoTls(it)))
  else if (!options) server.on('connection', converse)
  server.on('tlsClientError', () => undefined)
  return { ...(await listening(server)), requests: () => requests }
}

/** Null while its head has not come. */
function lengthOfRequest(text: string): number | null {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? '0'
  return end + 4 + Number(length)
}

async function play(socket: Socket, steps: readonly HostileStep[]): Promise<void> {
  for (const step of steps) {
    if (typeof step === 'string' || 'head' in step) socket.write(bytesOf(step))
    else if ('repeat' in step) await repeat(socket, step)
    else if (step.last === 'end') socket.end()
    else await cut(socket)
  }
}

/** A client that has not read what came before would only see an end: it has turns to read it in. */
const TURNS = 20
async function cut(socket: Socket): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn()
  socket.resetAndDestroy()
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const headOf = (lines: readonly string[]): Buffer => {
  const text = lines.join('\r\n')
  return latin1(`${/^HTTP/i.test(text) ? '' : 'HTTP/1.1 '}${text}\r\n\r\n`)
}

type Bytes = string | Extract<HostileStep, { head: unknown }>
type Packed = Pick<Extract<HostileStep, { packed: unknown }>, 'packed' | 'zeros'>

const FAST = { level: 1 }
const FAST_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const PACK = {
  gzip: (it: Buffer) => gzipSync(it, FAST),
  deflate: (it: Buffer) => deflateSync(it, FAST),
  br: (it: Buffer) => brotliCompressSync(it, FAST_BROTLI),
}
/** They take longer to be made than to be sent. */
const bombs = new Map<string, Buffer>()
function bombOf({ packed, zeros }: Packed): Buffer {
  const name = `${packed} ${zeros}`
  const bomb = bombs.get(name) ?? PACK[packed](Buffer.alloc(zeros))
  bombs.set(name, bomb)
  return bomb
}

function bytesOf(step: Bytes): Buffer {
  if (typeof step === 'string') return latin1(step)
  const { head } = step
  if ('packed' in step) {
    const body = bombOf(step)
    const lines = [`Content-Encoding: ${step.packed}`, `Content-Length: ${body.length}`]
    return Buffer.concat([headOf([...head, ...lines]), body])
  }
  if (step.body === undefined) return headOf(head)
  const body = latin1(step.body)
  return Buffer.concat([headOf([...head, `Content-Length: ${body.length}`]), body])
}

const AT_ONCE_BYTES = 4_096

async function repeat(
  socket: Socket,
  { repeat: text, times = Infinity, everyMs }: Extract<HostileStep, { repeat: string }>,
): Promise<void> {
  const atOnce = everyMs === undefined ? Math.min(times, Math.ceil(AT_ONCE_BYTES / text.length)) : 1
  const some = latin1(text.repeat(atOnce))
  for (let sent = 0; sent < times && !socket.destroyed; sent += atOnce) {
    const isFull = !socket.write(some)
    if (everyMs !== undefined) await pause(everyMs)
    else if (isFull) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
}
