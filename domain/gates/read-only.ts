import type { TargetBody } from '../control/manifest.ts'
import { findContract, newestTarget } from '../control/state.ts'
import { SAFE_METHODS } from '../http-program.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { RefusalCode } from '../refusal.ts'
import { fail, type Gate, indeterminate, pass } from './gate.ts'
import { SPECIMEN_COMMAND, SPECIMEN_MANIFESTS, specimenControl } from './specimen.ts'

type Objection = RefusalCode | null
/** What is asked, beside what its executor shows of it. */
type Asked = Readonly<{ program: JsonObject; target: TargetBody | undefined }>

const objectToQuestion = ({ sql, source }: JsonObject, mustBeReplica: boolean): Objection => {
  if (!isObject(sql) || sql['allowed'] !== true) return 'sql-not-allowed'
  return isOnlyReader(source, mustBeReplica) ? null : 'executor-unsafe'
}

/** What is said against the facts of each executor type. A type that is not here can show nothing. */
const OBJECTIONS: Readonly<Record<string, (facts: JsonObject, asked: Asked) => Objection>> = {
  simulator: ({ isolation }) => (isolation === 'process' ? null : 'executor-unsafe'),
  'sql-read': (facts, { target }) => objectToQuestion(facts, target?.replica === true),
  http({ origin, sendsMarker, crossCheck = null }, { program, target }) {
    const isAllowed = isObject(origin) && origin['allowed'] === true
    if (!isAllowed || sendsMarker !== false) return 'executor-unsafe'
    if (!isProvable(program['method'], target)) return 'executor-unsafe'
    if (target?.crossCheck === undefined) return null
    return isObject(crossCheck) ? objectToQuestion(crossCheck, false) : 'executor-unsafe'
  },
}

/** A POST is sent only to what will say in its answer that it was dry. */
const isProvable = (method: Json | undefined, target: TargetBody | undefined): boolean =>
  typeof method === 'string' &&
  (SAFE_METHODS.includes(method) || (method === 'POST' && target?.marker !== undefined))

function objectionTo(type: string, facts: JsonObject, asked: Asked): Objection {
  const object = Object.hasOwn(OBJECTIONS, type) ? OBJECTIONS[type] : undefined
  return object === undefined ? 'executor-unsafe' : object(facts, asked)
}

/** Whatever a login can do beyond reading stands in one of these lists. */
const STRENGTHS = ['attributes', 'memberships', 'owns', 'writes', 'reaches']

function isOnlyReader(source: Json | undefined, mustBeReplica: boolean): boolean {
  if (!isObject(source)) return false
  const isWeak = (list: Json | undefined) => Array.isArray(list) && list.length === 0
  if (!STRENGTHS.every((name) => isWeak(source[name]))) return false
  return !mustBeReplica || source['replica'] === true
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
    if (contract.sideEffects !== 'none' || sideEffects !== 'none') return fail('executor-unsafe')
    const target = newestTarget(control, command.target)?.body
    const { executor, program } = contract
    const objection = objectionTo(executor, facts, { program, target })
    return objection === null ? pass() : fail(objection)
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
