import { findContract } from '../control/state.ts'
import { isObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_MANIFESTS, specimenControl } from './specimen.ts'

/** Rule 0. `seen` is the executor of the contract's type, `{ type, build }`, or null for none. */
export const executor: Gate = {
  name: 'executor',
  rule: 0,
  stage: 'preflight',
  required: 'an executor of the contract’s type runs in this server',
  judge({ command, control, seen }) {
    const contract = findContract(control, command.contract)
    if (contract === undefined) return indeterminate()
    if (seen === null) return fail('executor-missing')
    const sound = isObject(seen) && Number.isInteger(seen['build'])
    return sound && seen['type'] === contract.body.executor ? pass() : indeterminate()
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl({
      manifests: [
        { ...SPECIMEN_MANIFESTS.contract, executor: 'nobody' },
        SPECIMEN_MANIFESTS.fixture,
        { ...SPECIMEN_MANIFESTS.target, executor: 'nobody' },
      ],
    }),
    seen: null,
    code: 'executor-missing',
  },
}
