import type { ContractBody } from '../control/manifest.ts'
import { findContract } from '../control/state.ts'
import { isObject, type Json } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_MANIFESTS, specimenControl } from './specimen.ts'

/** A program that gives another answer than its baseline says. */
const CHANGED: ContractBody = {
  ...SPECIMEN_MANIFESTS.contract,
  version: 2,
  program: { jsonata: '{ "verdict": "would_fail", "output": null }' },
}

/**
 * Rule 8. Every golden case of the contract gives what it gave at registration. `seen` is
 * `{ cases, matched, digest, differing }`, or null for a contract that has no cases.
 */
export const baseline: Gate = {
  name: 'baseline',
  rule: 8,
  stage: 'preflight',
  required: 'every baseline case of the contract gives its recorded answer',
  judge({ command, control, seen }) {
    const contract = findContract(control, command.contract)
    if (contract === undefined) return indeterminate()
    const cases = contract.body.baseline?.length ?? 0
    if (cases === 0) return seen === null ? pass() : indeterminate()
    if (!isResult(seen) || seen.cases !== cases) return indeterminate()
    return seen.matched === cases ? pass() : fail('baseline-mismatch')
  },
  negativeControl: {
    command: { ...SPECIMEN_COMMAND, contract: { id: CHANGED.id, version: CHANGED.version } },
    control: specimenControl({
      manifests: [CHANGED, SPECIMEN_MANIFESTS.fixture, SPECIMEN_MANIFESTS.target],
    }),
    seen: { cases: 1, matched: 0, digest: 'sha256:specimen', differing: ['specimen'] },
    code: 'baseline-mismatch',
  },
}

const isResult = (seen: Json): seen is { cases: number; matched: number } =>
  isObject(seen) && Number.isInteger(seen['cases']) && Number.isInteger(seen['matched'])
