import type { Json, JsonObject } from '../json.ts'

export const MODES = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'REAL_RUN'] as const
export type Mode = (typeof MODES)[number]

/** The five members that make a dispatch what it is. Its identity is digested from these alone. */
export type DispatchCommand = Readonly<{
  contract: Readonly<{ id: string; version: number }>
  target: string
  params: JsonObject
  outputNamespace: string
  occurrence: string
}>

/** A command as asked for in one call: the mode says how far to go, and is no part of identity. */
export type AskedCommand = DispatchCommand & Readonly<{ mode: Mode }>

/** A closed inclusion list: whatever else travels with a command stays out of its identity. */
export const identityOf = (command: DispatchCommand): DispatchCommand => ({
  contract: { id: command.contract.id, version: command.contract.version },
  target: command.target,
  params: command.params,
  outputNamespace: command.outputNamespace,
  occurrence: command.occurrence,
})

/** What is digested: version 1 of the identity. */
export const digestedValue = (command: DispatchCommand): Json => ({ v: 1, ...identityOf(command) })
