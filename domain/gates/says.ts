import { isObject, type Json } from '../json.ts'
import type { GateName, GateOutcome } from '../snapshot.ts'

type Sentences = Readonly<Record<Exclude<GateOutcome, 'not_evaluated'>, string>>

/** One plain sentence a gate and outcome, for people. A test holds the table against the names. */
export const GATE_SAYS: Readonly<Record<GateName, Sentences>> = {
  mode: {
    pass: 'The mode asks for nothing that could mutate.',
    fail: 'A real run was asked for, and the ledger never authorizes one.',
    indeterminate: 'The mode could not be told, so nothing may run.',
  },
  'kill-switch': {
    pass: 'The kill switch says DRY_RUN_ONLY.',
    fail: 'The kill switch says HALTED: an operator stopped this.',
    indeterminate: 'The kill switch was never set, and unset means stop.',
  },
  namespace: {
    pass: 'The output goes to a dry-run namespace.',
    fail: 'The output namespace is not a well-formed dry-run namespace.',
    indeterminate: 'The output namespace could not be judged.',
  },
  contract: {
    pass: 'The contract is registered in this version.',
    fail: 'The contract is not registered in this version, or it is retired.',
    indeterminate: 'The catalogue could not say whether the contract is there.',
  },
  params: {
    pass: 'The params fit the schema of the contract.',
    fail: 'The params do not fit the schema of the contract.',
    indeterminate: 'The params could not be checked against the contract.',
  },
  fixture: {
    pass: 'The fixture of the contract is registered.',
    fail: 'The fixture of the contract is not registered, or it is retired.',
    indeterminate: 'The catalogue could not say whether the fixture is there.',
  },
  target: {
    pass: 'The target is registered and the contract allows it.',
    fail: 'The target is not registered, or the contract does not allow it.',
    indeterminate: 'The catalogue could not say whether the target is there.',
  },
  pins: {
    pass: 'Contract, fixture and target are what the plan pinned.',
    fail: 'The target changed after the plan was recorded.',
    indeterminate: 'What the plan pinned could not be compared.',
  },
  executor: {
    pass: 'This server runs an executor of the contract’s type.',
    fail: 'This server runs no executor of the contract’s type.',
    indeterminate: 'The executor could not be identified.',
  },
  'read-only': {
    pass: 'Contract and executor both declare that they only read, and the executor shows it.',
    fail: 'Contract or executor could do more than read, or did not show otherwise.',
    indeterminate: 'What the executor may do could not be established.',
  },
  baseline: {
    pass: 'Every golden case of the contract still gives its recorded answer.',
    fail: 'Golden cases of the contract give another answer than recorded.',
    indeterminate: 'The golden cases of the contract could not be run.',
  },
  evidence: {
    pass: 'The run left complete evidence that nothing was mutated.',
    fail: 'The evidence does not show that nothing was mutated.',
    indeterminate: 'The run ended without a report, so it shows nothing.',
  },
}

export const NOT_EVALUATED_SAYS = 'Not judged, because an earlier gate had already refused.'

/** One plain sentence a piece of evidence. */
export const EVIDENCE_SAYS: Readonly<Record<string, { holds: string; broken: string }>> = {
  isolated: {
    holds:
      'It ran in a process of its own that had no clock, no randomness and nothing to write to.',
    broken: 'The process it ran in could not show that it was isolated.',
  },
  noTransactionId: {
    holds: 'Postgres gave the transaction no id, which every write of a row or an object needs.',
    broken: 'Postgres gave the transaction an id, so something was written, or about to be.',
  },
  stillReadOnly: {
    holds: 'After the statement the transaction was still READ ONLY.',
    broken: 'After the statement the transaction was no longer READ ONLY.',
  },
  canaryIntact: {
    holds:
      'A setting local to the transaction was still there, so it was one transaction throughout, and it was rolled back.',
    broken:
      'A setting local to the transaction was gone or changed, so the statement ended it or reset its limits.',
  },
  dryRunProven: {
    holds: 'The request asked for no change by its method, or the answer says that it was dry.',
    broken: 'The answer does not say that it was dry, so the request may have changed something.',
  },
  addressPinned: {
    holds: 'The connection went to the very address that had been judged and is allowed.',
    broken: 'The connection did not go to the address that had been judged.',
  },
  notRedirected: {
    holds: 'The service answered itself and sent the request nowhere else.',
    broken: 'The service did not answer itself: it redirected the request, or gave no answer.',
  },
  sourceUnchanged: {
    holds: 'A query of the database behind the service gave the same rows before and after.',
    broken: 'A query of the database behind the service gave other rows after the request.',
  },
}

export const gateSays = (gate: GateName, outcome: GateOutcome): string =>
  outcome === 'not_evaluated' ? NOT_EVALUATED_SAYS : GATE_SAYS[gate][outcome]

/** The evidence of a run, each piece with its sentence; none where there was no report. */
export function evidenceSays(seen: Json) {
  if (!isObject(seen)) return []
  return Object.entries(seen).flatMap(([name, item]) => {
    const says = Object.hasOwn(EVIDENCE_SAYS, name) ? EVIDENCE_SAYS[name] : undefined
    if (says === undefined || !isObject(item)) return []
    const holds = item['holds'] === true
    return [{ name, holds, says: holds ? says.holds : says.broken }]
  })
}
