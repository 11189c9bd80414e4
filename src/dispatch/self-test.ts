import { EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import type { Pins } from '../../domain/events.ts'
import type { Gate } from '../../domain/gates/gate.ts'
import { GATES, type NegativeControlResult } from '../../domain/gates/index.ts'
import { specimenPlanned } from '../../domain/gates/specimen.ts'
import type { RefusalCode } from '../../domain/refusal.ts'
import type { GateName } from '../../domain/snapshot.ts'
import { digestOf } from '../identity.ts'
import { type JudgePorts, judge } from './judge.ts'

export type SelfTestedGate = Readonly<{
  gate: GateName
  rule: number
  /** What the negative control must be refused with. */
  code: RefusalCode
  /** Both of these. */
  fired: boolean
  /** The gate refused its control, shown the facts that the control brings. */
  alone: boolean
  /** The judgement of this server refused the same command, on facts that it gathered itself. */
  inServer: boolean
  /** What this server said of it. */
  answered: RefusalCode | 'passed' | 'threw'
}>

/**
 * Shows every gate what it must refuse, twice: alone, and as the server judges a command, with its
 * own validator, executors and golden cases. It judges specimens under a control state of their
 * own, so it says the same while HALTED; nothing is loaded, and nothing is recorded.
 *
 * `evidence` alone takes its facts from the control: no executor gives broken evidence when asked.
 */
export async function selfTest(
  ports: JudgePorts,
  alone: readonly NegativeControlResult[],
): Promise<readonly SelfTestedGate[]> {
  const tested: SelfTestedGate[] = []
  for (const gate of GATES) {
    const { name, rule, negativeControl } = gate
    const { code } = negativeControl
    const refusedAlone = alone.some((it) => it.gate === name && it.fired)
    const { by, answered } = await judgeSpecimen(gate, ports).catch(() => THREW)
    const inServer = by === name && answered === code
    const fired = refusedAlone && inServer
    tested.push({ gate: name, rule, code, fired, alone: refusedAlone, inServer, answered })
  }
  return tested
}

type Said = Readonly<{ by: GateName | null; answered: SelfTestedGate['answered'] }>
const THREW: Said = { by: null, answered: 'threw' }

async function judgeSpecimen({ name, negativeControl }: Gate, ports: JudgePorts): Promise<Said> {
  const { command, control, seen } = negativeControl
  const planned = name === 'pins' ? specimenPlanned(seen as unknown as Pins) : null
  const state = { ...EMPTY_DISPATCH, planned }
  const ask = { command, digest: digestOf(command), state, control }
  const { judgement } = await judge(ask, ports, async (_, setting) => ({
    setting,
    seen,
    result: null,
  }))
  const { refusal } = judgement
  return refusal === null
    ? { by: null, answered: 'passed' }
    : { by: refusal.gate.record.gate, answered: refusal.code }
}
