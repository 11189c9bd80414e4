import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allowedBy,
  canonicalAddress,
  hostOf,
  isHttpOrigin,
  NOWHERE,
  parseHttpAllow,
} from '../../src/http-allow.ts'

describe('an origin', () => {
  it.each([
    ['http://a', 'https://a', 'http://a:8081', 'https://a:80', 'http://a:443', 'http://a.b.c'],
    ['http://localhost:1', 'http://127.0.0.1', 'http://127.0.0.1:65535', 'http://xn--bcher-kva.x'],
    ['http://[::1]', 'http://[::1]:8081', 'https://[2001:db8::1]', 'http://[::ffff:7f00:1]'],
  ])('may be %s', (...texts) => {
    for (const text of texts) expect(isHttpOrigin(text), text).toBe(true)
  })

  it.each([
    ['', 'null', 'a', 'a:80', '//a', 'http:', 'http://', 'http:///a', 'http:a', '10.0.0.0/8'],
    ['http://a/', 'http://a/b', 'http://a?', 'http://a?b', 'http://a#', 'http://a#b', 'http://a:'],
    ['http://a:80', 'https://a:443', 'http://a:080', 'http://a:65536', 'http://a:-1', 'http://a:x'],
    [
      'HTTP://a',
      'http://A',
      'http://bücher.x',
      'http://%61',
      'http:\\\\a',
      ' http://a',
      'http://a ',
    ],
    ['http://a\n', 'http://a\t', 'http://u@a', 'http://u:p@a', 'http://@a', 'http://a\u0000'],
    ['http://127.1', 'http://0177.0.0.1', 'http://0x7f000001', 'http://2130706433', 'http://::1'],
    ['http://[::FFFF:7f00:1]', 'http://[0:0:0:0:0:0:0:1]', 'http://[::ffff:127.0.0.1]'],
    ['ws://a', 'ftp://a', 'file://', 'blob:http://a', 'about:blank', 'data:,', 'javascript:x'],
  ])('has one spelling: not %j', (...texts) => {
    for (const text of texts) expect(isHttpOrigin(text), text).toBe(false)
  })

  it('has a host, without the brackets of an address', () => {
    expect(hostOf('http://a.b:8081')).toBe('a.b')
    expect(hostOf('http://127.0.0.1:1')).toBe('127.0.0.1')
    expect(hostOf('https://[2001:db8::1]:1')).toBe('2001:db8::1')
  })
})

describe('an allow-list', () => {
  it('is nothing where it is empty, or only commas and spaces', () => {
    for (const text of ['', ' ', ',', ' , ,, ']) expect(parseHttpAllow(text)).toEqual(NOWHERE)
  })

  it('is origins and ranges in any order, with spaces around them', () => {
    const { origins, ranges } = parseHttpAllow(
      ' 10.0.0.0/8,http://a:1 ,, ::1/128,https://b,10.0.0.0/8',
    )
    expect([...origins]).toEqual(['http://a:1', 'https://b'])
    expect(ranges.map((it) => it.text)).toEqual(['10.0.0.0/8', '::1/128', '10.0.0.0/8'])
  })

  it.each([
    ['a', '*', '10.0.0.1', '::1', '[::1]/128', 'localhost', 'localhost/8', '/8', '10.0.0.0/', '/'],
    [
      'http://a/',
      'HTTP://a',
      'http://a:80',
      'https://a:443',
      'ftp://a',
      'http://u@a',
      'http://127.1',
    ],
    ['http://*', 'http://*.example', 'https://a*b'],
    ['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/+8', '10.0.0.0/8.0', '10.0.0.0/ 8', '10.0.0.0 /8'],
    ['::/129', '256.0.0.0/8', '10.0.0.0.0/8', '::g/64', '10.0.0.0/255.0.0.0', '10.0.0.0/8/8'],
  ])('may not have %j', (...texts) => {
    for (const text of texts) {
      const why = `${text} is neither an origin nor a CIDR`
      expect(() => parseHttpAllow(text), text).toThrow(new Error(why))
      expect(() => parseHttpAllow(`http://a,${text},10.0.0.0/8`)).toThrow(new Error(why))
    }
  })

  it.each(['010.0.0.0/8', '10/8', '10.1/16', '0x0a000000/8', '0xa.0.0.0/8', '167772160/8'])(
    'may not have %s, which two readers would read differently',
    (text) => {
      expect(() => parseHttpAllow(text)).toThrow(`${text} is neither an origin nor a CIDR`)
    },
  )

  it.each(['::ffff:10.0.0.0/104', '::ffff:a00:0/104', '::ffff:0:0/96', '::FFFF:a00:0/128'])(
    'may not have %s, because the addresses in it are judged as IPv4',
    (text) => {
      expect(() => parseHttpAllow(text)).toThrow(`${text} is a range of IPv4: write it as one`)
    },
  )
})

const ORIGIN = 'http://service.example:8081'
const by = (allow: string, addresses: readonly string[], origin = ORIGIN) =>
  allowedBy(parseHttpAllow(allow), origin, addresses)

