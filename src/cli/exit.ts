import type { Answer } from '../client/index.ts'

/** 0 yes · 1 no (refused, would_fail, a finding) · 2 wrong usage · 3 could not tell. */
export const EXIT = { yes: 0, no: 1, usage: 2, unknown: 3 } as const

/** The command line was used wrongly: one sentence that says how, then exit 2. */
export class UsageError extends Error {}

const WRONG_INPUT = [400, 413, 415]
const COULD_NOT_TELL = [429, 503, 504]
const CODES: Readonly<Record<string, number>> = {
  'schema-invalid': EXIT.usage,
  'executor-failed': EXIT.unknown,
}

/** What an answer means to a script. */
export function exitOf({ status, body }: Answer): number {
  if (status < 300) return verdictOf(body) === 'would_fail' ? EXIT.no : EXIT.yes
  const code = (body as { code?: string }).code ?? ''
  const known = CODES[code]
  if (known !== undefined) return known
  if (WRONG_INPUT.includes(status)) return EXIT.usage
  return COULD_NOT_TELL.includes(status) ? EXIT.unknown : EXIT.no
}

const verdictOf = (body: unknown): string | undefined =>
  (body as { event?: { data?: { verdict?: string } } }).event?.data?.verdict
