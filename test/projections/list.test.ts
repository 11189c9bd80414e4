import { describe, expect, it } from 'vitest'
import { parseFilter } from '../../domain/filter/parse-filter.ts'
import { dispatchList } from '../../projections/dispatches/query.ts'
import { keysOf, type List, type PageOf, pageOf, placeOf } from '../../projections/list.ts'
import { outputList } from '../../projections/outputs/query.ts'
import { refusalList } from '../../projections/refusals/query.ts'

const LISTS = [dispatchList, refusalList, outputList] as readonly List[]
const FIRST: PageOf = { pageSize: 20, filter: null, orderBy: [], after: null, within: null }

const list = outputList as List
const text = (page: Partial<PageOf>, of = list): string =>
  pageOf(of, { ...FIRST, ...page }).text.replace(/\s+/g, ' ')
const filterOf = (filter: string, of = list): PageOf['filter'] => {
  const parsed = parseFilter(filter, of.fields)
  if (parsed.ok) return parsed.value
  throw new Error(parsed.detail)
}

describe('a page of a list', () => {
  it('is one statement from the last row on, with one row more than asked', () => {
    expect(pageOf(list, FIRST).values).toEqual([21])
    expect(text({})).toBe(
      'select f.position as follower_position, p.* from rm_outputs_v2.follower f left join lateral ( ' +
        'select k.*, o.* from ((select o.recorded_at as key_1, o.position as key_2 ' +
        'from rm_outputs_v2.outputs o where true and true ' +
        'order by key_1 desc, key_2 desc limit $1)) k ' +
        'join rm_outputs_v2.outputs o on o.position = k.key_2 ' +
        ') p on true order by key_1 desc, key_2 desc',
    )
  })

  it('comes after the keys of a row, compared as one where all go one way', () => {
    const after = ['2026-01-01T00:00:00.000Z', 7]
    expect(text({ after })).toContain(
      'where true and (o.recorded_at, o.position) < ($2::timestamptz, $3::bigint) order by',
    )
    const orderBy = [{ field: 'recordedAt', descending: false }]
    expect(text({ after, orderBy })).toContain('(o.recorded_at, o.position) > (')
    expect(pageOf(list, { ...FIRST, after }).values).toEqual([21, ...after])
  })

  it('comes after the keys of a row, one by one where they go both ways', () => {
    const orderBy = [
      { field: 'target', descending: false },
      { field: 'openedAt', descending: true },
    ]
    const after = ['a', '2026-01-01T00:00:00.000Z', 7]
    expect(text({ after, orderBy }, LISTS[0])).toContain(
      '(d.target) >= ($2::text) and ((d.target) > ($2::text) or ' +
        '(d.opened_at, d.opened_position) < ($3::timestamptz, $4::bigint))',
    )
  })

  it('keeps what the caller may see in every alternative of a filter', () => {
    const filter = filterOf('verdict = would_fail OR NOT outputNamespace:"DRYRUN-NS:a"')
    const first = (n: number) => `split_part(o.output_namespace collate "C", '/', 1) = $${n}::text`
    const conditions = (within: readonly string[]) =>
      text({ filter, within }).match(/(?<= where ).*?(?= order by)/g) ?? []
    const one = conditions(['DRYRUN-NS:b'])
    expect(one).toHaveLength(2)
    for (const it of one) expect(it).toMatch(/^\(split_part\(.*?\) and \(.*\) and true$/)
    const two = conditions(['DRYRUN-NS:b', 'DRYRUN-NS:c'])
    expect(two).toHaveLength(4)
    expect(two.filter((it) => it.startsWith(`(${first(5)}`))).toHaveLength(2)
    expect(two.filter((it) => it.startsWith(`(${first(7)}`))).toHaveLength(2)
    const many = conditions(Array.from({ length: 40 }, (_, n) => `DRYRUN-NS:x${n}`))
    expect(many).toHaveLength(2)
    for (const it of many) expect(it).toMatch(/^\(false or \(split_part\(.*\)\)\) and \(/)
  })

  it('is empty for no prefix at all, whatever the filter', () => {
    expect(text({ within: [] })).toContain('where (false) and true')
    const filter = filterOf('verdict = would_fail OR verdict != would_fail')
    expect(text({ within: [], filter }).match(/where \(false\) and/g)).toHaveLength(2)
  })

  it('is limited to prefixes by whole segments', () => {
    const { values } = pageOf(list, { ...FIRST, within: ['DRYRUN-NS:b/c'] })
    expect(values).toEqual([21, 'DRYRUN-NS:b', 'DRYRUN-NS:b/c'])
    expect(text({ within: ['DRYRUN-NS:b/c'] })).toContain(
      `> $3::text || '/' and o.output_namespace collate "C" < $3::text || '0'`,
    )
  })

  it('has no text of a filter in its SQL', () => {
    const hostile = `x'; drop table y; -- $1 "`
    for (const one of LISTS) {
      const field = one.name === 'outputs' ? 'executor.type' : 'target'
      const filter = filterOf(`NOT ${field} = ${JSON.stringify(hostile)}`, one)
      const query = pageOf(one, { ...FIRST, filter })
      expect(query.values).toContain(hostile)
      expect(query.text).not.toContain('drop')
    }
  })
})

describe('the order of a list', () => {
  const columns = (orderBy: PageOf['orderBy'], of = LISTS[0] as List) =>
    keysOf(of, orderBy).map((it) => `${it.field.column}${it.descending ? ' desc' : ''}`)

  it('is when rows came to be, the last first, and ends with the place', () => {
    expect(columns([])).toEqual(['d.opened_at desc', 'd.opened_position desc'])
    expect(columns([], list)).toEqual(['o.recorded_at desc', 'o.position desc'])
  })

  it('goes on in the direction of the last field that was asked', () => {
    const up = { field: 'target', descending: false }
    const down = { field: 'changedAt', descending: true }
    expect(columns([up])).toEqual(['d.target', 'd.opened_at', 'd.opened_position'])
    expect(columns([up, down])).toEqual([
      'd.target',
      'd.changed_at desc',
      'd.opened_at desc',
      'd.opened_position desc',
    ])
    expect(columns([{ field: 'openedAt', descending: false }])).toEqual([
      'd.opened_at',
      'd.opened_position',
    ])
  })

  it('tells the place of a row', () => {
    const moment = { toISOString: () => '2026-01-01T00:00:00.000Z' }
    const row = { follower_position: 9, key_1: moment, key_2: 7 }
    expect(placeOf(row, keysOf(list, []))).toEqual(['2026-01-01T00:00:00.000Z', '7'])
  })

  it('knows no field that is null in some row, and each list can be found by its namespace', () => {
    for (const { fields, namespace, time } of LISTS) {
      const both = Object.values(fields).filter((it) => it.ordered && it.nullable)
      expect(both).toEqual([])
      expect(fields[namespace]?.type).toBe('namespace')
      expect(fields[time]).toMatchObject({ type: 'time', ordered: true })
    }
  })
})
