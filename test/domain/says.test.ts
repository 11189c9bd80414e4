import { describe, expect, it } from 'vitest'
import { EVIDENCE_NAMES } from '../../domain/gates/evidence.ts'
import { GATES } from '../../domain/gates/index.ts'
import { EVIDENCE_SAYS, GATE_SAYS, gateSays, NOT_EVALUATED_SAYS } from '../../domain/gates/says.ts'
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

  it('has two sentences for every piece of evidence that an executor declares, and for no other', () => {
    const names = [...new Set(Object.values(EVIDENCE_NAMES).flat())]
    expect(Object.keys(EVIDENCE_SAYS).toSorted()).toEqual(names.toSorted())
    const sentences = Object.values(EVIDENCE_SAYS).flatMap((it) => [it.holds, it.broken])
    expect(sentences.filter((it) => !SENTENCE.test(it))).toEqual([])
    expect(new Set(sentences).size).toBe(2 * names.length)
  })
})
