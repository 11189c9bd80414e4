import { findContract } from '../control/state.ts'
import { isObject, type JsonObject } from '../json.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_MANIFESTS, specimenControl } from './specimen.ts'

/** What the facts of each executor type must say. A type that is not here can show nothing. */
const SHOWS_READ_ONLY: Readonly<Record<string, (facts: JsonObject) => boolean>> = {
  simulator: ({ isolation }) => isolation === 'process',
}

/** Rule 4. `seen` is `{ sideEffects, facts }`: what the executor declares and what shows it. */
export const readOnly: Gate = {
  name: 'read-only',
  rule: 4,
  stage: 'preflight',
  required: 'contract and executor declare that they have no side effects, and its facts show it',
  judge({ command, control, seen }) {
    const contract = findContract(control, command.contract)?.body
    if (contract === undefined || !isObject(seen)) return indeterminate()
    const { facts, sideEffects } = seen
    if (!isObject(facts) || typeof sideEffects !== 'string') return indeterminate()
    const isDeclared = contract.sideEffects === 'none' && sideEffects === 'none'
    return isDeclared && isShown(contract.executor, facts) ? pass() : fail('executor-unsafe')
  },
  negativeControl: {
    command: SPECIMEN_COMMAND,
    control: specimenControl({
      manifests: [
        { ...SPECIMEN_MANIFESTS.contract, sideEffects: 'some' },
        SPECIMEN_MANIFESTS.fixture,
        SPECIMEN_MANIFESTS.target,
      ],
    }),
    seen: { sideEffects: 'none', facts: { isolation: 'process' } },
    code: 'executor-unsafe',
  },
}

const isShown = (type: string, facts: JsonObject): boolean =>
  Object.hasOwn(SHOWS_READ_ONLY, type) && SHOWS_READ_ONLY[type]?.(facts) === true
