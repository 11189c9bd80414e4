import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import { isWithin, parseNamespace } from '../../domain/namespace.ts'
import { LedgerError } from '../errors.ts'
import type { Caller } from '../ports.ts'

/** A key that is limited to namespaces may use no other, well formed or not. Not stored. */
export function assertNamespaceAllowed(caller: Caller, command: DispatchCommand): void {
  const { namespacePrefixes } = caller
  if (namespacePrefixes.length === 0) return
  const parsed = parseNamespace(command.outputNamespace)
  if (parsed.ok && namespacePrefixes.some((prefix) => isWithin(parsed.segments, prefix))) return
  throw new LedgerError('forbidden', 'The key is limited to other output namespaces')
}
