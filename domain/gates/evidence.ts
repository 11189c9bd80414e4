import { findContract } from '../control/state.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, specimenControl } from './specimen.ts'

/** What each executor type must show. A type that is not here can show nothing. */
export const EVIDENCE_NAMES: Readonly<Record<string, readonly string[]>> = {
  simulator: ['isolated'],
  'sql-read': ['noTransactionId', 'stillReadOnly', 'canaryIntact'],
}

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
    return isComplete(type, seen) ? pass() : fail('mutation-suspected')
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

/** Exactly the names of the type are there, and all of them hold. */
function isComplete(type: string, seen: JsonObject): boolean {
  const names = Object.hasOwn(EVIDENCE_NAMES, type) ? (EVIDENCE_NAMES[type] ?? []) : []
  const shown = Object.keys(seen)
  return (
    names.length > 0 &&
    shown.length === names.length &&
    names.every((name) => Object.hasOwn(seen, name) && holds(seen[name]))
  )
}

const holds = (item: Json | undefined): boolean => isObject(item) && item['holds'] === true
