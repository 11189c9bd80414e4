import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_DISPATCH } from '../../domain/dispatch/state.ts'
import type { DispatchEvent, Recorded } from '../../domain/events.ts'
import { gateOutcomes } from '../../projections/gate_outcomes/project.ts'
import { outputs } from '../../projections/outputs/project.ts'
import { type OutputRow, outputList } from '../../projections/outputs/query.ts'
import type { Row } from '../../projections/projection.ts'
import { refusals } from '../../projections/refusals/project.ts'
import { type RefusalRow, refusalList } from '../../projections/refusals/query.ts'
import { identify } from '../../src/identity.ts'
import { session } from '../support/arbitraries.ts'
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

const FACTS = [refusals, outputs, gateOutcomes]
const streamOf = (...events: readonly DispatchEvent[]): readonly Recorded<DispatchEvent>[] =>
  recorded(dryRun, EMPTY_DISPATCH, events)
const refusedRealRun = given().when(realRun).events[0] as DispatchEvent
const haltedLater = given(planned)
  .under({ control: readyAnd(switchSet('HALTED')) })
  .when(dryRun).events[0] as DispatchEvent
const { dispatchId } = identify(dryRun)
const last = (events: readonly Recorded<DispatchEvent>[]): Recorded<DispatchEvent> =>
  events.at(-1) as Recorded<DispatchEvent>
const rowsOf = (projection: (typeof FACTS)[number], event: Recorded): readonly Row[] =>
  projection.facts(event).map((it) => it.row)

const COMMAND = {
  dispatch_id: dispatchId,
  contract_id: 'sample.echo',
  contract_version: 1,
  target: 'sample/one',
  output_namespace: 'DRYRUN-NS:sample',
}

describe('the facts of refusals', () => {
  it('are the refusal, and what was asked where it opens the stream', () => {
    const event = last(streamOf(refusedRealRun))
    expect(refusals.facts(event)).toEqual([
      { table: 'commands', row: COMMAND },
      {
        table: 'refusals',
        row: {
          position: 1,
          refusal_id: event.id,
          dispatch_id: dispatchId,
          mode: 'REAL_RUN',
          code: 'production-execution-not-authorized',
          rule: 1,
          stage: 'admission',
          gate: 'mode',
          control_revision: event.data.snapshot.controlRevision,
          recorded_at: event.recordedAt,
        },
      },
    ])
  })

  it('are what was asked alone for a plan that opens the stream', () => {
    expect(refusals.facts(last(streamOf(planned)))).toEqual([{ table: 'commands', row: COMMAND }])
  })

  it('are the refusal alone where something came before it', () => {
    const found = refusals.facts(last(streamOf(planned, haltedLater)))
    expect(found.map((it) => it.table)).toEqual(['refusals'])
    expect(found[0]?.row).toMatchObject({
      position: 2,
      code: 'kill-switch-engaged',
      gate: 'kill-switch',
      rule: 2,
    })
  })

  it('are none for a plan after a refusal', () => {
    expect(refusals.facts(last(streamOf(refusedRealRun, planned)))).toEqual([])
  })

  it('name no gate where none of the snapshot refused', () => {
    const event = last(streamOf(refusedRealRun))
    const passed = event.data.snapshot.gates.map((it) => ({ ...it, outcome: 'pass' as const }))
    const changed = {
      ...event,
      data: { ...event.data, snapshot: { ...event.data.snapshot, gates: passed } },
    } as Recorded<DispatchEvent>
    expect(rowsOf(refusals, changed)[1]).toMatchObject({ gate: null })
  })

  it('name the first gate that did not pass, whatever the session', () => {
    fc.assert(
      fc.property(session, ({ stream }) => {
        const rows = stream.flatMap((event) => refusals.facts(event))
        const refused = stream.filter((event) => event.type === 'Refused')
        expect(rows.filter((it) => it.table === 'commands')).toHaveLength(
          Math.min(1, stream.length),
        )
        expect(rows.filter((it) => it.table === 'refusals').map((it) => it.row['gate'])).toEqual(
          refused.map((it) => it.data.snapshot.gates.find((gate) => gate.outcome !== 'pass')?.gate),
        )
      }),
      { numRuns: 100 },
    )
  })
})

describe('the facts of outputs', () => {
  const event = last(streamOf(planned, preflightPassed, dryRunRecorded))

  it('are one row with the text that the digest is of', () => {
    expect(outputs.facts(event)).toEqual([
      {
        table: 'outputs',
        row: {
          position: 3,
          event_id: event.id,
          dispatch_id: dispatchId,
          output_namespace: 'DRYRUN-NS:sample',
          verdict: 'would_succeed',
          output: expect.any(String),
          output_digest: READY_WORLD.result.outputDigest,
          executor_type: 'simulator',
          executor_build: expect.any(Number),
          recorded_at: event.recordedAt,
        },
      },
    ])
    const [row] = rowsOf(outputs, event)
    const hash = createHash('sha256').update(row?.['output'] as string)
    expect(`sha256:${hash.digest('hex')}`).toBe(READY_WORLD.result.outputDigest)
    expect(JSON.parse(row?.['output'] as string)).toEqual(READY_WORLD.result.output)
  })
})

