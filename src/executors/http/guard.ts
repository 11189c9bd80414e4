import { lookup } from 'node:dns/promises'
import { allowedBy, canonicalAddress, type HttpAllow, hostOf } from '../../http-allow.ts'
import { within } from '../../within.ts'

/** All addresses of a name, the one to be tried first before the others. */
export type Lookup = (name: string) => Promise<readonly string[]>

/** As the system resolves names for everybody: /etc/hosts and search domains too. */
export const systemLookup: Lookup = async (name) =>
  (await lookup(name, { all: true })).map((it) => it.address)

/** Where an origin is, and the entries of the allow-list that let requests go there; null for none. */
export type Judged = Readonly<{ addresses: readonly string[]; by: readonly string[] | null }>

/** Judges an origin as its name resolves at that moment. Rejects when the name cannot be resolved. */
export type Guard = (origin: string) => Promise<Judged>

/** A lookup takes one of few threads, and may take it for long. */
const LOOKUP_MS = 2_000

/**
 * Those who ask for a name while it is being looked up share the answer. Nobody waits for one that
 * takes too long, and nobody asks for its name again until it has ended.
 */
export function createGuard(allow: HttpAllow, resolve: Lookup): Guard {
  const underWay = new Map<string, Promise<readonly string[]>>()
  const slow = new Set<string>()
  const lookUp = (host: string): Promise<readonly string[]> => {
    const asked = resolve(host).finally(() => {
      underWay.delete(host)
      slow.delete(host)
    })
    underWay.set(host, asked)
    return asked
  }
  const tooSlow = (host: string) => (): never => {
    slow.add(host)
    throw new Error(`${host} is still being looked up`)
  }
  const addressesOf = async (host: string): Promise<readonly string[]> => {
    if (canonicalAddress(host) !== null) return [host]
    if (slow.has(host)) return tooSlow(host)()
    return within(LOOKUP_MS, underWay.get(host) ?? lookUp(host), tooSlow(host))
  }
  return async (origin) => {
    // A name that no entry could admit is not even looked up.
    if (allow.ranges.length === 0 && !allow.origins.has(origin)) return { addresses: [], by: null }
    const addresses = await addressesOf(hostOf(origin))
    return { addresses, by: allowedBy(allow, origin, addresses) }
  }
}
