import { findContract } from '../control/state.ts'
import { fail, type Gate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** Rule 8. The contract is registered in this version, and not retired. */
export const contract: Gate = {
  name: 'contract',
  rule: 8,
  stage: 'admission',
  required: 'the contract is registered in this version and not retired',
  judge({ command, control }) {
    const found = findContract(control, command.contract)
    if (found === undefined) return fail('contract-missing')
    if (found.retiredRevision !== null) return fail('contract-retired', found.retiredRevision)
    return pass(found.revision)
  },
  negativeControl: {
    command: { ...SPECIMEN_COMMAND, contract: { id: 'specimen.contract', version: 2 } },
    control: specimenControl(),
    seen: null,
    code: 'contract-missing',
  },
}
