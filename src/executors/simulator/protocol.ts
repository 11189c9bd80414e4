import type { Verdict } from '../../../domain/events.ts'
import type { FailureKind } from '../../ports.ts'

/** What a process found out about itself before its first task. `holds`: it tried, and was refused. */
export type Isolation = Readonly<{
  engine: string
  version: string
  /** Functions of the engine that are gone, sorted. */
  removed: readonly string[]
  holds: boolean
}>

/** One run on its way to a process. `id` rises with every task of that process and is never 0. */
export type Task = Readonly<{
  id: number
  expression: string
  /** JSON text, so that every run computes on a copy of its own. */
  input: string
  timeMs: number
  outputBytes: number
}>

/** `output` is RFC 8785 text. */
export type Result = Readonly<{ verdict: Verdict; output: string }>
export type Failure = Readonly<{ failure: FailureKind; code: string }>
export type Outcome = Result | Failure

/** `drop`: forget what has not begun. Answered by `dropped`, in order with the outcomes. */
export type ToChild =
  | Readonly<{ kind: 'tasks'; tasks: readonly Task[] }>
  | Readonly<{ kind: 'drop' }>

export type FromChild =
  | Readonly<{ kind: 'ready'; isolation: Isolation }>
  | Readonly<{ kind: 'outcomes'; outcomes: readonly (readonly [id: number, outcome: Outcome])[] }>
  | Readonly<{ kind: 'dropped' }>

/** The descriptor on which a process names a task that goes on for long: see beacon.ts. */
export const BEACON_FD = 4
/** A task that takes longer than this has its process to itself. */
export const SLOW_MS = 25
