import { GLOBAL_SCOPE } from '../control/state.ts'
import { haltFor, switchesFor } from '../control/switch.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/**
 * Rule 2. Only a positive DRY_RUN_ONLY passes: unset, unknown and HALTED all refuse.
 *
 * The strictest scope of the command wins: one HALTED refuses whatever the others say. A narrow
 * scope that was never set inherits; `global` never does.
 */
export const killSwitch: Gate = {
  name: 'kill-switch',
  rule: 2,
  stage: 'admission',
  required: 'the kill switch positively says DRY_RUN_ONLY, and no scope of the command is HALTED',
  judge({ command, control }) {
    const halt = haltFor(control, command)
    if (halt !== undefined) return fail('kill-switch-engaged', halt.revision)
    const switches = switchesFor(control, command)
    const [widest] = switches
    const isReleased = switches.every((it) => it.state === 'DRY_RUN_ONLY')
    return widest?.scope === GLOBAL_SCOPE && isReleased
      ? pass(widest.revision)
      : indeterminate('kill-switch-indeterminate')
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl({ halted: true }),
    seen: null,
    code: 'kill-switch-engaged',
  },
}
