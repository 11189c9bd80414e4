import type { FastifyRequest } from 'fastify'

const SESSION_SECONDS = 12 * 60 * 60

/** By port: cookies do not tell ports apart, and two ledgers may be served at one address. */
const cookieName = ({ host }: FastifyRequest): string =>
  `ledger_key_${/:([0-9]+)$/.exec(host)?.[1] ?? 'default'}`

/**
 * The cookie in which a browser holds a key for the console: no script can read it, and no other site sends it.
 * It is the key itself, so revoking the key ends the session, and no server has to remember one.
 */
export function sessionCookie(request: FastifyRequest, key: string | null): string {
  const age = key === null ? 0 : SESSION_SECONDS
  const secure = request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  return `${cookieName(request)}=${key ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`
}

/** What a request brings to show who asks: the one header, or else the cookie of the console. */
export function authorizationOf(request: FastifyRequest): string | undefined {
  const { headers, raw } = request
  const sent = raw.rawHeaders.filter((it, at) => at % 2 === 0 && /^authorization$/i.test(it))
  // Two keys are none: what stands before the server may have looked at the other one.
  if (sent.length > 1) return undefined
  if (headers.authorization !== undefined) return headers.authorization
  const key = keyOfCookie(request)
  return key !== undefined && isOwnPage(request) ? `Bearer ${key}` : undefined
}

function keyOfCookie(request: FastifyRequest): string | undefined {
  const name = `${cookieName(request)}=`
  const pairs = (request.headers.cookie ?? '').split(';').map((it) => it.trim())
  const found = pairs.filter((it) => it.startsWith(name))
  return found.length === 1 ? found[0]?.slice(name.length) : undefined
}

/**
 * A page at another port of this address is the same site, so its requests carry the cookie, too. A
 * browser says where a request comes from, and at least the origin of one that changes something.
 */
function isOwnPage({ headers, host, method }: FastifyRequest): boolean {
  const from = headers['sec-fetch-site']
  if (from !== undefined) return from === 'same-origin' || (from === 'none' && method === 'GET')
  const { origin } = headers
  if (origin === undefined) return method === 'GET'
  return URL.canParse(origin) && new URL(origin).host === host
}
