import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

export type Credentials = Readonly<{ key: string; cert: string }>
type Wanted = Readonly<{
  /** What it is for: names, or addresses of IPv4. */
  names?: readonly string[]
  /** Addresses that stand in it as names, which is not how they are certified. */
  asNames?: readonly string[]
  /** Days from this one on. */
  from?: number
  until?: number
}>
type Authority = Readonly<{ ca: string; certify(wanted: Wanted): Credentials }>

const DAY_MS = 86_400_000

/** An authority that only this process knows. Written out here, for no tool has to be there then. */
export function createAuthority(name: string): Authority {
  const { publicKey, privateKey } = keyPair()
  const certify = (subject: string, key: KeyObject, extension: Buffer, wanted: Wanted): string => {
    const { from = -1, until = 1 } = wanted
    const signed = sequence(
      element(0xa0, integer(2)),
      integer(1),
      ECDSA_WITH_SHA256,
      nameOf(name),
      sequence(timeOf(from), timeOf(until)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      element(0xa3, sequence(extension)),
    )
    const signature = bits(sign('sha256', signed, privateKey))
    return pem('CERTIFICATE', sequence(signed, ECDSA_WITH_SHA256, signature))
  }
  return {
    ca: certify(name, publicKey, IS_AUTHORITY, {}),
    certify(wanted) {
      const pair = keyPair()
      const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { key, cert: certify('service', pair.publicKey, namesOf(wanted), wanted) }
    },
  }
}

const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** DER (X.690): a tag, a length, and what is in it. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: readonly Buffer[]): Buffer => element(0x30, ...parts)
const integer = (value: number): Buffer => element(0x02, Buffer.from([value]))
const bits = (content: Buffer): Buffer => element(0x03, Buffer.from([0]), content)
const octets = (content: Buffer): Buffer => element(0x04, content)
const identifier = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'))
const TRUE = element(0x01, Buffer.from([0xff]))

const ECDSA_WITH_SHA256 = sequence(identifier('2a8648ce3d040302'))
const COMMON_NAME = identifier('550403')
const nameOf = (text: string): Buffer =>
  sequence(element(0x31, sequence(COMMON_NAME, element(0x0c, Buffer.from(text)))))

/** UTCTime: YYMMDDhhmmssZ. */
const timeOf = (days: number): Buffer => {
  const text = new Date(Date.now() + days * DAY_MS).toISOString()
  return element(0x17, Buffer.from(`${text.replaceAll(/[^0-9]/g, '').slice(2, 14)}Z`))
}

const IS_AUTHORITY = sequence(identifier('551d13'), TRUE, octets(sequence(TRUE)))
const namesOf = ({ names = [], asNames = [] }: Wanted): Buffer => {
  const dns = (it: string): Buffer => element(0x82, Buffer.from(it))
  const address = (it: string): Buffer => element(0x87, Buffer.from(it.split('.').map(Number)))
  const all = [...names.map((it) => (isIPv4(it) ? address(it) : dns(it))), ...asNames.map(dns)]
  return sequence(identifier('551d11'), octets(sequence(...all)))
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`