describe('an address by a range', () => {
  it('is allowed on every port, by either scheme, under any name', () => {
    for (const origin of [
      ORIGIN,
      'https://other.example',
      'http://10.1.2.3:22',
      'http://localhost',
    ])
      expect(by('10.0.0.0/8', ['10.1.2.3'], origin)).toEqual(['10.0.0.0/8'])
  })

  it('is allowed where all addresses of the name lie inside, and only then', () => {
    expect(by('10.0.0.0/8,fd00::/8', ['10.0.0.1', 'fd00::1'])).toEqual(['10.0.0.0/8', 'fd00::/8'])
    expect(by('10.0.0.0/8', ['10.0.0.1', '10.255.255.255'])).toEqual(['10.0.0.0/8'])
    expect(by('10.0.0.0/8', ['10.0.0.1', '11.0.0.1'])).toBeNull()
    expect(by('10.0.0.0/8', ['11.0.0.1', '10.0.0.1'])).toBeNull()
    expect(by('10.0.0.0/8', ['10.0.0.1', 'fd00::1'])).toBeNull()
    expect(by('10.0.0.0/8', ['10.0.0.1', 'no address'])).toBeNull()
    expect(by('0.0.0.0/0,::/0', [])).toBeNull()
  })

  it('is judged as IPv4 where it is IPv4-mapped', () => {
    expect(by('127.0.0.0/8', ['::ffff:127.0.0.1'])).toEqual(['127.0.0.0/8'])
    expect(by('127.0.0.0/8', ['::ffff:7f00:1'])).toEqual(['127.0.0.0/8'])
    expect(by('::/0', ['::ffff:127.0.0.1'])).toBeNull()
    expect(canonicalAddress('::ffff:7f00:1')).toBe('127.0.0.1')
  })

  it('is no address of IPv4 by what it embeds', () => {
    for (const it of [
      '::7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '::ffff:0:7f00:1',
    ])
      expect(by('127.0.0.0/8,0.0.0.0/0', [it]), it).toBeNull()
  })
})

