import { findContract, newestTarget } from '../control/state.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** What each executor type must show. A type that is not here can show nothing. */
export const EVIDENCE_NAMES: Readonly<Record<string, readonly string[]>> = {
  simulator: ['isolated'],
  'sql-read': ['noTransactionId', 'stillReadOnly', 'canaryIntact'],
  http: ['dryRunProven', 'addressPinned', 'notRedirected'],
}

/** What a target with a cross-check must show beside them. */
export const CROSS_CHECK_EVIDENCE = 'sourceUnchanged'

/**
 * Rule 0. `seen` is the whole evidence of the run, `{ <name>: { holds, seen } }`, or
 * `{ failure, code }` where the executor gave no report.
 */
export const evidence: Gate = {
  name: 'evidence',
  rule: 0,
  stage: 'execution',
  required: 'the executor reported, and every piece of its evidence shows that nothing mutated',
  judge({ command, control, seen }) {
    const type = findContract(control, command.contract)?.body.executor
    if (type === undefined || !isObject(seen)) return indeterminate()
    if (typeof seen['failure'] === 'string') return noReport(seen)
    const target = newestTarget(control, command.target)?.body
    const names = namesFor(type, target?.crossCheck !== undefined)
    return isComplete(names, seen) ? pass() : fail('mutation-suspected')
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl(),
    seen: { isolated: { holds: false, seen: null } },
    code: 'mutation-suspected',
  },
}

const noReport = (seen: JsonObject) =>
  indeterminate(seen['failure'] === 'timeout' ? 'executor-timeout' : 'executor-failed')

function namesFor(type: string, isCrossChecked: boolean): readonly string[] {
  const names = Object.hasOwn(EVIDENCE_NAMES, type) ? (EVIDENCE_NAMES[type] ?? []) : []
  return type === 'http' && isCrossChecked ? [...names, CROSS_CHECK_EVIDENCE] : names
}

/** Exactly these names are there, and all of them hold. */
function isComplete(names: readonly string[], seen: JsonObject): boolean {
  const shown = Object.keys(seen)
  return (
    names.length > 0 &&
    shown.length === names.length &&
    names.every((name) => Object.hasOwn(seen, name) && holds(seen[name]))
  )
}

const holds = (item: Json | undefined): boolean => isObject(item) && item['holds'] === true
