import { findContract, findFixture } from '../control/state.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_MANIFESTS, specimenControl } from './specimen.ts'

/** Rule 8. The fixture that the contract names is registered, and not retired. */
export const fixture: Gate = {
  name: 'fixture',
  rule: 8,
  stage: 'admission',
  required: 'the fixture of the contract is registered and not retired',
  judge({ command, control }) {
    const contract = findContract(control, command.contract)
    if (contract === undefined) return indeterminate()
    const found = findFixture(control, contract.body)
    if (found === undefined) return fail('fixture-missing')
    if (found.retiredRevision !== null) return fail('fixture-missing', found.retiredRevision)
    return pass(found.revision)
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl({
      manifests: [SPECIMEN_MANIFESTS.contract, SPECIMEN_MANIFESTS.target],
    }),
    seen: null,
    code: 'fixture-missing',
  },
}
