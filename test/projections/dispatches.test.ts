import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { dispatches } from '../../projections/dispatches/project.ts'
import { type DispatchRow, dispatchList } from '../../projections/dispatches/query.ts'
import { type Row, schemaOf } from '../../projections/projection.ts'
import { identify } from '../../src/identity.ts'
import { sessionOfOccurrence } from '../support/arbitraries.ts'
import { READY, readyAnd, recordedControl, switchSet } from '../support/control.ts'
import {
  dryRun,
  dryRunRecorded,
  given,
  planned,
  preflightPassed,
  READY_WORLD,
  realRun,
  recorded,
} from '../support/given.ts'

type Rows = ReadonlyMap<string, Row>

/** What the runner does with a batch: handled events of a key are folded into the row it has. */
function applyBatch(rows: Rows, events: readonly Recorded[]): Rows {
  const next = new Map(rows)
  for (const event of events.filter((it) => dispatches.handles.includes(it.type))) {
    const key = dispatches.keyed.key(event)
    if (key !== null) next.set(key, dispatches.keyed.apply(next.get(key), event))
  }
  return new Map([...next].map(([key, row]) => [key, JSON.parse(JSON.stringify(row)) as Row]))
}

const streamOf = (...events: readonly DispatchEvent[]) => recorded(dryRun, EMPTY_DISPATCH, events)
const rowOf = (...events: readonly DispatchEvent[]): Row | undefined =>
  applyBatch(new Map(), streamOf(...events)).get(identify(dryRun).dispatchId)

const refusedRealRun = given().when(realRun).events[0] as DispatchEvent
const refusedByHalt = given()
  .under({ control: readyAnd(switchSet('HALTED')) })
  .when(dryRun).events[0] as DispatchEvent
const laterRefusal = given(refusedRealRun)
  .under({ control: readyAnd(switchSet('HALTED')) })
  .when(dryRun).events[0] as DispatchEvent

/** What every row of the sample command says, whatever happened to it. */
const IDENTITY = {
  dispatch_id: identify(dryRun).dispatchId,
  digest: identify(dryRun).digest,
  contract_id: 'sample.echo',
  contract_version: 1,
  target: 'sample/one',
  output_namespace: 'DRYRUN-NS:sample',
  occurrence: '',
}
const NOTHING = {
  reached: null,
  verdict: null,
  output_digest: null,
  refusals: 0,
  last_refusal: null,
  last_event: null,
  last_stage: null,
  last_gate: null,
}
const BY_SWITCH = { last_event: 'Refused', last_stage: 'admission', last_gate: 'kill-switch' }
const OPENED = { opened_position: 1, opened_at: '2026-01-01T00:00:00.000Z' }
const at = (position: number) => ({
  position,
  changed_at: `2026-01-01T00:00:00.00${position - 1}Z`,
})

describe('the row of a dispatch', () => {
  it('is opened by Planned', () => {
    expect(rowOf(planned)).toEqual({
      ...IDENTITY,
      ...NOTHING,
      ...OPENED,
      ...at(1),
      reached: 'Planned',
      last_event: 'Planned',
    })
  })

  it('is opened by Refused, and has reached nothing', () => {
    const refused = { refusals: 1, last_refusal: 'kill-switch-engaged', ...BY_SWITCH }
    expect(rowOf(refusedByHalt)).toEqual({
      ...IDENTITY,
      ...NOTHING,
      ...OPENED,
      ...at(1),
      ...refused,
    })
  })

  it('moves on with PreflightPassed', () => {
    expect(rowOf(planned, preflightPassed)).toEqual({
      ...IDENTITY,
      ...NOTHING,
      ...OPENED,
      ...at(2),
      reached: 'PreflightPassed',
      last_event: 'PreflightPassed',
    })
  })

  it.each(['would_succeed', 'would_fail'] as const)(
    'tells the verdict %s of DryRunRecorded',
    (verdict) => {
      const result = { ...READY_WORLD.result, verdict }
      const { events } = given().under({ result }).when(dryRun)
      expect(rowOf(...events)).toEqual({
        ...IDENTITY,
        ...NOTHING,
        ...OPENED,
        ...at(3),
        reached: 'DryRunRecorded',
        last_event: 'DryRunRecorded',
        verdict,
        output_digest: READY_WORLD.result.outputDigest,
      })
    },
  )

  it('counts refusals and names the last one, and what was reached stays', () => {
    const row = rowOf(
      refusedRealRun,
      planned,
      laterRefusal,
      preflightPassed,
      dryRunRecorded,
      laterRefusal,
    )
    expect(row).toEqual({
      ...IDENTITY,
      ...OPENED,
      ...at(6),
      reached: 'DryRunRecorded',
      verdict: 'would_succeed',
      output_digest: READY_WORLD.result.outputDigest,
      refusals: 3,
      last_refusal: 'kill-switch-engaged',
      ...BY_SWITCH,
    })
    expect(rowOf(planned, refusedRealRun)).toMatchObject({
      reached: 'Planned',
      refusals: 1,
      last_refusal: 'production-execution-not-authorized',
    })
  })

  it('keeps what opened it when a later event advances it', () => {
    const row = rowOf(refusedByHalt, planned)
    expect(row).toMatchObject({
      ...IDENTITY,
      ...OPENED,
      ...at(2),
      reached: 'Planned',
      refusals: 1,
      last_event: 'Planned',
      last_stage: null,
      last_gate: null,
    })
  })

  it('has a column of the table for every member, and no other', () => {
    const table = readFileSync(
      new URL('../../projections/dispatches/table.sql', import.meta.url),
      'utf8',
    )
    const body = /create table rm_dispatches_v2\.dispatches \((.*?)\n\);/su.exec(table)?.[1] ?? ''
    const columns = [...body.matchAll(/^ {2}(\w+) /gmu)].map(([, column]) => column ?? '')
    expect(Object.keys(rowOf(planned) ?? {}).toSorted()).toEqual(columns.toSorted())
  })
})

