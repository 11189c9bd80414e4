import { findContract } from '../control/state.ts'
import { isObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** Rule 4. `seen` is `{ sideEffects, facts }`: what the executor declares and what shows it. */
export const readOnly: Gate = {
  name: 'read-only',
  rule: 4,
  stage: 'preflight',
  required: 'contract and executor both declare that they have no side effects',
  judge({ command, control, seen }) {
    const contract = findContract(control, command.contract)
    if (contract === undefined || !isObject(seen)) return indeterminate()
    if (!isObject(seen['facts']) || typeof seen['sideEffects'] !== 'string') return indeterminate()
    return contract.body.sideEffects === 'none' && seen['sideEffects'] === 'none'
      ? pass()
      : fail('executor-unsafe')
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl(),
    seen: { sideEffects: 'some', facts: {} },
    code: 'executor-unsafe',
  },
}
