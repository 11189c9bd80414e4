import { targetMatches } from '../control/manifest.ts'
import { findContract, newestTarget, versionsOf } from '../control/state.ts'
import { fail, type Gate, type GateInput, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_MANIFESTS, specimenControl } from './specimen.ts'

/** Rule 8. The target is registered, not retired, and one that the contract allows. */
export const target: Gate = {
  name: 'target',
  rule: 8,
  stage: 'admission',
  required: 'the target is registered, allowed by the contract, and of its executor type',
  judge(input) {
    const contract = findContract(input.control, input.command.contract)
    if (contract === undefined) return indeterminate()
    if (!targetMatches(contract.body.targets, input.command.target)) {
      return fail('target-not-allowed', contract.revision)
    }
    const found = newestTarget(input.control, input.command.target)
    if (found === undefined) return fail('target-missing', lastRetirement(input))
    return found.body.executor === contract.body.executor
      ? pass(found.revision)
      : fail('target-not-allowed', found.revision)
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl({
      manifests: [SPECIMEN_MANIFESTS.contract, SPECIMEN_MANIFESTS.fixture],
    }),
    seen: null,
    code: 'target-missing',
  },
}

/** The control event that took the last version away, or null if there never was one. */
function lastRetirement({ command, control }: GateInput): number | null {
  const retired = versionsOf(control, 'Target', command.target).map(
    (it) => it.retiredRevision ?? -1,
  )
  return retired.length === 0 ? null : Math.max(...retired)
}
