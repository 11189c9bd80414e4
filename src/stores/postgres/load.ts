import type pg from 'pg'
import { inGroups } from '../../in-groups.ts'
import type { Loaded } from '../../ports.ts'
import { ask, isAboutData } from './ask.ts'
import { intArray, textArray } from './binary-array.ts'
import { type CommitRow, eventsOf } from './rows.ts'

type LoadRequest = Readonly<{ stream: string; afterRevision: number }>
type LoadRow = CommitRow &
  Readonly<{
    ordinal: number
    control_revision: number
    control_event_id: string | null
    events: string | null
  }>

const LANES = 2
const REQUESTS_MAX = 100

/** Loads streams, grouped. Every request of a statement is read in one snapshot. */
export function createLoads(
  pool: pg.Pool,
): (stream: string, afterRevision: number) => Promise<Loaded> {
  const load = inGroups<LoadRequest, Loaded>({
    lanes: LANES,
    sizeMax: REQUESTS_MAX,
    send: (requests) => sendLoads(pool, requests),
    isAboutData,
  })
  return (stream, afterRevision) => load({ stream, afterRevision })
}

const LOAD = 'select * from ledger.load($1, $2)'

export async function sendLoads(
  pool: pg.Pool,
  requests: readonly LoadRequest[],
): Promise<readonly Loaded[]> {
  const values = [
    textArray(requests.map((it) => it.stream)),
    intArray(requests.map((it) => it.afterRevision)),
  ]
  const rows = await ask<LoadRow>(pool, { name: 'load', text: LOAD, values }, 'none')
  const byRequest = requests.map((): LoadRow[] => [])
  for (const row of rows) byRequest[row.ordinal - 1]?.push(row)
  return requests.map(({ afterRevision }, index) => loadedOf(byRequest[index] ?? [], afterRevision))
}

function loadedOf(rows: readonly LoadRow[], afterRevision: number): Loaded {
  const [first] = rows
  if (first === undefined) throw new Error('ledger.load left a request without an answer')
  const events = rows
    .filter((row) => row.events !== null)
    .flatMap(eventsOf)
    .filter((event) => event.revision > afterRevision)
  const { control_revision: revision, control_event_id: eventId } = first
  return { events, control: { revision, eventId } }
}
