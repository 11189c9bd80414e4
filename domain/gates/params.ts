import { findContract } from '../control/state.ts'
import { isObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** Rule 8. `seen` is what the schema validator said: `{ valid, errors: [{ path, keyword }] }`. */
export const params: Gate = {
  name: 'params',
  rule: 8,
  stage: 'admission',
  required: 'the params fit the schema of the contract',
  judge({ command, control, seen }) {
    const contract = findContract(control, command.contract)
    if (contract === undefined) return indeterminate()
    const { revision } = contract
    if (!isObject(seen) || typeof seen['valid'] !== 'boolean') return indeterminate()
    return seen['valid'] ? pass(revision) : fail('params-invalid', revision)
  },
  negativeControl: {
    command: { ...SPECIMEN_COMMAND, params: { unknown: true } },
    control: specimenControl(),
    seen: { valid: false, errors: [{ path: '', keyword: 'additionalProperties' }] },
    code: 'params-invalid',
  },
}
