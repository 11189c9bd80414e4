/** What a measure gave over its runs. */
export type Figure = Readonly<{ median: number; low: number; high: number }>

export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)]
  if (median === undefined) throw new Error('no run was measured')
  return { median, low: sorted[0] ?? median, high: sorted.at(-1) ?? median }
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
export const perSecond = ({ median, low, high }: Figure): string =>
  `${number.format(median)}/s (${number.format(low)}-${number.format(high)})`

/** One line of the report: a ratio beside its goal, or a figure without one. */
export type Line = Readonly<{ name: string; value: string; goal?: string; met?: boolean }>

export function ratioLine(name: string, ratio: number, goal: number): Line {
  return { name, value: `${ratio.toFixed(2)}x`, goal: `>= ${goal}x`, met: ratio >= goal }
}

/** Prints what a section found. Goals that were missed are marked, and told by the exit code. */
export function report(section: string, lines: readonly Line[]): boolean {
  process.stdout.write(`\n${section}\n`)
  for (const { name, value, goal, met } of lines) {
    const judged = goal === undefined ? '' : `   goal ${goal}: ${met ? 'met' : 'MISSED'}`
    process.stdout.write(`  ${name.padEnd(58)} ${value}${judged}\n`)
  }
  return lines.every((line) => line.met !== false)
}
