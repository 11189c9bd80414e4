import { gateNamed } from '../../domain/gates/index.ts'
import { evidenceSays } from '../../domain/gates/says.ts'
import type { GateRecord } from '../../domain/snapshot.ts'
import type { RefusedAnswer } from '../dispatch/answer.ts'
import { ERRORS, type ErrorCode, type LedgerError } from '../errors.ts'

/** The only map from code to status. 422 change the request, 409 change the world, 423 wait for an operator. */
export const STATUS: Readonly<Record<ErrorCode, number>> = {
  'malformed-json': 400,
  'duplicate-key': 400,
  'unsafe-number': 400,
  'lone-surrogate': 400,
  'nul-character': 400,
  'forbidden-key': 400,
  'too-deep': 400,
  unauthenticated: 401,
  forbidden: 403,
  'production-execution-not-authorized': 403,
  'namespace-production': 403,
  'not-found': 404,
  'contract-missing': 409,
  'contract-retired': 409,
  'fixture-missing': 409,
  'target-missing': 409,
  'baseline-mismatch': 409,
  'executor-missing': 409,
  'executor-unsafe': 409,
  'manifest-conflict': 409,
  'too-large': 413,
  'media-type': 415,
  'schema-invalid': 422,
  'params-invalid': 422,
  'manifest-invalid': 422,
  'namespace-invalid': 422,
  'target-not-allowed': 422,
  'sql-not-allowed': 422,
  'plan-stale': 422,
  'kill-switch-engaged': 423,
  'rate-limited': 429,
  'executor-failed': 502,
  'mutation-suspected': 502,
  'kill-switch-indeterminate': 503,
  'gate-indeterminate': 503,
  contended: 503,
  'store-unavailable': 503,
  'not-ready': 503,
  'executor-timeout': 504,
}

/** Problem details, RFC 9457. Clients match on `code`. */
export type Problem = Readonly<{
  status: number
  code: ErrorCode
  headers: Readonly<Record<string, string>>
  body: Readonly<Record<string, unknown>>
}>

const base = (code: ErrorCode, title: string, detail: string) => {
  const { rule, retryable, whoMustAct } = ERRORS[code]
  return {
    type: `/problems/${code}`,
    title,
    status: STATUS[code],
    detail,
    code,
    rule,
    stage: null,
    retryable,
    whoMustAct,
  }
}

/** A problem that no gate judged: it has no identity and left no event. */
export function problemOf(error: LedgerError): Problem {
  const { code, recorded, members, retryAfterSeconds } = error
  const { title, remedy } = ERRORS[code]
  return {
    status: STATUS[code],
    code,
    headers: retryAfter(retryAfterSeconds ?? (ERRORS[code].retryable ? defaultWait(code) : null)),
    body: { ...base(code, title, `${error.message}. ${remedy}`), recorded, ...members },
  }
}

/** A caller that may retry at once is told so; where the server is short of something, a second helps. */
const defaultWait = (code: ErrorCode): number | null => (STATUS[code] === 503 ? 1 : null)

const retryAfter = (seconds: number | null): Record<string, string> =>
  seconds === null ? {} : { 'retry-after': String(seconds) }

/** A judged refusal, with every gate that was asked. */
export function problemOfRefusal(answer: RefusedAnswer): Problem {
  const { code, rule, stage, refusalId, dispatchId, digest, reached, eventsAppended } = answer
  return {
    status: STATUS[code],
    code,
    headers: {
      'ledger-position': String(answer.position),
      ...retryAfter(answer.retryAfterSeconds),
    },
    body: {
      ...base(code, titleOf(answer), detailOf(answer)),
      rule,
      stage,
      recorded: refusalId === null ? 'none' : 'event',
      ...(refusalId === null ? {} : { refusalId }),
      dispatchId,
      digest,
      reached,
      eventsAppended,
      gates: answer.gates.map(presentGate),
    },
  }
}

/** A gate record with what follows from (rules, gate) and is not stored. */
export function presentGate(record: GateRecord) {
  const { rule, required } = gateNamed(record.gate)
  const { gate, outcome, seen, revision } = record
  return { gate, rule, outcome, seen, required, revision }
}

/** Titles with the name of what is missing or wrong, where that says more than the code. */
const TITLES: Readonly<Partial<Record<ErrorCode, (answer: RefusedAnswer) => string>>> = {
  'kill-switch-engaged': ({ haltedScope }) =>
    `The kill switch is HALTED in the scope ${haltedScope}`,
  'contract-missing': ({ command }) => `Contract ${nameOf(command)} is not registered`,
  'contract-retired': ({ command }) => `Contract ${nameOf(command)} is retired`,
  'fixture-missing': ({ fixture }) => `Fixture ${fixture} is not registered, or retired`,
  'target-missing': ({ command }) => `Target ${command.target} is not registered, or retired`,
  'target-not-allowed': ({ command }) =>
    `Contract ${nameOf(command)} does not allow the target ${command.target}`,
}

const nameOf = ({ contract }: RefusedAnswer['command']): string =>
  `${contract.id}@${contract.version}`

const titleOf = (answer: RefusedAnswer): string =>
  TITLES[answer.code]?.(answer) ?? ERRORS[answer.code].title

function detailOf({ code, gates }: RefusedAnswer): string {
  const { remedy } = ERRORS[code]
  const seen = gates.find((it) => it.outcome === 'fail' || it.outcome === 'indeterminate')?.seen
  if (seen === null || seen === undefined) return remedy
  const broken = evidenceSays(seen).filter((it) => !it.holds)
  const said = broken.map((it) => it.says).join(' ')
  return `${said === '' ? `Seen: ${JSON.stringify(seen)}.` : said} ${remedy}`
}