describe('an address by an origin', () => {
  const own = (origin: string, ...addresses: string[]) => by(origin, addresses, origin)

  it('is allowed for that text alone', () => {
    expect(own('https://a.example', '8.8.8.8')).toEqual(['https://a.example'])
    for (const other of ['http://a.example', 'https://a.example:444', 'https://b.a.example'])
      expect(by('https://a.example', ['8.8.8.8'], other)).toBeNull()
  })

  it('of an address is allowed for that address', () => {
    expect(own('http://127.0.0.1:8081', '127.0.0.1')).toEqual(['http://127.0.0.1:8081'])
    expect(own('http://[::1]', '::1')).toEqual(['http://[::1]'])
    expect(own('http://[::ffff:7f00:1]', '::ffff:7f00:1')).toEqual(['http://[::ffff:7f00:1]'])
    expect(by('http://127.0.0.1:8081', ['127.0.0.1'], 'http://127.0.0.1:8082')).toBeNull()
  })

  it('of an address is allowed for no other one', () => {
    expect(own('http://127.0.0.1:8081', '10.0.0.1')).toBeNull()
    expect(own('http://127.0.0.1:8081', '127.0.0.1', '10.0.0.1')).toBeNull()
  })

  it('of localhost, or a name below it, is allowed on loopback alone', () => {
    for (const origin of ['http://localhost:1', 'http://a.localhost', 'https://a.b.localhost']) {
      expect(own(origin, '127.0.0.1', '::1', '127.255.255.254', '::ffff:7f00:1')).toEqual([origin])
      for (const it of ['8.8.8.8', '10.0.0.1', '0.0.0.0', '::', '169.254.169.254', '::7f00:1'])
        expect(own(origin, '127.0.0.1', it), it).toBeNull()
    }
    for (const origin of ['http://localhost.example', 'http://mylocalhost', 'http://localhost.'])
      expect(own(origin, '127.0.0.1'), origin).toBeNull()
  })

  it('of a name is allowed where all its addresses are public, or lie in a range', () => {
    expect(own(ORIGIN, '8.8.8.8', '2606:4700::1')).toEqual([ORIGIN])
    expect(own(ORIGIN, '8.8.8.8', '10.0.0.1')).toBeNull()
    expect(by(`${ORIGIN},10.0.0.0/8`, ['8.8.8.8', '10.0.0.1'])).toEqual(['10.0.0.0/8', ORIGIN])
    expect(by(`${ORIGIN},10.0.0.0/8`, ['8.8.8.8', '10.0.0.1', '127.0.0.1'])).toBeNull()
  })

  it.each([
    ['unspecified', '0.0.0.0', '0.1.2.3', '::'],
    ['loopback', '127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '::ffff:10.0.0.1'],
    ['unique local', 'fc00::1', 'fd00:ec2::254', 'fdff::1'],
    ['link-local', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1'],
    ['shared by a carrier', '100.64.0.1', '100.127.255.255'],
    ['for benchmarks', '198.18.0.1', '198.19.255.255', '2001:2::1'],
    ['for documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    ['multicast, broadcast or reserved', '224.0.0.1', '255.255.255.255', '240.0.0.1', 'ff02::1'],
    ['set aside', '192.0.0.1', '192.88.99.1', '100::1', '5f00::1', '4000::1', '2001:20::1'],
    ['behind NAT64', '64:ff9b::8.8.8.8', '64:ff9b::808:808', '64:ff9b:1::a00:1'],
    ['6to4', '2002:808:808::1', '2002:7f00:1::'],
    ['Teredo', '2001::1', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['IPv4-compatible', '::7f00:1', '::127.0.0.1', '::808:808', '::8.8.8.8'],
    ['IPv4-translated', '::ffff:0:808:808', '::ffff:0:8.8.8.8'],
  ])('of a name is never allowed where an address is %s', (_what, ...addresses) => {
    for (const it of addresses) {
      expect(own(ORIGIN, it), it).toBeNull()
      expect(own(ORIGIN, '8.8.8.8', it), it).toBeNull()
    }
  })
})

type Numbered = Readonly<{ width: 32 | 128; value: bigint }>

/** Spelled out in full, so that nothing but the numbers matters. */
const spell = ({ width, value }: Numbered): string => {
  const size = width === 32 ? 8n : 16n
  const groups = Array.from({ length: width === 32 ? 4 : 8 }, (_, at) =>
    ((value >> (size * BigInt(at))) & ((1n << size) - 1n)).toString(width === 32 ? 10 : 16),
  )
  return groups.toReversed().join(width === 32 ? '.' : ':')
}

/** What an address is judged as: ::ffff:0:0/96 holds the addresses of IPv4. */
const judgedAs = ({ width, value }: Numbered): Numbered =>
  width === 128 && value >> 32n === 0xffffn
    ? { width: 32, value: value & 0xffff_ffffn }
    : { width, value }

const liesIn = (address: Numbered, network: Numbered, bits: number): boolean => {
  const { width, value } = judgedAs(address)
  const shift = BigInt(network.width - bits)
  return width === network.width && value >> shift === network.value >> shift
}

const numbered = (width: 32 | 128): fc.Arbitrary<Numbered> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n }).map((value) => ({ width, value }))
const anyNumbered = fc.oneof(numbered(32), numbered(128))
const mapped = numbered(32).map(
  ({ value }): Numbered => ({ width: 128, value: (0xffffn << 32n) | value }),
)
/** Inside, just outside, or anywhere: a network with one of its bits turned, or another address. */
const near = (network: Numbered): fc.Arbitrary<Numbered> =>
  fc
    .nat(network.width - 1)
    .map((bit) => ({ ...network, value: network.value ^ (1n << BigInt(bit)) }))
const networkAndAddress = anyNumbered.chain((network) =>
  fc.record({
    network: fc.constant(network),
    bits: fc.nat(network.width),
    address: fc.oneof(near(network), fc.constant(network), anyNumbered, mapped),
  }),
)

describe('whatever the address', () => {
  it('an empty allow-list allows nothing', () => {
    fc.assert(
      fc.property(fc.array(anyNumbered, { maxLength: 3 }), (addresses) => {
        const texts = addresses.map(spell)
        expect(allowedBy(NOWHERE, ORIGIN, texts)).toBeNull()
        expect(by('', texts)).toBeNull()
        for (const it of texts) {
          const host = it.includes(':') ? `[${it}]` : it
          expect(by('', [it], new URL(`http://${host}`).origin)).toBeNull()
        }
      }),
    )
  })

  it('a range allows it exactly where it lies in the range', () => {
    const seen = new Set<boolean>()
    fc.assert(
      fc.property(networkAndAddress, ({ network, bits, address }) => {
        fc.pre(judgedAs(network).width === network.width)
        const shift = BigInt(network.width - bits)
        const first = { ...network, value: (network.value >> shift) << shift }
        fc.pre(judgedAs(first).width === first.width)
        const range = `${spell(first)}/${bits}`
        const isInside = liesIn(address, network, bits)
        expect(by(range, [spell(address)])).toEqual(isInside ? [range] : null)
        seen.add(isInside)
      }),
      { numRuns: 2_000 },
    )
    expect(seen).toEqual(new Set([true, false]))
  })

  it('a range begins where it begins, so that no typing error opens it wide', () => {
    fc.assert(
      fc.property(networkAndAddress, ({ network, bits }) => {
        const shift = BigInt(network.width - bits)
        const first = { ...network, value: (network.value >> shift) << shift }
        fc.pre(judgedAs(network).width === network.width && first.value !== network.value)
        const written = () => parseHttpAllow(`${spell(network)}/${bits}`)
        expect(written).toThrow(/begins inside of its range: write /)
      }),
    )
  })

  it('a name admits it only where it is unicast of the whole net', () => {
    fc.assert(
      fc.property(fc.oneof(anyNumbered, mapped), (address) => {
        const { width, value } = judgedAs(address)
        const isGlobal =
          width === 128 ? value >> 125n === 1n : value >> 24n < 224n && value >> 24n > 0n
        if (!isGlobal) expect(by(ORIGIN, [spell(address)])).toBeNull()
      }),
    )
  })
})
