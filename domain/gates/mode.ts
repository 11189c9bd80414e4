import { fail, type Gate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** The constant of rule 1. It is asserted at boot, and a test shows that nothing assigns it. */
export const EXECUTION_ENABLED = false

/** Rule 1. REAL_RUN is never authorized; there is nothing that could carry it out. */
export const mode: Gate = {
  name: 'mode',
  rule: 1,
  stage: 'admission',
  required: 'the mode is PLAN_ONLY, VERIFY_ONLY or DRY_RUN',
  judge({ command }) {
    switch (command.mode) {
      case 'PLAN_ONLY':
      case 'VERIFY_ONLY':
      case 'DRY_RUN':
        return pass()
      case 'REAL_RUN':
        return fail('production-execution-not-authorized')
    }
  },
  negativeControl: {
    command: { ...SPECIMEN_COMMAND, mode: 'REAL_RUN' },
    control: specimenControl(),
    seen: null,
    code: 'production-execution-not-authorized',
  },
}
