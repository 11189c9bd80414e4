import { canonicalJson } from '../canonical-json.ts'
import { newestTarget, resolvePins } from '../control/state.ts'
import { isObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_PINS, specimenControl } from './specimen.ts'

/** Rule 8. `seen` are the pins of the plan, recorded or about to be; they must still be current. */
export const pins: Gate = {
  name: 'pins',
  rule: 8,
  stage: 'preflight',
  required: 'contract, fixture and target are the versions that the plan pinned',
  judge({ command, control, seen }) {
    const current = resolvePins(control, command)
    if (current === null || !isObject(seen)) return indeterminate()
    const revision = newestTarget(control, command.target)?.revision ?? null
    return canonicalJson(seen) === canonicalJson(current)
      ? pass(revision)
      : fail('plan-stale', revision)
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl(),
    seen: { ...SPECIMEN_PINS, target: { version: 1, sha256: 'sha256:another' } },
    code: 'plan-stale',
  },
}
