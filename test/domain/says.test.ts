import { describe, expect, it } from 'vitest'
import { CROSS_CHECK_EVIDENCE, EVIDENCE_NAMES } from '../../domain/gates/evidence.ts'
import { GATES } from '../../domain/gates/index.ts'
import {
  EVIDENCE_SAYS,
  evidenceSays,
  GATE_SAYS,
  gateSays,
  NOT_EVALUATED_SAYS,
} from '../../domain/gates/says.ts'
import type { Json } from '../../domain/json.ts'
import type { GateOutcome } from '../../domain/snapshot.ts'

describe('what is said of gates and evidence', () => {
  const SENTENCE = /^[A-Z].{20,}\.$/u

  it('has a sentence for every outcome of every gate, and for nothing else', () => {
    expect(Object.keys(GATE_SAYS)).toEqual(GATES.map((it) => it.name))
    for (const says of Object.values(GATE_SAYS))
      expect(Object.keys(says)).toEqual(['pass', 'fail', 'indeterminate'])
    const sentences = Object.values(GATE_SAYS).flatMap((says) => Object.values(says))
    expect(sentences.filter((it) => !SENTENCE.test(it))).toEqual([])
    expect(new Set(sentences).size).toBe(36)
  })

  it('is found by gate and outcome, and the same for every gate that was not evaluated', () => {
    for (const { name } of GATES) {
      for (const outcome of ['pass', 'fail', 'indeterminate'] as const) {
        expect(gateSays(name, outcome)).toBe(GATE_SAYS[name][outcome])
      }
      expect(gateSays(name, 'not_evaluated' satisfies GateOutcome)).toBe(NOT_EVALUATED_SAYS)
    }
    expect(NOT_EVALUATED_SAYS).toMatch(SENTENCE)
  })

  it('has two sentences for every piece of evidence that is ever asked for, and for no other', () => {
    const names = [...new Set([...Object.values(EVIDENCE_NAMES).flat(), CROSS_CHECK_EVIDENCE])]
    expect(Object.keys(EVIDENCE_SAYS).toSorted()).toEqual(names.toSorted())
    const sentences = Object.values(EVIDENCE_SAYS).flatMap((it) => [it.holds, it.broken])
    expect(sentences.filter((it) => !SENTENCE.test(it))).toEqual([])
    expect(new Set(sentences).size).toBe(2 * names.length)
  })

  it('is found by name for each piece of evidence, and is the good one only where it holds', () => {
    const { holds, broken } = EVIDENCE_SAYS['dryRunProven'] ?? {}
    const said = (item: Json) => evidenceSays({ dryRunProven: item })
    expect(said({ holds: true, seen: null })).toEqual([
      { name: 'dryRunProven', holds: true, says: holds },
    ])
    for (const item of [{ holds: false }, { holds: 'true' }, { holds: 1 }, {}])
      expect(said(item)).toEqual([{ name: 'dryRunProven', holds: false, says: broken }])
  })

  it('is nothing where there was no report, or nobody knows the name', () => {
    const item = { holds: true, seen: null }
    const unknown: readonly Json[] = [
      { failure: 'timeout', code: 'time' },
      { unknown: item },
      { dryRunProven: true },
      { constructor: item, toString: item },
    ]
    for (const seen of [null, [], 'pass', {}, ...unknown]) expect(evidenceSays(seen)).toEqual([])
  })
})
