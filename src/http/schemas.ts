import { z } from 'zod'
import {
  EXECUTOR_TYPE_PATTERN,
  ID_PATTERN,
  OCCURRENCE_PATTERN,
  VERSION_MAX,
} from '../../domain/control/manifest.ts'
import { MODES } from '../../domain/dispatch/command.ts'
import { LIMITS } from '../../domain/limits.ts'

/** Request and answer shapes: what is checked at the door, and what /openapi.json says. */

export const id = z.string().regex(ID_PATTERN)
export const version = z.int().min(1).max(VERSION_MAX)
export const dispatchId = z.uuid().describe('UUIDv8 of the command’s sha256')
export const position = z.int().min(0).describe('A place in the log. It only orders.')
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
export const json = z.unknown().describe('Any JSON value')
export const recordedAt = z.iso.datetime()

export const command = z
  .strictObject({
    contract: z.strictObject({ id, version }),
    target: id,
    params: z
      .looseObject({})
      .describe('Judged by the schema of the contract. Stored for ever, in the clear: no secrets.'),
    outputNamespace: z.string().describe('DRYRUN-NS:<segment>(/<segment>)*'),
    occurrence: z
      .string()
      .regex(OCCURRENCE_PATTERN)
      .optional()
      .describe('Left out is "". Another text asks for a deliberate re-run of the same command.'),
    mode: z.enum(MODES),
  })
  .meta({ id: 'Command' })

export const batch = z.strictObject({
  dispatches: z
    .array(z.unknown())
    .min(1)
    .max(LIMITS.batchItems)
    .describe('Commands. Each is checked and answered by itself.'),
})
export const batchResults = z.object({
  results: z
    .array(z.object({ status: z.int(), body: z.looseObject({}) }))
    .describe('In the order of the commands: what each would have been answered alone.'),
})

const executorType = z.string().regex(EXECUTOR_TYPE_PATTERN)
const gate = z
  .object({
    gate: z.string(),
    rule: z.int(),
    outcome: z.enum(['pass', 'fail', 'indeterminate', 'not_evaluated']),
    seen: json,
    required: z.string(),
    revision: z.int().nullable(),
  })
  .meta({ id: 'Gate' })
export const explainedGate = gate.extend({ says: z.string() }).meta({ id: 'ExplainedGate' })

export const event = z
  .object({
    id: z.uuid(),
    stream: z.string(),
    revision: z.int(),
    position,
    type: z.string(),
    recordedAt,
    data: z.looseObject({}),
    metadata: z.object({
      callId: z.uuid(),
      correlationId: z.string(),
      actor: z.string(),
      schemaVersion: z.int(),
    }),
    void: z
      .literal(true)
      .optional()
      .describe('A control event overtook this event: it counts for nothing.'),
  })
  .meta({ id: 'Event' })

export const reached = z.enum(['Planned', 'PreflightPassed', 'DryRunRecorded']).nullable()
const links = z.record(z.string(), z.string())

export const recorded = z.object({
  dispatchId,
  digest,
  outcome: z.enum(['created', 'advanced', 'replayed']),
  mode: z.enum(MODES),
  reached,
  eventsAppended: z.int(),
  position,
  event: event.pick({
    id: true,
    type: true,
    revision: true,
    position: true,
    recordedAt: true,
    data: true,
  }),
  links,
})

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    rule: z.int().nullable(),
    stage: z.enum(['admission', 'preflight', 'execution']).nullable(),
    retryable: z.boolean(),
    whoMustAct: z.enum(['caller', 'operator', 'catalogue-owner', 'nobody']),
    recorded: z.enum(['event', 'none', 'unknown']),
    refusalId: z.uuid().optional(),
    dispatchId: dispatchId.optional(),
    digest: digest.optional(),
    reached: reached.optional(),
    eventsAppended: z.int().optional(),
    gates: z.array(gate).optional(),
  })
  .meta({ id: 'Problem', description: 'Problem details, RFC 9457. Match on `code`.' })

export const explanation = z.object({
  dispatchId,
  digest,
  wouldAnswer: z.string().describe('created, advanced, replayed, or the code of a refusal'),
  reached,
  gates: z.array(explainedGate),
})

export const dispatch = z.object({
  dispatchId,
  digest,
  command: z.looseObject({}),
  reached,
  verdict: z.enum(['would_succeed', 'would_fail']).nullable(),
  position,
  revision: z.int(),
  pins: z.looseObject({}).nullable(),
  refusals: z.array(z.looseObject({ refusalId: z.uuid(), code: z.string() })),
  links,
})