describe('the facts of gate outcomes', () => {
  it('are one row an event, with every gate in the order of judging', () => {
    const event = last(streamOf(planned, haltedLater))
    const { controlRevision } = event.data.snapshot
    expect(gateOutcomes.facts(event)).toEqual([
      {
        table: 'gate_outcomes',
        row: {
          position: 2,
          event_id: event.id,
          event_type: 'Refused',
          dispatch_id: dispatchId,
          rule_set: 1,
          control_revision: controlRevision,
          gates: [
            ['mode', 1, 'pass', null],
            ['kill-switch', 2, 'fail', controlRevision],
            ['namespace', 6, 'not_evaluated', null],
            ...['contract', 'params', 'fixture', 'target'].map((it) => [
              it,
              8,
              'not_evaluated',
              null,
            ]),
          ],
          recorded_at: event.recordedAt,
        },
      },
    ])
  })

  it('are twelve gates for a recorded dry run', () => {
    const [row] = rowsOf(gateOutcomes, last(streamOf(planned, preflightPassed, dryRunRecorded)))
    const gates = row?.['gates'] as [string, number, string, number | null][]
    expect(gates.map(([, , outcome]) => outcome)).toEqual(Array<string>(12).fill('pass'))
    expect(row?.['event_type']).toBe('DryRunRecorded')
  })
})

/** What the database copies into a refusal from the command of its dispatch. */
const TAKEN_OVER = ['contract_id', 'contract_version', 'target', 'output_namespace']

describe('every projection of facts', () => {
  it('handles what it has rows for, and nothing of control', () => {
    expect(refusals).toMatchObject({
      name: 'refusals',
      version: 2,
      handles: ['Planned', 'Refused'],
      tables: ['commands', 'refusals'],
    })
    expect(outputs).toMatchObject({ name: 'outputs', version: 2, handles: ['DryRunRecorded'] })
    expect(gateOutcomes).toMatchObject({ name: 'gate_outcomes', version: 2 })
    expect(gateOutcomes.handles).toEqual([
      'Planned',
      'PreflightPassed',
      'DryRunRecorded',
      'Refused',
    ])
    const control = recordedControl([...READY, switchSet('HALTED')]).map((it) => it.type)
    for (const { handles } of FACTS) {
      expect(control.filter((type) => handles.includes(type))).toEqual([])
    }
  })

  it.each(FACTS)('$name has a column of its table for every member, and no other', (projection) => {
    const path = new URL(`../../projections/${projection.name}/table.sql`, import.meta.url)
    const sql = readFileSync(path, 'utf8')
    const events = streamOf(refusedRealRun, planned, haltedLater, preflightPassed, dryRunRecorded)
    const facts = events
      .filter((event) => projection.handles.includes(event.type))
      .flatMap((event) => projection.facts(event))
    const tables = new Set(facts.map((it) => it.table))
    expect(tables.size).toBe(projection === refusals ? 2 : 1)
    for (const table of tables) {
      const body =
        new RegExp(`create table rm_\\w+\\.${table} \\((.*?)\\n\\);`, 'su').exec(sql)?.[1] ?? ''
      const columns = [...body.matchAll(/^ {2}(\w+) /gmu)].map(([, column]) => column ?? '')
      const own = columns.filter((it) => table !== 'refusals' || !TAKEN_OVER.includes(it))
      for (const { row } of facts.filter((it) => it.table === table)) {
        expect(Object.keys(row).toSorted()).toEqual(own.toSorted())
      }
    }
  })
})

const moment = { toISOString: () => '2026-01-01T00:00:00.000Z' }
const placed = { follower_position: 9, key_1: moment, recorded_at: moment }

describe('a row as lists show it', () => {
  it('has the names of the API for a refusal', () => {
    const [command, refusal] = rowsOf(refusals, last(streamOf(refusedRealRun)))
    const row = { ...command, ...refusal, ...placed } as unknown as RefusalRow
    expect(refusalList.decode(row)).toEqual({
      refusalId: refusal?.['refusal_id'],
      dispatchId,
      contract: { id: 'sample.echo', version: 1 },
      target: 'sample/one',
      outputNamespace: 'DRYRUN-NS:sample',
      mode: 'REAL_RUN',
      code: 'production-execution-not-authorized',
      rule: 1,
      stage: 'admission',
      gate: 'mode',
      controlRevision: refusal?.['control_revision'],
      position: 1,
      recordedAt: '2026-01-01T00:00:00.000Z',
    })
  })

  it('has the names of the API for an output, and the output as JSON again', () => {
    const [output] = rowsOf(outputs, last(streamOf(planned, preflightPassed, dryRunRecorded)))
    expect(outputList.decode({ ...output, ...placed } as unknown as OutputRow)).toEqual({
      dispatchId,
      outputNamespace: 'DRYRUN-NS:sample',
      verdict: 'would_succeed',
      output: READY_WORLD.result.output,
      outputDigest: READY_WORLD.result.outputDigest,
      executor: { type: 'simulator', build: output?.['executor_build'] },
      eventId: output?.['event_id'],
      position: 3,
      recordedAt: '2026-01-01T00:00:00.000Z',
    })
  })
})
