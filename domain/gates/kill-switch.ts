import { GLOBAL_SCOPE } from '../control/state.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** Rule 2. Only a positive DRY_RUN_ONLY passes: unset, unknown and HALTED all refuse. */
export const killSwitch: Gate = {
  name: 'kill-switch',
  rule: 2,
  stage: 'admission',
  required: 'the kill switch positively says DRY_RUN_ONLY',
  judge({ control }) {
    const position = control.switches.get(GLOBAL_SCOPE)
    if (position?.state === 'DRY_RUN_ONLY') return pass(position.revision)
    if (position?.state === 'HALTED') return fail('kill-switch-engaged', position.revision)
    return indeterminate('kill-switch-indeterminate')
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl({ halted: true }),
    seen: null,
    code: 'kill-switch-engaged',
  },
}
