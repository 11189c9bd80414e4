import { decideSwitch } from '../../domain/control/decide.ts'
import { type ControlState, GLOBAL_SCOPE, type SwitchPosition } from '../../domain/control/state.ts'
import { isKnownScope } from '../../domain/control/switch.ts'
import type { SwitchState } from '../../domain/events.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import type { Call } from '../ports.ts'
import { appendControl, type ControlPorts } from './append-control.ts'

export type SwitchReport = Readonly<{
  controlRevision: number
  scopes: Readonly<Record<string, SwitchPosition | null>>
}>

/** Every scope that was ever set, `global` first; `global` is null where it was not. */
export function reportSwitch({ revision, switches }: ControlState): SwitchReport {
  const unset = { [GLOBAL_SCOPE]: null }
  return { controlRevision: revision, scopes: { ...unset, ...Object.fromEntries(switches) } }
}

export type SwitchPorts = ControlPorts &
  Readonly<{
    /** Named by the types of executors that this process runs. */
    executors: Readonly<{ keys(): Iterable<string> }>
  }>

/** The event in force, and how many this call appended: none where the scope had the state. */
export type Flip = Readonly<{ position: SwitchPosition; appended: number }>

export type SetSwitch = Call & Readonly<{ scope: string; state: SwitchState; reason: string }>

/**
 * Sets a scope and returns once the new state is in force everywhere: after that no call succeeds
 * by the old one. Setting the state it has appends nothing and answers with the event in force.
 * Throws `not-found` for a contract or an executor type that is not known.
 */
export async function setSwitch(call: SetSwitch, ports: SwitchPorts): Promise<Flip> {
  const { scope, state, reason } = call
  const deadlineMs = LIMITS.switchDeadlineMs
  const { control, appended } = await appendControl(call, ports, deadlineMs, (now) => {
    if (!isKnownScope(now, scope, ports.executors.keys())) throw unknownScope(scope)
    return { events: decideSwitch(now, { scope, state, reason }) }
  })
  const position = control.switches.get(scope)
  if (position === undefined) throw new LedgerError('gate-indeterminate', 'The switch is unset')
  return { position, appended }
}

const unknownScope = (scope: string): LedgerError =>
  new LedgerError(
    'not-found',
    `There is no switch scope ${scope}: it is global, executor:<type> of a known executor, or contract:<id> of a registered contract`,
  )