describe('the events of a projection', () => {
  it('are those of dispatch streams', () => {
    expect(dispatches.handles).toEqual(['Planned', 'PreflightPassed', 'DryRunRecorded', 'Refused'])
    expect(streamOf(planned).map(dispatches.keyed.key)).toEqual([identify(dryRun).dispatchId])
  })

  it('leave control out: it has no key and no effect', () => {
    const control = recordedControl([...READY, switchSet('HALTED')])
    expect(control.map(dispatches.keyed.key)).toEqual(control.map(() => null))
    const rows = applyBatch(new Map(), streamOf(planned))
    expect(applyBatch(rows, control)).toEqual(rows)
    expect(applyBatch(new Map(), control).size).toBe(0)
  })

  it('go to the row of their own stream', () => {
    const other = { ...dryRun, occurrence: 'other' }
    const others = recorded(other, EMPTY_DISPATCH, given().when(other).events)
    const rows = applyBatch(new Map(), [...streamOf(planned), ...others])
    expect(rows.size).toBe(2)
    expect(rows.get(identify(other).dispatchId)).toMatchObject({
      occurrence: 'other',
      reached: 'DryRunRecorded',
    })
    expect(rows.get(identify(dryRun).dispatchId)).toMatchObject({
      occurrence: '',
      reached: 'Planned',
    })
  })
})

/** Streams woven into one log, with the events of control in between. */
const logs: fc.Arbitrary<readonly Recorded[]> = fc
  .tuple(
    sessionOfOccurrence('a'),
    sessionOfOccurrence('b'),
    sessionOfOccurrence('c'),
    fc.array(fc.nat({ max: 3 })),
  )
  .map(([a, b, c, picks]) => {
    const queues: Recorded[][] = [
      [...a.stream],
      [...b.stream],
      [...c.stream],
      [...recordedControl(READY)],
    ]
    const order = [...picks, ...queues.flatMap((queue, index) => queue.map(() => index))]
    const log = order.flatMap((index) => queues[index]?.splice(0, 1) ?? [])
    return log.map((event, index) => ({ ...event, position: index + 1 }))
  })

describe('folding a log', () => {
  it('gives the same rows in one batch or in many', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.nat({ max: 5 })), (log, sizes) => {
        let rows: Rows = new Map()
        let done = 0
        for (const size of [...sizes, log.length]) {
          rows = applyBatch(rows, log.slice(done, done + size))
          done = Math.min(done + size, log.length)
        }
        expect(rows).toEqual(applyBatch(new Map(), log))
      }),
      { numRuns: 300 },
    )
  })

  it('counts what the log holds', () => {
    fc.assert(
      fc.property(logs, (log) => {
        for (const [key, row] of applyBatch(new Map(), log)) {
          const events = log.filter(
            (event) => dispatches.keyed.key(event) === key,
          ) as Recorded<DispatchEvent>[]
          const refused = events.filter((event) => event.type === 'Refused')
          const advancing = events.filter((event) => event.type !== 'Refused')
          expect(row).toMatchObject({
            refusals: refused.length,
            last_refusal: refused.at(-1)?.data.code ?? null,
            last_event: events.at(-1)?.type,
            reached: advancing.at(-1)?.type ?? null,
            opened_position: events[0]?.position,
            opened_at: events[0]?.recordedAt,
            position: events.at(-1)?.position,
            changed_at: events.at(-1)?.recordedAt,
          })
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is unmoved by events it does not handle', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const handled = log.filter((event) => dispatches.handles.includes(event.type))
        expect(applyBatch(new Map(), log)).toEqual(applyBatch(new Map(), handled))
      }),
      { numRuns: 100 },
    )
  })
})

describe('the read model', () => {
  it('lives in a schema of its name and version', () => {
    expect(schemaOf(dispatches)).toBe('rm_dispatches_v2')
    expect(schemaOf({ ...dispatches, name: 'outputs', version: 12 })).toBe('rm_outputs_v12')
    expect(dispatches).toMatchObject({
      name: 'dispatches',
      version: 2,
      keyed: { column: 'dispatch_id' },
    })
  })

  it('is shown with the names of the API', () => {
    const moment = { toISOString: () => '2026-01-01T00:00:00.000Z' }
    const row = {
      ...(rowOf(planned, preflightPassed, dryRunRecorded) as unknown as DispatchRow),
      follower_position: 9,
      key_1: moment,
      opened_at: moment,
      changed_at: moment,
    }
    expect(dispatchList.decode(row)).toEqual({
      ...identify(dryRun),
      contract: { id: 'sample.echo', version: 1 },
      target: 'sample/one',
      outputNamespace: 'DRYRUN-NS:sample',
      occurrence: '',
      reached: 'DryRunRecorded',
      verdict: 'would_succeed',
      outputDigest: READY_WORLD.result.outputDigest,
      refusals: 0,
      lastRefusal: null,
      lastEvent: 'DryRunRecorded',
      lastStage: null,
      lastGate: null,
      openedAt: '2026-01-01T00:00:00.000Z',
      position: 3,
      changedAt: '2026-01-01T00:00:00.000Z',
    })
  })
})
