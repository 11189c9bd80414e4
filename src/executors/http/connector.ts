import type { Socket } from 'node:net'
import { callbackify } from 'node:util'
import type { buildConnector } from 'undici'
import { canonicalAddress } from '../../http-allow.ts'
import { ExecutorFailure } from '../../ports.ts'
import type { Guard } from './guard.ts'

/** A connection, the address that was judged for it, and the one that it really has. */
export type Pinned = Readonly<{ judged: string; connected: string | null; socket: Socket }>

type Dial = buildConnector.connector
type Options = Parameters<Dial>[0]

/**
 * Connects to an address that was judged, and to no other: the name is resolved here, once for each
 * connection, and nobody resolves it again behind it. Literal addresses go the same way.
 *
 * TLS is verified against the name, or against the address where there is none.
 */
export function pinningConnector(
  origin: string,
  { guard, dial }: Readonly<{ guard: Guard; dial: Dial }>,
  onPinned: (pinned: Pinned) => void,
): Dial {
  const connect = callbackify(async (options: Options) => {
    const pinned = await connectPinned(origin, options, { guard, dial })
    onPinned(pinned)
    return pinned.socket
  })
  return (options, callback) =>
    connect(options, (error, socket) =>
      error === null ? callback(null, socket) : callback(error, null),
    )
}

async function connectPinned(
  origin: string,
  options: Options,
  { guard, dial }: Readonly<{ guard: Guard; dial: Dial }>,
): Promise<Pinned> {
  const { addresses, by } = await guard(origin).catch((cause: unknown) => {
    throw new ExecutorFailure('threw', 'no-address', { cause })
  })
  if (by === null) throw new ExecutorFailure('threw', 'address-refused')
  const judged = addresses.flatMap((it) => canonicalAddress(it) ?? [])
  let last: unknown
  for (const address of judged) {
    try {
      const socket = await connectTo(address, options, dial)
      const connected = canonicalAddress(socket.remoteAddress ?? '')
      return { judged: address, connected, socket }
    } catch (error) {
      last = error
    }
  }
  throw new ExecutorFailure('threw', isTls(last) ? 'tls' : 'no-connection', { cause: last })
}

function connectTo(address: string, options: Options, dial: Dial): Promise<Socket> {
  const { hostname } = options
  const servername = canonicalAddress(hostname) === null ? hostname : ''
  return new Promise((resolve, reject) => {
    dial({ ...options, hostname: address, servername }, (...[error, socket]) => {
      if (error === null) resolve(socket)
      else reject(error)
    })
  })
}

const TLS = /^(?:CERT_|ERR_TLS|ERR_SSL|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/

const isTls = (error: unknown): boolean => {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && TLS.test(code)
}
