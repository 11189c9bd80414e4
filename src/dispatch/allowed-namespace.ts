import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import { isWithinAny } from '../../domain/namespace.ts'
import { LedgerError } from '../errors.ts'
import type { Caller } from '../ports.ts'

/** A key that is limited to namespaces may use no other, well formed or not. Not stored. */
export function assertNamespaceAllowed(caller: Caller, command: DispatchCommand): void {
  if (isWithinAny(command.outputNamespace, caller.namespacePrefixes)) return
  throw new LedgerError('forbidden', 'The key is limited to other output namespaces')
}
