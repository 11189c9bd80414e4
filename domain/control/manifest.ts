import type { Verdict } from '../events.ts'
import type { Json, JsonObject } from '../json.ts'

export type BaselineCase = Readonly<{
  name: string
  params: JsonObject
  verdict: Verdict
  output: Json
}>

/** The bodies of manifests, as the door validated them. Nothing is filled in. */
export type ContractBody = Readonly<{
  kind: 'Contract'
  id: string
  version: number
  executor: string
  targets: string
  fixture: string
  sideEffects: string
  params: JsonObject
  program: JsonObject
  limits?: Readonly<{ timeMs?: number; rows?: number; bytes?: number }>
  baseline?: readonly BaselineCase[]
}>
export type FixtureBody = Readonly<{ kind: 'Fixture'; id: string; version: number; data: Json }>
/** What in an answer shows that a run was dry: a member of a header's list, or a value of a JSON body. */
export type Marker =
  | Readonly<{ header: string; value: string }>
  | Readonly<{ pointer: string; value: string | number | boolean }>

/** One SELECT on a source, asked before and after a request: its rows must be the same. */
export type CrossCheck = Readonly<{
  source: string
  schemas?: readonly string[]
  sql: string
  bind?: readonly string[]
}>

/** Beside these a target has what its executor type asks of it. */
export type TargetBody = Readonly<{
  kind: 'Target'
  id: string
  version: number
  executor: string
  /** sql-read: the name of the database. */
  source?: string
  /** sql-read: only a standby will do, which refuses every write itself. */
  replica?: boolean
  /** http: scheme, host and port. */
  origin?: string
  /** http: without one only safe methods are sent. */
  marker?: Marker
  /** http: `mutation-suspected` also halts the contract. */
  haltOnSuspicion?: boolean
  /** http: what shows a mutation that the answer hides. */
  crossCheck?: CrossCheck
}>
export type ManifestBody = ContractBody | FixtureBody | TargetBody

export const ID_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}(\/[a-z0-9][a-z0-9._-]{0,62}){0,3}$/
export const EXECUTOR_TYPE_PATTERN = /^[a-z][a-z0-9-]{0,31}$/
export const OCCURRENCE_PATTERN = /^[A-Za-z0-9._:-]{0,64}$/
export const VERSION_MAX = 2 ** 31 - 1

/** Splits `id@version`, or null when it is no such reference. */
export function parseReference(text: string): { id: string; version: number } | null {
  const match = /^([^@]+)@([1-9][0-9]{0,9})$/.exec(text)
  const id = match?.[1]
  const version = Number(match?.[2])
  return id !== undefined && ID_PATTERN.test(id) && version <= VERSION_MAX ? { id, version } : null
}

/** Whether `target` matches a contract's `targets`: one id, or `<id>/*`, exactly one more segment. */
export function targetMatches(pattern: string, target: string): boolean {
  if (!pattern.endsWith('/*')) return pattern === target
  const parent = pattern.slice(0, -1)
  return target.startsWith(parent) && !target.slice(parent.length).includes('/')
}
