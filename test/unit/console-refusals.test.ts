import { describe, expect, it } from 'vitest'
import {
  byHour,
  type CallsRow,
  hoursUntil,
  lastHours,
  merged,
  refusedOf,
  sumsBy,
} from '../../src/console/call-sums.ts'
import { levelOf, shortNum } from '../../src/console/parts/heat-level.ts'
import {
  byRule,
  dispatchesOfPick,
  filterOfPick,
  isNarrowed,
  NOTHING_PICKED,
  pickOf,
} from '../../src/console/screens/refusals/pick.ts'

const NOW = Date.parse('2026-11-22T17:40:11.257Z')
const at = (hour: string): string => `2026-11-22T${hour}:00:00.000Z`

const row = (
  hour: string,
  code: string,
  calls: number,
  other: Partial<CallsRow> = {},
): CallsRow => ({
  hour: at(hour),
  contract_id: 'iu.cut',
  mode: 'DRY_RUN',
  outcome: 'refused',
  code,
  appended: 'events',
  calls,
  ...other,
})

describe('hours', () => {
  it('end with the one that has begun', () => {
    expect(hoursUntil(NOW, 3)).toEqual([at('15'), at('16'), at('17')])
    expect(lastHours(NOW, 3)).toEqual({ after: at('15'), until: at('18') })
  })

  it('go over midnight', () => {
    expect(hoursUntil(Date.parse(at('00')), 2)).toEqual(['2026-11-21T23:00:00.000Z', at('00')])
  })

  it('are asked for once where ranges touch or overlap, and gaps are left out', () => {
    const range = (after: string, until: string) => ({ after: at(after), until: at(until) })
    expect(
      merged([range('12', '13'), range('01', '04'), range('02', '03'), range('04', '05')]),
    ).toEqual([range('01', '05'), range('12', '13')])
    expect(merged([])).toEqual([])
  })
})

describe('sums of calls', () => {
  const rows = [
    row('15', 'plan-stale', 2),
    row('15', 'plan-stale', 30, { appended: 'none' }),
    row('17', 'plan-stale', 4, { mode: 'VERIFY_ONLY' }),
    row('17', 'fixture-missing', 500, { contract_id: 'hc.rows' }),
    row('17', '', 9_000, { outcome: 'created' }),
    row('17', 'contended', 70, { outcome: 'error', appended: 'unknown' }),
  ]

  it('tell refusals that stand in the log from those that are only counted', () => {
    expect(sumsBy(refusedOf(rows, 'events'), (it) => it.code)).toMatchObject([
      { key: 'fixture-missing', calls: 500 },
      { key: 'plan-stale', calls: 6 },
    ])
    expect(sumsBy(refusedOf(rows, 'calls'), (it) => it.code)).toMatchObject([
      { key: 'fixture-missing', calls: 500 },
      { key: 'plan-stale', calls: 36 },
    ])
  })

  it('are 0 in hours without calls, and leave out other hours', () => {
    const hours = [at('15'), at('16'), at('17')]
    expect(byHour(refusedOf(rows, 'events'), hours)).toEqual([2, 0, 504])
    expect(byHour(rows, [at('16')])).toEqual([0])
  })
})

describe('refusals by rule', () => {
  const hours = [at('16'), at('17')]

  it('have a row for each rule with a gate, also where nothing was refused', () => {
    const rows = byRule([row('17', 'kill-switch-engaged', 3), row('16', 'plan-stale', 1)], hours)
    expect(rows).toEqual([
      { rule: 0, figures: [0, 0] },
      { rule: 1, figures: [0, 0] },
      { rule: 2, figures: [0, 3] },
      { rule: 4, figures: [0, 0] },
      { rule: 6, figures: [0, 0] },
      { rule: 8, figures: [1, 0] },
    ])
  })

  it('lose no code: one of no single rule, and one that is not known, have a row', () => {
    const rows = byRule(
      [row('16', 'gate-indeterminate', 1), row('17', 'of-a-newer-server', 2)],
      hours,
    )
    expect(rows.at(-1)).toEqual({ rule: null, figures: [1, 2] })
  })
})

describe('what is picked', () => {
  const picked = (address: string) => pickOf(new URLSearchParams(address))

  it('is nothing in an address that says nothing', () => {
    expect(picked('')).toEqual({
      counted: 'events',
      code: null,
      rule: null,
      hour: null,
      contract: null,
    })
    expect(isNarrowed(picked('count=calls'))).toBe(false)
    expect(filterOfPick(picked(''))).toBe('')
  })

  it('is let go of by all its parameters', () => {
    const all = 'code=a&rule=8&hour=b&contract=c&page=d'
    expect(Object.keys(NOTHING_PICKED).toSorted()).toEqual(
      [...new URLSearchParams(all).keys()].toSorted(),
    )
  })

  it('is one filter of refusals', () => {
    expect(filterOfPick(picked('code=plan-stale'))).toBe('code = "plan-stale"')
    expect(filterOfPick(picked(`rule=8&hour=${at('17')}&contract=iu.cut`))).toBe(
      `rule = 8 AND contract.id = "iu.cut" AND recordedAt >= "${at('17')}" AND recordedAt < "${at('18')}"`,
    )
  })

  it('stays one comparison, whatever text the address has', () => {
    expect(filterOfPick(picked(`code=${encodeURIComponent('a" OR code != "b')}`))).toBe(
      'code = "a\\" OR code != \\"b"',
    )
    expect(filterOfPick(picked('hour=yesterday'))).toBe(
      'recordedAt >= "yesterday" AND recordedAt < "yesterday"',
    )
  })

  it('is a filter of dispatches, by the codes of a rule where no code is picked', () => {
    const codes = ['plan-stale', 'kill-switch-engaged', 'fixture-missing']
    expect(dispatchesOfPick(picked('code=plan-stale'), codes)).toBe('lastRefusal = "plan-stale"')
    expect(dispatchesOfPick(picked('rule=8&contract=iu.cut'), codes)).toBe(
      '(lastRefusal = "plan-stale" OR lastRefusal = "fixture-missing") AND contract.id = "iu.cut"',
    )
    expect(dispatchesOfPick(picked(''), codes)).toBe('lastRefusal:*')
  })
})

describe('cells of the heat map', () => {
  it('are darker by five steps of the largest figure', () => {
    expect([0, 1, 4, 10, 30, 60, 100].map((it) => levelOf(it, 100))).toEqual([0, 1, 2, 3, 4, 5, 5])
  })

  it('have room for four characters', () => {
    expect([7, 999, 1_000, 1_718, 9_949, 9_950, 64_200].map(shortNum)).toEqual([
      '7',
      '999',
      '1.0k',
      '1.7k',
      '9.9k',
      '10k',
      '64k',
    ])
  })
})
