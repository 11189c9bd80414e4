/** digits × 10^exponent, the digits without a zero at either end. Zero has no digits. */
type Decimal = { readonly digits: string; readonly exponent: number }

/**
 * Whether the text of a JSON number and the double read from it are the same number.
 *
 * The double is taken as what ECMAScript writes for it, so `0.1` is exact and `0.10000000000000001`
 * is not. Linear in the text: it compares digits and never computes with them.
 */
export function isExact(text: string, value: number): boolean {
  const shortest = String(value)
  if (shortest === text) return true
  if (!Number.isFinite(value)) return false
  const written = decimalOf(text)
  const kept = decimalOf(shortest)
  // Signs need no look: the double of a number that is not zero always has its sign.
  return written.digits === kept.digits && written.exponent === kept.exponent
}

function decimalOf(text: string): Decimal {
  const [mantissa = '', power = '0'] = text.split(/e/i)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = whole + fraction
  // Loops, because /0+$/ takes quadratic time on a long run of zeros before another digit.
  let start = 0
  while (digits[start] === '-' || digits[start] === '0') start++
  let end = digits.length
  while (end > start && digits[end - 1] === '0') end--
  if (start === end) return { digits: '', exponent: 0 }
  // A power too large for a double to count makes the value zero or infinite: it equals nothing.
  const exponent = Number(power) - fraction.length + (digits.length - end)
  return { digits: digits.slice(start, end), exponent }
}