export const dispatchExplanation = z.object({
  dispatchId,
  digest,
  reached,
  steps: z.array(
    z.looseObject({
      type: z.string(),
      position,
      void: z.literal(true).optional(),
      gates: z.array(explainedGate),
      evidence: z.array(z.object({ name: z.string(), holds: z.boolean(), says: z.string() })),
    }),
  ),
})

export const dispatchAddress = z.object({ id: dispatchId })

export const wholeNumber = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number)
export const minPosition = wholeNumber
  .optional()
  .describe('Answer only once this position is reached; not in 2 s: 503 not-ready.')

export const eventsQuery = z.strictObject({
  after: wholeNumber.optional(),
  until: wholeNumber.optional(),
  type: z.string().max(64).optional(),
  limit: wholeNumber.pipe(z.int().min(1).max(LIMITS.pageSize)).optional(),
  minPosition,
})

export const eventsHeaders = z.looseObject({
  'last-event-id': wholeNumber
    .optional()
    .describe('For text/event-stream: goes on after this position, whatever `after` says.'),
})

export const read = z.strictObject({ minPosition })

const SCOPE_LENGTH_MAX = 300
const scope = z
  .string()
  .max(SCOPE_LENGTH_MAX)
  .describe('global, executor:<type> or contract:<id>; / in ids as %2F in a path')
export const switchAddress = z.object({ scope })
export const switchPosition = z.object({
  scope,
  state: z.enum(['DRY_RUN_ONLY', 'HALTED']),
  reason: z.string(),
  revision: z.int(),
  position,
  eventId: z.uuid(),
  recordedAt,
  actor: z.string(),
})
export const switchReport = z.object({
  controlRevision: z.int(),
  guarantee: z.enum(['atomic', 'fenced']),
  scopes: z.record(z.string(), switchPosition.omit({ scope: true }).nullable()),
})
export const setSwitch = z.strictObject({
  state: z.enum(['DRY_RUN_ONLY', 'HALTED']),
  reason: z.string().min(1).max(LIMITS.switchReasonLength),
})

const manifestKind = z.enum(['Contract', 'Fixture', 'Target'])
export const manifest = z.looseObject({ kind: manifestKind, id, version })
export const catalogue = z.strictObject({
  manifests: z.array(manifest).min(1),
  validateOnly: z.boolean().optional(),
})
export const manifestResults = z.object({
  results: z.array(
    z.object({
      kind: z.string(),
      id: z.string(),
      version: z.int(),
      outcome: z.enum(['new', 'unchanged', 'conflict', 'invalid']),
      code: z.string().nullable(),
      detail: z.string().nullable(),
    }),
  ),
})
export const registeredManifest = z.looseObject({
  kind: manifestKind,
  id,
  version,
  sha256: digest,
  executor: executorType.optional(),
  targets: z.string().optional().describe('Of a contract: one target, or `<id>/*`.'),
  revision: z.int(),
  retired: z.boolean(),
})
export const lowerKind = z.enum(['contract', 'fixture', 'target'])
export const manifestAddress = z.object({
  kind: lowerKind,
  id,
  version: wholeNumber.pipe(version),
})

const problems = {
  '4xx': { description: 'Refused', content: { 'application/problem+json': { schema: problem } } },
  '5xx': {
    description: 'Could not tell',
    content: { 'application/problem+json': { schema: problem } },
  },
} as const

/** The answers of a route, for its document. They are not checked when they are sent. */
export const answers = (byStatus: Readonly<Record<number, object>>): unknown => ({
  ...byStatus,
  ...problems,
})

export const events = z.object({ events: z.array(event) })
export const eventPage = z.object({
  events: z.array(event),
  next: z.int().nullable().describe('Give it as `after` for the next page; null at the end.'),
})
/** A page by default; `Accept` asks for the others. */
export const eventAnswers = {
  description: 'A page, the whole range as CloudEvents 1.0 (one a line), or the live tail',
  content: {
    'application/json': { schema: eventPage },
    'application/x-ndjson': { schema: z.string() },
    'text/event-stream': { schema: z.string() },
  },
}
export const manifestList = z.object({ manifests: z.array(registeredManifest) })
export const retired = z.object({
  kind: z.string(),
  id,
  version,
  retired: z.literal(true),
  eventsAppended: z.int(),
})

export const knownProblem = problem
  .pick({ code: true, status: true, title: true, retryable: true, whoMustAct: true, rule: true })
  .strip()
  .extend({ remedy: z.string() })
