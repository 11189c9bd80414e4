/** From which share of the largest figure on a cell has which of the steps 2 to 5. */
const STEPS = [0.04, 0.1, 0.3, 0.6]

/** 0 for nothing, 1 to 5 for more and more of the largest figure. */
export const levelOf = (figure: number, max: number): number =>
  figure === 0 ? 0 : 1 + STEPS.filter((share) => figure >= max * share).length

const THOUSAND = 1_000
const ONE_DIGIT_UP_TO = 9_950

/** What a cell has room for: 999, 1.7k, 64k. */
export function shortNum(value: number): string {
  if (value < THOUSAND) return String(value)
  return `${(value / THOUSAND).toFixed(value < ONE_DIGIT_UP_TO ? 1 : 0)}k`
}
