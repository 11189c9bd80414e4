import { decideSwitch } from '../../domain/control/decide.ts'
import { type ControlState, GLOBAL_SCOPE, type SwitchPosition } from '../../domain/control/state.ts'
import type { SwitchState } from '../../domain/events.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import type { Call } from '../ports.ts'
import { appendControl, type ControlPorts } from './append-control.ts'

export type SwitchReport = Readonly<{
  controlRevision: number
  scopes: Readonly<Record<string, SwitchPosition | null>>
}>

export function reportSwitch(control: ControlState): SwitchReport {
  const position = control.switches.get(GLOBAL_SCOPE) ?? null
  return { controlRevision: control.revision, scopes: { [GLOBAL_SCOPE]: position } }
}

/**
 * Sets a scope and returns once the new state is in force everywhere: after that no call succeeds
 * by the old one. Setting the state it has appends nothing and answers with the event in force.
 */
export async function setSwitch(
  call: Call & { readonly scope: string; readonly state: SwitchState; readonly reason: string },
  ports: ControlPorts,
): Promise<SwitchPosition> {
  const { scope, state, reason } = call
  if (scope !== GLOBAL_SCOPE) {
    throw new LedgerError('not-found', `There is no switch scope ${scope}: this server has global`)
  }
  const { control } = await appendControl(call, ports, LIMITS.switchDeadlineMs, (now) => ({
    events: decideSwitch(now, { scope, state, reason }),
  }))
  const position = control.switches.get(scope)
  if (position === undefined) throw new LedgerError('gate-indeterminate', 'The switch is unset')
  return position
}
