import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { LedgerError } from '../errors.ts'
import type { Log } from '../ports.ts'

/** Nothing says how far an unexpected failure got: the same command sent again finds out. */
const UNEXPECTED = { recorded: 'unknown' } as const

/** Whatever was thrown, as an error with a code. What nobody foresaw is logged. */
export function toLedgerError(error: unknown, log: Log): LedgerError {
  const known = knownError(error)
  if (known !== null) return known
  log.error({ err: error }, 'unexpected')
  return new LedgerError('gate-indeterminate', 'The server failed', UNEXPECTED)
}

const FRAMEWORK_CODES: Readonly<Record<string, 'too-large' | 'media-type' | 'malformed-json'>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-json',
}

function knownError(error: unknown): LedgerError | null {
  if (error instanceof LedgerError) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map(({ instancePath, message }) => ({
      path: instancePath,
      message,
    }))
    return schemaInvalid(error.validationContext ?? 'request', issues)
  }
  const { code, message } = error as { code?: string; message?: string }
  const mapped = code === undefined ? undefined : FRAMEWORK_CODES[code]
  return mapped === undefined ? null : new LedgerError(mapped, message ?? mapped)
}

/** An item of a batch that does not fit its schema, in the words of a whole body that does not. */
export const itemInvalid = (error: z.ZodError): LedgerError =>
  schemaInvalid(
    'item',
    error.issues.map(({ path, message }) => ({
      path: path.map((step) => `/${String(step)}`).join(''),
      message,
    })),
  )

type Issue = Readonly<{ path: string; message: string | undefined }>
const ISSUES_MAX = 10

function schemaInvalid(what: string, issues: readonly Issue[]): LedgerError {
  const [first] = issues
  const message = `${what}${first?.path ?? ''}: ${first?.message}`
  return new LedgerError('schema-invalid', message, {
    members: { issues: issues.slice(0, ISSUES_MAX) },
  })
}
