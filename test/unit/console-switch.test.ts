import { describe, expect, it } from 'vitest'
import type { CallsRow } from '../../src/console/call-sums.ts'
import { marksOf, weekOf } from '../../src/console/screens/switch/rails.ts'
import {
  firstSettings,
  haltsOf,
  refusedBy,
  type Setting,
} from '../../src/console/switch/intervals.ts'
import {
  contractsOf,
  haltedBeside,
  reachInWords,
  scopesToChoose,
} from '../../src/console/switch/scopes.ts'
import { settings } from '../support/switch-settings.ts'

const CONTRACTS = [
  { id: 'hc.rows', executor: 'sql-read' },
  { id: 'hc.locks', executor: 'sql-read' },
  { id: 'agent.rename', executor: 'http' },
]
const NOW = Date.parse('2026-11-22T17:40:00.000Z')

const inShort = (log: readonly Setting[]) =>
  haltsOf(log).map(({ scope, from, to }) => [scope, from.revision, to?.revision ?? null])

describe('halts of the switch', () => {
  it('last from a halt to the release of the same scope, the newest first', () => {
    const log = settings(
      '2026-11-22T10:00:00.000Z',
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
      ['executor:http', 'HALTED'],
      ['executor:http', 'DRY_RUN_ONLY'],
    )
    expect(inShort(log)).toEqual([
      ['executor:http', 3, 4],
      ['global', 1, 2],
    ])
  })

  it('have no end where nothing released them', () => {
    const log = settings('2026-11-22T10:00:00.000Z', ['global', 'HALTED'])
    expect(inShort(log)).toEqual([['global', 0, null]])
  })

  it('of a narrow scope go on when a wide one is released in between', () => {
    const log = settings(
      '2026-11-22T10:00:00.000Z',
      ['executor:http', 'HALTED'],
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
      ['executor:http', 'DRY_RUN_ONLY'],
    )
    expect(inShort(log)).toEqual([
      ['global', 1, 2],
      ['executor:http', 0, 3],
    ])
  })

  it('neither begin nor end with a setting that changes nothing', () => {
    const log = settings(
      '2026-11-22T10:00:00.000Z',
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'HALTED'],
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'DRY_RUN_ONLY'],
    )
    expect(inShort(log)).toEqual([['global', 2, 4]])
  })

  it('are none in a log without settings', () => {
    expect(haltsOf([])).toEqual([])
    expect(firstSettings([])).toEqual([])
  })

  it('stand on rails that begin with the first setting, global on top', () => {
    const log = settings(
      '2026-11-22T10:00:00.000Z',
      ['executor:http', 'DRY_RUN_ONLY'],
      ['global', 'DRY_RUN_ONLY'],
      ['executor:http', 'HALTED'],
    )
    const firsts = firstSettings(log).map((it) => [it.data.scope, it.revision])
    expect(firsts).toEqual([
      ['global', 1],
      ['executor:http', 0],
    ])
  })
})

const refused = (hour: string, contract_id: string, calls: number, appended = 'none') =>
  ({
    hour: `2026-11-22T${hour}:00:00.000Z`,
    contract_id,
    mode: 'DRY_RUN',
    outcome: 'refused',
    code: 'kill-switch-engaged',
    appended,
    calls,
  }) as CallsRow

const counted = (log: readonly Setting[], rows: readonly CallsRow[]) => {
  const halts = haltsOf(log)
  return halts.map((halt) => refusedBy(halt, { rows, halts, contracts: CONTRACTS, nowMs: NOW }))
}

