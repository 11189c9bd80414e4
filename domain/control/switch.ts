import type { DispatchCommand } from '../dispatch/command.ts'
import { type ControlState, findContract, GLOBAL_SCOPE, type SwitchPosition } from './state.ts'

export type ScopedPosition = SwitchPosition & Readonly<{ scope: string }>
type InContract = Pick<DispatchCommand, 'contract'>

const executorScope = (type: string): string => `executor:${type}`
const contractScope = (id: string): string => `contract:${id}`

/**
 * The switches that a command stands under, the widest first: `global`, its contract's
 * `executor:<type>`, `contract:<id>` in all versions. A scope that was never set is left out.
 */
export function switchesFor(
  control: ControlState,
  { contract }: InContract,
): readonly ScopedPosition[] {
  const type = findContract(control, contract)?.body.executor
  const narrow = type === undefined ? [] : [executorScope(type)]
  return [GLOBAL_SCOPE, ...narrow, contractScope(contract.id)].flatMap((scope) => {
    const position = control.switches.get(scope)
    return position === undefined ? [] : [{ ...position, scope }]
  })
}

/** The halt that a command stands under: of several the widest. */
export const haltFor = (control: ControlState, command: InContract): ScopedPosition | undefined =>
  switchesFor(control, command).find((it) => it.state === 'HALTED')

/** Control revision of the last flip of any switch that a command stands under, -1 for none. */
export const lastFlipFor = (control: ControlState, command: InContract): number =>
  Math.max(-1, ...switchesFor(control, command).map((it) => it.revision))

/**
 * Whether a scope is one that can be set. A halt of nothing must not look like a halt, so a
 * contract has to be registered, in any version, retired ones too: what they left is replayed
 * still. An executor type has to be one that a registered contract names, wherever it runs, or one
 * that the deciding process runs (`executorTypes`), so that it can be halted before its first contract.
 */
export function isKnownScope(
  control: ControlState,
  scope: string,
  executorTypes: Iterable<string>,
): boolean {
  if (scope === GLOBAL_SCOPE || [...executorTypes].map(executorScope).includes(scope)) return true
  for (const { body } of [...control.manifests.values()].flat()) {
    if (body.kind !== 'Contract') continue
    if (scope === contractScope(body.id) || scope === executorScope(body.executor)) return true
  }
  return false
}
