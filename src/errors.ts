import type { RefusalCode } from '../domain/refusal.ts'

export type WhoMustAct = 'caller' | 'operator' | 'catalogue-owner' | 'nobody'
/** Whether a problem stands in the log: as an event, not at all, or the store did not say. */
export type RecordedAs = 'event' | 'none' | 'unknown'

/** Codes that are no gate's verdict: they are answered, never recorded. */
export type DoorCode =
  | 'malformed-json'
  | 'duplicate-key'
  | 'unsafe-number'
  | 'lone-surrogate'
  | 'nul-character'
  | 'forbidden-key'
  | 'too-deep'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'manifest-conflict'
  | 'manifest-invalid'
  | 'too-large'
  | 'media-type'
  | 'rate-limited'
  | 'schema-invalid'
  | 'contended'
  | 'store-unavailable'
  | 'not-ready'
export type ErrorCode = RefusalCode | DoorCode

export type ErrorEntry = Readonly<{
  rule: number | null
  whoMustAct: WhoMustAct
  retryable: boolean
  /** What happened, as a title where no better one is known. */
  title: string
  /** What to do about it. */
  remedy: string
}>

const caller = { rule: null, whoMustAct: 'caller', retryable: false } as const
const nobody = { rule: null, whoMustAct: 'nobody', retryable: true } as const
const owner = { rule: 8, whoMustAct: 'catalogue-owner', retryable: true } as const
const operator = { whoMustAct: 'operator', retryable: true } as const
const never = { whoMustAct: 'nobody', retryable: false } as const

