import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isExact } from '../../domain/exact-number.ts'

const exact = (text: string): boolean => isExact(text, Number(text))

const written = fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,25})?([eE][+-]?0?\d{1,3})?$/)
const double = fc.double({ noDefaultInfinity: true, noNaN: true })
/** The texts of doubles: as they are, more exact than they are, and moved by a power of ten. */
const neighbour = fc
  .tuple(double, fc.constantFrom('', '0', '00', '1', '001'), fc.integer({ min: -30, max: 30 }))
  .map(([value, more, shift]) => {
    const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
    const point = mantissa.includes('.') ? '' : '.0'
    const shifted = `${mantissa.replace('.', '')}${more}e${Number(exponent) - shift}`
    return [`${mantissa}${point}${more}e${exponent}`, shifted]
  })
  .chain((texts) => fc.constantFrom(...texts))
  .filter((text) => /^-?(0|[1-9])/.test(text) && !/^-?0\d/.test(text))

describe('the text of a number', () => {
  it('is exact if and only if it equals the shortest text of its double', () => {
    fc.assert(
      fc.property(fc.oneof(written, neighbour), (text) => {
        const value = Number(text)
        expect(exact(text)).toBe(Number.isFinite(value) && sameNumber(text, String(value)))
      }),
      { numRuns: 5_000 },
    )
  })

  it('is exact for zero, whatever its sign and power', () => {
    expect(
      ['0', '-0', '0.000', '-0.0e5', '0e999999999999', '0E-400'].filter((text) => !exact(text)),
    ).toEqual([])
  })

  it('is not exact where the double is infinite, or zero for what is not', () => {
    expect(['1e400', '-1e400', '1e999999999', '1e-400', '1e-999999999'].filter(exact)).toEqual([])
  })

  it('is judged in linear time', () => {
    const zeros = '0'.repeat(2_000_000)
    expect(
      [`1.${zeros}`, `0.${zeros}e-9`, `0.${zeros}1e2000001`].filter((text) => !exact(text)),
    ).toEqual([])
    expect(
      [`1${zeros}`, `1.${zeros}1`, `0.${zeros}1`, `1e1${zeros}`, `1e-1${zeros}`].filter(exact),
    ).toEqual([])
  })
})

/** The oracle: both texts as whole numbers of one power of ten, compared as such. */
function sameNumber(left: string, right: string): boolean {
  const [a, b] = [fractionOf(left), fractionOf(right)]
  const least = Math.min(a.exponent, b.exponent)
  const scaled = ({ whole, exponent }: Fraction): bigint => whole * 10n ** BigInt(exponent - least)
  return scaled(a) === scaled(b)
}

type Fraction = { whole: bigint; exponent: number }

function fractionOf(text: string): Fraction {
  const parts = /^(-?\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text)
  if (parts === null) throw new Error(`not a number: ${text}`)
  const [, whole = '', fraction = '', power = '0'] = parts
  return { whole: BigInt(whole + fraction), exponent: Number(power) - fraction.length }
}
