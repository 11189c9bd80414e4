import { parseNamespace } from '../namespace.ts'
import { fail, type Gate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** Rules 3 and 6. Output goes to a dry-run namespace or nowhere. */
export const namespace: Gate = {
  name: 'namespace',
  rule: 6,
  stage: 'admission',
  required: 'the output namespace starts with DRYRUN-NS: and is well formed',
  judge({ command }) {
    const parsed = parseNamespace(command.outputNamespace)
    return parsed.ok ? pass() : fail(parsed.code)
  },
  negativeControl: {
    command: { ...SPECIMEN_COMMAND, outputNamespace: 'PROD:specimen' },
    control: specimenControl(),
    seen: null,
    code: 'namespace-production',
  },
}
