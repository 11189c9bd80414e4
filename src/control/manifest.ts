import { z } from 'zod'
import {
  EXECUTOR_TYPE_PATTERN,
  ID_PATTERN,
  type ManifestBody,
  parseReference,
  VERSION_MAX,
} from '../../domain/control/manifest.ts'
import {
  HTTP_METHODS,
  type HttpProgram,
  PATH_PATTERN,
  whyBadHttpProgram,
} from '../../domain/http-program.ts'
import type { JsonObject } from '../../domain/json.ts'
import { POINTER_PATTERN } from '../../domain/json-pointer.ts'
import { LIMITS } from '../../domain/limits.ts'
import { isHttpOrigin } from '../http-allow.ts'

const id = z.string().regex(ID_PATTERN)
const version = z.int().min(1).max(VERSION_MAX)
const executor = z.string().regex(EXECUTOR_TYPE_PATTERN)
const object = z.looseObject({})

const baselineCase = z.strictObject({
  name: z.string().min(1).max(200),
  params: object,
  verdict: z.enum(['would_succeed', 'would_fail']),
  output: z.unknown(),
})

const contract = z.strictObject({
  kind: z.literal('Contract'),
  id,
  version,
  executor,
  targets: z
    .string()
    .refine((text) => ID_PATTERN.test(text.replace(/\/\*$/, '')), 'an id, or <id>/*'),
  fixture: z.string().refine((text) => parseReference(text) !== null, 'a reference <id>@<version>'),
  sideEffects: z.literal('none', 'must be declared as none'),
  params: object,
  program: object,
  limits: z
    .strictObject({
      timeMs: z.int().min(1).max(LIMITS.executorTimeMs).optional(),
      rows: z.int().min(1).optional(),
      bytes: z.int().min(1).max(LIMITS.outputBytes).optional(),
    })
    .optional(),
  baseline: z.array(baselineCase).optional(),
})

const simulatorContract = contract.extend({
  program: z.strictObject({ jsonata: z.string().min(1) }),
  baseline: z.array(baselineCase).min(1, 'needs at least one case'),
})

const fixture = z.strictObject({ kind: z.literal('Fixture'), id, version, data: z.unknown() })
const target = z.looseObject({ kind: z.literal('Target'), id, version, executor })
const simulatorTarget = z.strictObject({ kind: z.literal('Target'), id, version, executor })

const pointer = z.string().max(1_000).regex(POINTER_PATTERN, 'a JSON Pointer')
const sqlContract = contract.omit({ baseline: true }).extend({
  program: z.strictObject({
    sql: z.string().min(1).max(LIMITS.sqlLength),
    bind: z.array(pointer).max(100).optional(),
  }),
})
const name = z.string().min(1).max(63)
const sqlTarget = simulatorTarget.extend({
  source: name,
  schemas: z.array(name).min(1).max(100).optional(),
  replica: z.boolean().optional(),
})

const httpContract = contract.omit({ baseline: true }).extend({
  program: z
    .strictObject({
      method: z.enum(HTTP_METHODS),
      path: z.string().max(2_000).regex(PATH_PATTERN, 'a path of unreserved characters'),
      bind: z.record(z.string(), pointer).optional(),
      body: z.unknown().optional(),
    })
    .superRefine((program, context) => {
      const why = whyBadHttpProgram(program as HttpProgram)
      if (why !== null) context.addIssue(why)
    }),
})

/** What a target may send beside the request: no credentials, nothing that changes what is asked. */
export const REQUEST_HEADERS: readonly string[] = [
  ['accept', 'accept-language', 'accept-profile', 'api-version', 'content-profile', 'dry-run'],
  ['prefer', 'user-agent', 'x-api-version', 'x-dry-run', 'x-validate-only'],
].flat()

const printable = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/, 'printable ASCII')
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'the name of a header')
const marker = z.union(
  [
    z.strictObject({
      header: headerName,
      value: printable.regex(/^[^",]*$/, 'one member of a list, unquoted'),
    }),
    z.strictObject({
      pointer: pointer.min(1),
      value: z.union([z.string().min(1).max(200), z.number(), z.boolean()]),
    }),
  ],
  'is { header, value } or { pointer, value }',
)
const httpTarget = simulatorTarget
  .extend({
    origin: z.string().refine(isHttpOrigin, 'an origin as it is serialized: https://host[:port]'),
    headers: z.record(z.string(), printable).optional(),
    query: z.record(z.string().min(1).max(100), z.string().max(200)).optional(),
    marker: marker.optional(),
    haltOnSuspicion: z.boolean().optional(),
    crossCheck: z
      .strictObject({
        source: name,
        schemas: z.array(name).min(1).max(100).optional(),
        sql: z.string().min(1).max(LIMITS.sqlLength),
        bind: z.array(pointer).max(100).optional(),
      })
      .optional(),
  })
  .superRefine((body, context) => {
    for (const { path, message } of whyBadHeaders(body))
      context.addIssue({ code: 'custom', path, message })
  })

/** Each request has these whatever its target says. */
const ALWAYS_SENT = ['host', 'connection', 'content-length', 'content-type', 'accept-encoding']

function* whyBadHeaders({ headers = {}, marker: declared }: SentAndMarked) {
  const sent = Object.keys(headers).map((it) => it.toLowerCase())
  for (const header of Object.keys(headers)) {
    if (REQUEST_HEADERS.includes(header.toLowerCase())) continue
    yield { path: ['headers', header], message: 'no header that may be sent' }
  }
  if (new Set(sent).size !== sent.length) yield { path: ['headers'], message: 'has one twice' }
  const marking = declared !== undefined && 'header' in declared ? declared.header : ''
  const echoes = [...sent, ...ALWAYS_SENT, 'accept', 'user-agent']
  if (!echoes.includes(marking.toLowerCase())) return
  yield { path: ['marker'], message: 'is sent with the request: what is echoed shows nothing' }
}

type SentAndMarked = Readonly<{
  headers?: Readonly<Record<string, string>> | undefined
  marker?: z.infer<typeof marker> | undefined
}>

/** The executor types whose manifests have more to say than the general shape. */
const OWN_SHAPES: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  simulator: { Contract: simulatorContract, Target: simulatorTarget },
  'sql-read': { Contract: sqlContract, Target: sqlTarget },
  http: { Contract: httpContract, Target: httpTarget },
}
const SHAPES: Readonly<Record<string, z.ZodType>> = {
  Contract: contract,
  Fixture: fixture,
  Target: target,
}

/** A manifest as the door lets it in: the rest of its shape is judged here, one manifest at a time. */
export type ReceivedManifest = JsonObject &
  Readonly<{ kind: 'Contract' | 'Fixture' | 'Target'; id: string; version: number }>

export type ParsedManifest =
  | { readonly body: ManifestBody; readonly invalid: undefined }
  | { readonly body: ManifestBody; readonly invalid: string }

/** Judges the shape of one manifest. Nothing is filled in: the body stays as received. */
export function parseManifest(received: ReceivedManifest): ParsedManifest {
  const type = typeof received['executor'] === 'string' ? received['executor'] : ''
  const own = Object.hasOwn(OWN_SHAPES, type) ? OWN_SHAPES[type] : undefined
  const shape = own?.[received.kind] ?? SHAPES[received.kind]
  const result = shape?.safeParse(received)
  const body = received as unknown as ManifestBody
  const issue = result?.error?.issues[0]
  return { body, invalid: issue && `/${issue.path.join('/')}: ${issue.message}` }
}
