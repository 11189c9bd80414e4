import { z } from 'zod'
import {
  EXECUTOR_TYPE_PATTERN,
  ID_PATTERN,
  type ManifestBody,
  parseReference,
  VERSION_MAX,
} from '../../domain/control/manifest.ts'
import type { JsonObject } from '../../domain/json.ts'
import { POINTER_PATTERN } from '../../domain/json-pointer.ts'
import { LIMITS } from '../../domain/limits.ts'

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

/** The executor types whose manifests have more to say than the general shape. */
const OWN_SHAPES: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  simulator: { Contract: simulatorContract, Target: simulatorTarget },
  'sql-read': { Contract: sqlContract, Target: sqlTarget },
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