describe('calls that a halt refused', () => {
  it('are those of its hours and its contracts, by the switch', () => {
    const log = settings(
      '2026-11-22T10:59:30.000Z',
      ['executor:sql-read', 'HALTED'],
      ['executor:sql-read', 'DRY_RUN_ONLY'],
    )
    const rows = [
      refused('09', 'hc.rows', 1),
      refused('10', 'hc.rows', 20, 'events'),
      refused('11', 'hc.locks', 300),
      refused('11', 'agent.rename', 4_000),
      { ...refused('11', 'hc.rows', 50_000), code: 'plan-stale' },
      refused('12', 'hc.rows', 600_000),
    ]
    expect(counted(log, rows)).toEqual([{ calls: 320, appended: 20, isShared: false }])
  })

  it('of global are those of contracts that nobody registered, too', () => {
    const log = settings('2026-11-22T17:00:00.000Z', ['global', 'HALTED'])
    expect(counted(log, [refused('17', '', 7)])).toEqual([
      { calls: 7, appended: 0, isShared: false },
    ])
  })

  it('are shared where another halt touches the same hour and contract', () => {
    const log = settings(
      '2026-11-22T10:00:00.000Z',
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
      ['contract:hc.rows', 'HALTED'],
      ['contract:hc.rows', 'DRY_RUN_ONLY'],
    )
    expect(counted(log, []).map((it) => it.isShared)).toEqual([true, true])
  })

  it('are not shared with a halt of other contracts, or of other hours', () => {
    const apart = settings(
      '2026-11-22T10:00:00.000Z',
      ['executor:http', 'HALTED'],
      ['executor:http', 'DRY_RUN_ONLY'],
      ['executor:sql-read', 'HALTED'],
      ['executor:sql-read', 'DRY_RUN_ONLY'],
    )
    expect(counted(apart, []).map((it) => it.isShared)).toEqual([false, false])
    const later = settings(
      '2026-11-22T10:57:00.000Z',
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'HALTED'],
    )
    expect(counted(later, []).map((it) => it.isShared)).toEqual([false, false])
  })
})

describe('marks on a rail', () => {
  const { fromMs, toMs } = weekOf(NOW)
  const x = (ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * 700
  const drawn = (log: readonly Setting[]) => marksOf(haltsOf(log), { fromMs, nowMs: NOW, x })

  it('cover seven days, today the last', () => {
    expect(new Date(fromMs).toISOString()).toBe('2026-11-16T00:00:00.000Z')
    expect(new Date(toMs).toISOString()).toBe('2026-11-23T00:00:00.000Z')
  })

  it('begin at the edge for a halt that is older, and leave out what ended before', () => {
    const old = settings('2026-11-01T00:00:00.000Z', ['global', 'HALTED'])
    expect(drawn(old)).toMatchObject([{ x: 0, width: x(NOW), isLabelled: false }])
    const over = settings(
      '2026-11-01T00:00:00.000Z',
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
    )
    expect(drawn(over)).toEqual([])
  })

  it('of short halts can be seen, and do not reach beyond their end', () => {
    const log = settings(
      '2026-11-22T17:38:00.000Z',
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
    )
    const [mark] = drawn(log)
    expect(mark?.width).toBe(5)
    expect((mark?.x ?? 0) + 5).toBeCloseTo(x(Date.parse('2026-11-22T17:39:00.000Z')))
  })

  it('have no figure where it would lie on the mark before', () => {
    const log = settings(
      '2026-11-20T00:00:00.000Z',
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
      ['global', 'HALTED'],
      ['global', 'DRY_RUN_ONLY'],
    )
    expect(drawn(log).map((it) => it.isLabelled)).toEqual([true, false])
  })
})

describe('scopes', () => {
  it('of a catalogue are its contracts, once for each executor', () => {
    const manifests = [
      { kind: 'Contract', id: 'hc.rows', executor: 'sql-read' },
      { kind: 'Contract', id: 'hc.rows', executor: 'sql-read' },
      { kind: 'Contract', id: 'hc.rows', executor: 'http' },
      { kind: 'Target', id: 'shop', executor: 'sql-read' },
      { kind: 'Fixture', id: 'none' },
    ]
    expect(contractsOf(manifests)).toEqual([
      { id: 'hc.rows', executor: 'sql-read' },
      { id: 'hc.rows', executor: 'http' },
    ])
  })

  it('are offered once: those that were set, then the others', () => {
    const groups = scopesToChoose(['global', 'executor:http'], CONTRACTS)
    expect(groups.map(({ scopes }) => scopes)).toEqual([
      ['global', 'executor:http'],
      ['executor:sql-read'],
      ['contract:agent.rename', 'contract:hc.locks', 'contract:hc.rows'],
    ])
  })

  it('say in words whom they touch', () => {
    expect(reachInWords('global', CONTRACTS)).toContain('3 registered contracts')
    expect(reachInWords('executor:sql-read', CONTRACTS)).toBe(
      'dispatches of 2 contracts: hc.rows, hc.locks',
    )
    expect(reachInWords('contract:hc.rows', CONTRACTS)).toBe(
      'dispatches of hc.rows, in all its versions',
    )
    expect(reachInWords('contract:nobody', CONTRACTS)).toBe('no registered contract')
  })

  it('refuse on beside a released one where both stand over a contract', () => {
    const halted = ['contract:hc.rows', 'executor:http', 'global']
    expect(haltedBeside('executor:sql-read', halted, CONTRACTS)).toEqual([
      'contract:hc.rows',
      'global',
    ])
  })
})
