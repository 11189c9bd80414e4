import { Socket } from 'node:net'
import { setImmediate as immediate } from 'node:timers/promises'
import { callbackify } from 'node:util'
import type { buildConnector } from 'undici'
import { canonicalAddress } from '../../http-allow.ts'
import { ExecutorFailure } from '../../ports.ts'
import type { Guard } from './guard.ts'

/** A connection, the address that was judged for it, and the one that it really has. */
export type Pinned = Readonly<{ judged: string; connected: string | null; socket: Socket }>

/** undici's own connector gives the socket at once, to be taken back while it still connects. */
export type Dial = (...asked: Parameters<buildConnector.connector>) => unknown
type Options = Parameters<Dial>[0]
type Connecting = Readonly<{ guard: Guard; dial: Dial }>

/** Who made a connector, and what it is told. */
export type Owner = Readonly<{
  /** Nobody waits for a connection any more. */
  isOver(): boolean
  dialing(socket: Socket): void
  pinned(pinned: Pinned): void
}>

/**
 * Connects to an address that was judged, and to no other: the name is resolved here, once for each
 * connection, and nobody resolves it again behind it. Literal addresses go the same way.
 *
 * TLS is verified against the name, or against the address where there is none.
 */
export function pinningConnector(
  origin: string,
  connecting: Connecting,
  owner: Owner,
): buildConnector.connector {
  const connect = callbackify(async (options: Options) => {
    const addresses = await admitted(origin, connecting.guard)
    const pinned = await firstOf(addresses, options, connecting.dial, owner)
    owner.pinned(pinned)
    return pinned.socket
  })
  return (options, callback) =>
    connect(options, (error, socket) =>
      error === null ? callback(null, socket) : callback(error, null),
    )
}

async function admitted(origin: string, guard: Guard): Promise<readonly string[]> {
  const { addresses, by } = await guard(origin).catch((cause: unknown) => {
    throw new ExecutorFailure('threw', 'no-address', { cause })
  })
  if (by === null) throw new ExecutorFailure('threw', 'address-refused')
  return addresses.flatMap((it) => canonicalAddress(it) ?? [])
}

/** Of several addresses the first that takes the connection. Nothing was sent to those before it. */
async function firstOf(
  addresses: readonly string[],
  options: Options,
  dial: Dial,
  owner: Owner,
): Promise<Pinned> {
  let last: unknown
  for (const judged of addresses) {
    if (owner.isOver()) break
    try {
      const socket = await connectTo(judged, options, dial, owner)
      await assertSilent(socket)
      return { judged, connected: canonicalAddress(socket.remoteAddress ?? ''), socket }
    } catch (error) {
      if (error instanceof ExecutorFailure) throw error
      last = error
    }
  }
  throw new ExecutorFailure('threw', isTls(last) ? 'tls' : 'no-connection', { cause: last })
}

/** Who answers before it was asked answers something else. */
async function assertSilent(socket: Socket): Promise<void> {
  await immediate()
  if (socket.readableLength === 0) return
  socket.destroy()
  throw new ExecutorFailure('threw', 'malformed')
}

function connectTo(address: string, options: Options, dial: Dial, owner: Owner): Promise<Socket> {
  const { hostname } = options
  const servername = canonicalAddress(hostname) === null ? hostname : ''
  return new Promise((resolve, reject) => {
    const asked = { ...options, hostname: address, servername }
    const socket = dial(asked, (...[error, connected]) => {
      if (error === null) resolve(connected)
      else reject(error)
    })
    if (socket instanceof Socket) owner.dialing(socket)
  })
}

const TLS = /^(?:CERT_|ERR_TLS|ERR_SSL|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/

const isTls = (error: unknown): boolean => {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && TLS.test(code)
}
