import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CountedCall, createCallCounts } from '../../src/analytics/call-counts.ts'

const HOUR_MS = 3_600_000
const NOON_MS = Date.parse('2026-11-27T12:00:00Z')
const PLENTY = { contractRowsMax: 100, rowsMax: 200 }

const replayed: CountedCall = {
  contractId: 'a',
  mode: 'DRY_RUN',
  outcome: 'replayed',
  code: '',
  appended: 'none',
}
const of = (contractId: string): CountedCall => ({ ...replayed, contractId })

function open(bounds = PLENTY) {
  const clock = { ms: NOON_MS }
  const counts = createCallCounts(bounds, () => clock.ms)
  const writeAll = (): void => counts.written(counts.unwritten())
  const seen = () =>
    counts.unwritten().map((it) => [(it.hourMs - NOON_MS) / HOUR_MS, it.contractId, it.calls])
  return { clock, writeAll, seen, ...counts }
}

describe('the counts of calls', () => {
  it('hold one number for equal calls, and one for each that differs in anything', () => {
    const { count, unwritten } = open()
    const others: CountedCall[] = [
      of('b'),
      { ...replayed, mode: 'PLAN_ONLY' },
      { ...replayed, outcome: 'refused' },
      { ...replayed, code: 'plan-stale' },
      { ...replayed, appended: 'events' },
    ]
    for (const call of [replayed, ...others, replayed]) count(call)
    expect(unwritten()).toEqual([
      { ...replayed, hourMs: NOON_MS, calls: 2 },
      ...others.map((call) => ({ ...call, hourMs: NOON_MS, calls: 1 })),
    ])
  })

  it('are unwritten until they are written, and then as a whole: nothing is to be added', () => {
    const { count, seen, writeAll } = open()
    count(of('a'))
    count(of('b'))
    writeAll()
    expect(seen()).toEqual([])
    count(of('a'))
    expect(seen()).toEqual([[0, 'a', 2]])
  })

  it('lose nothing of what is counted while others are written, or when that fails', () => {
    const { count, seen, unwritten, written } = open()
    count(of('a'))
    const underWay = unwritten()
    count(of('a'))
    expect(seen()).toEqual([[0, 'a', 2]])
    written(underWay)
    expect(seen()).toEqual([[0, 'a', 2]])
  })

  it('begin anew with each hour, and keep the one before until it is written', () => {
    const { count, seen, clock, writeAll } = open()
    clock.ms = NOON_MS + HOUR_MS - 1
    count(of('a'))
    clock.ms = NOON_MS + HOUR_MS
    count(of('a'))
    expect(seen()).toEqual([
      [0, 'a', 1],
      [1, 'a', 1],
    ])
    writeAll()
    count(of('a'))
    expect(seen()).toEqual([[1, 'a', 2]])
  })

  it('go on in the later hour when the clock is set back: a written hour is never begun again', () => {
    const { count, seen, clock, writeAll } = open()
    count(of('a'))
    clock.ms += HOUR_MS
    count(of('a'))
    writeAll()
    clock.ms -= HOUR_MS
    count(of('a'))
    expect(seen()).toEqual([[1, 'a', 2]])
  })
})

describe('too many rows', () => {
  it('of contracts are counted without their names, and those that are there go on', () => {
    const { count, seen, writeAll } = open({ contractRowsMax: 2, rowsMax: 9 })
    for (const id of ['a', 'b', 'c', 'd']) count(of(id))
    // Written rows stay for their hour: else each write would make room for as many again.
    writeAll()
    for (const id of ['a', 'e']) count(of(id))
    expect(seen()).toEqual([
      [0, 'a', 2],
      [0, '', 3],
    ])
  })

  it('find room again when the next hour begins', () => {
    const { count, seen, clock, writeAll } = open({ contractRowsMax: 2, rowsMax: 9 })
    for (const id of ['a', 'b']) count(of(id))
    writeAll()
    clock.ms += HOUR_MS
    count(of('c'))
    expect(seen()).toEqual([[1, 'c', 1]])
  })

  it('that nobody can write are told once, as a number', () => {
    const { count, seen, takeUncounted } = open({ contractRowsMax: 1, rowsMax: 2 })
    count(of('a'))
    for (const outcome of ['replayed', 'refused', 'error']) count({ ...of(''), outcome })
    count(of('b'))
    expect(seen()).toEqual([
      [0, 'a', 1],
      [0, '', 2],
    ])
    expect([takeUncounted(), takeUncounted()]).toEqual([2, 0])
  })
})

it('is what was counted, however calls, hours, writes and failures come together', () => {
  const step = fc.oneof(
    fc.record({ call: fc.constantFrom('', 'a', 'b', 'c', 'd') }),
    fc.record({ hours: fc.constantFrom(-1, 1) }),
    fc.record({ writes: fc.boolean() }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, count, unwritten, written, takeUncounted } = open({
        contractRowsMax: 3,
        rowsMax: 5,
      })
      const table = new Map<string, number>()
      const write = (): void => {
        const counts = unwritten()
        expect(counts.length).toBeLessThanOrEqual(5)
        for (const it of counts) table.set(`${it.hourMs} ${it.contractId}`, it.calls)
        written(counts)
      }
      let calls = 0
      for (const it of steps) {
        if ('call' in it) {
          count(of(it.call))
          calls += 1
        } else if ('hours' in it) clock.ms += it.hours * HOUR_MS
        else if (it.writes) write()
      }
      write()
      const sum = [...table.values()].reduce((all, some) => all + some, 0)
      expect(sum + takeUncounted()).toBe(calls)
    }),
  )
})