/** The error catalogue: every code a caller can meet. docs/errors.md is checked against it. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = {
  'malformed-json': {
    ...caller,
    title: 'The body is not JSON',
    remedy: 'Send one JSON value, UTF-8, without a byte order mark.',
  },
  'duplicate-key': {
    ...caller,
    title: 'An object has the same key twice',
    remedy: 'Send each key once; parsers disagree on which of the two counts.',
  },
  'unsafe-number': {
    ...caller,
    title: 'A number cannot be kept exactly',
    remedy: 'Send it as a string: two different numbers must not become one.',
  },
  'lone-surrogate': {
    ...caller,
    title: 'A string has half of a surrogate pair',
    remedy: 'Send well-formed Unicode.',
  },
  'nul-character': {
    ...caller,
    title: 'A string has the character U+0000',
    remedy: 'Leave it out; it cannot be stored as text.',
  },
  'forbidden-key': {
    ...caller,
    title: 'An object has the key __proto__',
    remedy: 'Rename the key.',
  },
  'too-deep': {
    ...caller,
    title: 'The body is nested too deeply',
    remedy: 'Nest at most 32 levels; the body itself is level 1.',
  },
  unauthenticated: {
    ...caller,
    title: 'No valid key was sent',
    remedy: 'Send "Authorization: Bearer <key>" with a key that exists and has not expired.',
  },
  forbidden: {
    ...never,
    rule: null,
    title: 'The key may not do this',
    remedy: 'Use a key that holds the scope and the namespace.',
  },
  'not-found': {
    ...caller,
    title: 'There is no such thing here',
    remedy: 'Check the address and the id.',
  },
  'too-large': {
    ...caller,
    title: 'The request is too large',
    remedy: 'Send a smaller one, or refer to the data instead of sending it.',
  },
  'media-type': {
    ...caller,
    title: 'The body is not application/json',
    remedy: 'Send "Content-Type: application/json".',
  },
  'schema-invalid': {
    ...caller,
    title: 'The request does not fit its schema',
    remedy: 'Compare it with /openapi.json.',
  },
  'rate-limited': {
    rule: null,
    whoMustAct: 'caller',
    retryable: true,
    title: 'Too many requests',
    remedy: 'Wait for the seconds in Retry-After, then send the same command.',
  },
  'manifest-invalid': {
    ...caller,
    title: 'A manifest is not valid',
    remedy: 'Mend it and send the whole set again.',
  },
  'manifest-conflict': {
    ...owner,
    rule: null,
    title: 'A version is registered with other content',
    remedy: 'A version is immutable: give the changed manifest a new version.',
  },
  contended: {
    ...nobody,
    rule: 9,
    title: 'Others kept writing first',
    remedy: 'Send the same command again.',
  },
  'store-unavailable': {
    ...nobody,
    rule: 9,
    title: 'The store did not answer',
    remedy: 'Send the same command again; where the outcome is unknown it finds out.',
  },
  'not-ready': {
    ...nobody,
    title: 'The server is not ready',
    remedy: 'Wait, then ask /readyz what is missing.',
  },
  'production-execution-not-authorized': {
    ...never,
    rule: 1,
    title: 'REAL_RUN is never authorized',
    remedy: 'Nothing can be done: a deployer acts on a recorded would_succeed instead.',
  },
  'kill-switch-engaged': {
    ...operator,
    rule: 2,
    title: 'The kill switch is HALTED',
    remedy: 'An operator sets it: dispatch-ledger switch set DRY_RUN_ONLY [--scope …] --reason …',
  },
  'kill-switch-indeterminate': {
    ...operator,
    rule: 2,
    title: 'The kill switch does not positively say DRY_RUN_ONLY',
    remedy: 'An operator sets it: dispatch-ledger switch set DRY_RUN_ONLY --reason …',
  },
  'namespace-production': {
    ...never,
    rule: 6,
    title: 'The output namespace is not a dry-run namespace',
    remedy: 'Use a namespace that starts with DRYRUN-NS:.',
  },
  'namespace-invalid': {
    ...caller,
    rule: 6,
    title: 'The output namespace is malformed',
    remedy: 'Use DRYRUN-NS: and one to eight segments of a-z, 0-9, dot, dash and underscore.',
  },
  'contract-missing': {
    ...owner,
    title: 'The contract is not registered',
    remedy: 'Register it: dispatch-ledger catalogue apply DIR',
  },
  'contract-retired': {
    ...owner,
    title: 'The contract is retired',
    remedy: 'Register a new version and dispatch that.',
  },
  'params-invalid': {
    ...caller,
    rule: 8,
    title: 'The params do not fit the schema of the contract',
    remedy: 'Compare them with the contract: dispatch-ledger catalogue list',
  },
  'fixture-missing': {
    ...owner,
    title: 'The fixture is not registered, or retired',
    remedy: 'Register it: dispatch-ledger catalogue apply DIR',
  },
  'target-missing': {
    ...owner,
    title: 'The target is not registered, or retired',
    remedy: 'Register it: dispatch-ledger catalogue apply DIR',
  },
  'target-not-allowed': {
    ...caller,
    rule: 8,
    title: 'The contract does not allow this target',
    remedy: 'Name a target that the contract matches and that has its executor type.',
  },
  'plan-stale': {
    ...caller,
    rule: 8,
    title: 'The target changed after the plan was recorded',
    remedy: 'Plan again under a new occurrence.',
  },
  'executor-missing': {
    ...operator,
    rule: 0,
    title: 'No executor of this type runs here',
    remedy: 'Start a server that has the executor.',
  },
  'executor-unsafe': {
    ...operator,
    rule: 4,
    title: 'The executor could do more than read',
    remedy:
      'For sql-read give it a login that only reads (dispatch-ledger doctor --source NAME --sql). For http name its origin in LEDGER_HTTP_ALLOW, and a marker of the target for a POST.',
  },
  'sql-not-allowed': {
    ...caller,
    rule: 4,
    title: 'The statement is not an allowed SELECT',
    remedy:
      'Register a contract with one SELECT of allowed functions, on schemas that the target offers.',
  },
  'baseline-mismatch': {
    ...owner,
    title: 'The baseline of the contract does not hold',
    remedy: 'Find out what changed, then register a new version with the right cases.',
  },
  'executor-failed': {
    ...nobody,
    rule: 0,
    title: 'The dry run gave no definite answer',
    remedy: 'Read the evidence gate; the same command may be tried again.',
  },
  'executor-timeout': {
    ...nobody,
    rule: 0,
    title: 'The dry run took too long',
    remedy: 'Try again, or register a contract with a higher limit.',
  },
  'mutation-suspected': {
    whoMustAct: 'operator',
    retryable: false,
    rule: 0,
    title: 'The evidence does not show that nothing was mutated',
    remedy: 'An operator examines the target before anything runs again.',
  },
  'gate-indeterminate': {
    ...nobody,
    title: 'A gate could not tell',
    remedy: 'Send the same command again; what cannot be judged is refused.',
  },
}

/**
 * A problem with a stable code. `message` is one sentence: what happened, with what value.
 *
 * `recorded` says whether the call left something in the log: a rejected append is `unknown`.
 */
export class LedgerError extends Error {
  readonly code: ErrorCode
  readonly recorded: RecordedAs
  /** More members for the answer, for example `results` of a catalogue. */
  readonly members: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown
      recorded?: RecordedAs
      members?: Readonly<Record<string, unknown>>
      retryAfterSeconds?: number
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'LedgerError'
    this.code = code
    this.recorded = options.recorded ?? 'none'
    this.members = options.members ?? {}
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
