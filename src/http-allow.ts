import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = Readonly<{ text: string; matches(address: Address): boolean }>

/** Where dry runs of type `http` may go: origins to the letter, and ranges of addresses. */
export type HttpAllow = Readonly<{ origins: ReadonlySet<string>; ranges: readonly Range[] }>

export const NOWHERE: HttpAllow = { origins: new Set(), ranges: [] }

/** Reads a comma list of origins and CIDRs. Throws with what is wrong with an entry. */
export function parseHttpAllow(text: string): HttpAllow {
  const entries = text
    .split(',')
    .map((it) => it.trim())
    .filter((it) => it !== '')
  const origins = entries.filter((it) => isHttpOrigin(it))
  const ranges = entries.filter((it) => !isHttpOrigin(it)).map(rangeOf)
  return { origins: new Set(origins), ranges }
}

/**
 * Whether a text is an http or https origin as RFC 6454 serializes it: no other spelling is one. A
 * URL may have a host that looks like a pattern; here nothing is one.
 */
export function isHttpOrigin(text: string): boolean {
  if (!URL.canParse(text) || /[*,]/.test(text)) return false
  const { origin, protocol } = new URL(text)
  return origin === text && (protocol === 'http:' || protocol === 'https:')
}

/** Four decimal parts for IPv4: others are read as octal by some and as decimal by others. */
const isCidr = (text: string): boolean =>
  ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)

function rangeOf(text: string): Range {
  if (!isCidr(text)) throw new Error(`${text} is neither an origin nor a CIDR`)
  const [network, bits] = ipaddr.parseCIDR(text)
  if (network.kind() === 'ipv6' && (network as ipaddr.IPv6).isIPv4MappedAddress()) {
    throw new Error(`${text} is a range of IPv4: write it as one`)
  }
  const first = firstOf(network, text)
  if (network.toString() !== first.toString()) {
    throw new Error(`${text} begins inside of its range: write ${first.toString()}/${bits}`)
  }
  return {
    text,
    // Addresses of another kind lie in no range of this one.
    matches: (address) =>
      address.kind() === network.kind() && (address as ipaddr.IPv4).match(network, bits),
  }
}

const firstOf = (network: Address, text: string): Address =>
  network.kind() === 'ipv4'
    ? ipaddr.IPv4.networkAddressFromCIDR(text)
    : ipaddr.IPv6.networkAddressFromCIDR(text)

/** The host of an origin, without the brackets of an IPv6 address. */
export const hostOf = (origin: string): string => new URL(origin).hostname.replace(/^\[|\]$/g, '')

/** An address as it is judged: IPv4-mapped IPv6 is IPv4. Null where it is no address. */
export const canonicalAddress = (text: string): string | null => parse(text)?.toString() ?? null

/** Read as a URL is, and not as ipaddr.js would: it takes `::10.0.0.1` and `10.1` for addresses of IPv4. */
function parse(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  const bracketed = `http://[${text}]`
  if (!text.includes(':') || !URL.canParse(bracketed)) return null
  return ipaddr.process(hostOf(bracketed))
}

/**
 * The entries that let a request to an origin go to any of these addresses, or null where they do
 * not: one address that may not be reached closes all the others.
 *
 * A range admits its addresses on every port. An origin admits its own host if that is an address.
 * If it is a name it admits what is public, because names move; `localhost` (RFC 6761) stays here.
 */
export function allowedBy(
  allow: HttpAllow,
  origin: string,
  addresses: readonly string[],
): readonly string[] | null {
  const entries = addresses.map((it) => entryFor(allow, origin, it))
  if (entries.length === 0 || entries.includes(null)) return null
  return [...new Set(entries as readonly string[])].toSorted()
}

function entryFor(allow: HttpAllow, origin: string, text: string): string | null {
  const address = parse(text)
  if (address === null) return null
  const range = allow.ranges.find((it) => it.matches(address))
  if (range !== undefined) return range.text
  return allow.origins.has(origin) && mayHave(hostOf(origin), address) ? origin : null
}

function mayHave(host: string, address: Address): boolean {
  const literal = canonicalAddress(host)
  if (literal !== null) return literal === address.toString()
  return isLocalName(host) ? address.range() === 'loopback' : isPublic(address)
}

const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost')

/** Global unicast of IPv6; what embeds an address of IPv4, or is set aside, has a name of its own. */
const GLOBAL = ipaddr.IPv6.parseCIDR('2000::/3')

/** Where Azure answers its own machines: public by number, and inner by what it says. */
const WIRE_SERVER = '168.63.129.16'

const isPublic = (address: Address): boolean =>
  address.range() === 'unicast' &&
  address.toString() !== WIRE_SERVER &&
  (address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(GLOBAL))
