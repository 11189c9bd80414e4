import fc from 'fast-check'

/** The grammar as the safety contract writes it; without `..`, and 200 characters at most. */
const GRAMMAR = /^DRYRUN-NS:[a-z0-9][a-z0-9._-]{0,62}(\/[a-z0-9][a-z0-9._-]{0,62}){0,7}$/

export const isSound = (text: string): boolean =>
  GRAMMAR.test(text) && text.length <= 200 && !text.includes('..')

const parts = fc.array(
  fc.constantFrom('a', 'b', '0', '/', '.', '..', '-', '_', 'A', ' ', '\n', 'é', 'z'.repeat(60)),
)
const segments = fc.array(
  fc.oneof(
    fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,12}$/),
    fc.integer({ min: 61, max: 66 }).map((length) => 'z'.repeat(length)),
  ),
  { maxLength: 10 },
)

/** Texts that are namespaces, and texts that are nearly. */
export const namespaceTexts: fc.Arbitrary<string> = fc.oneof(
  parts.map((it) => `DRYRUN-NS:${it.join('')}`),
  parts.map((it) => `DRYRUN-NS:a${it.join('')}`),
  segments.map((it) => `DRYRUN-NS:${it.join('/')}`),
  fc.string({ unit: 'binary' }),
)
