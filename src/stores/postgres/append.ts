import type pg from 'pg'
import { validate } from 'uuid'
import { CONTROL_STREAM } from '../../../domain/identity.ts'
import { inGroups } from '../../in-groups.ts'
import type { Appended, Conflict, ControlAppend, DispatchAppend, Stale } from '../../ports.ts'
import { ask, isAboutData } from './ask.ts'
import { intArray, textArray, uuidArray } from './binary-array.ts'

/** One request of a statement; `events` is the exact text that is stored. */
type AppendRequest = Readonly<{
  stream: string
  expected: number
  count: number
  callId: string
  controlRevision: number | null
  events: string
}>

/** Appends wait for each other at the head row: a second statement would wait there, smaller. */
const LANES = 1
const REQUESTS_MAX = 100
/** Of text: a statement stays far below its time. */
const CHARACTERS_MAX = 4 * 1024 * 1024

/** Appends to dispatch streams, grouped: at most one request per stream in a statement. */
export function createDispatchAppends(
  pool: pg.Pool,
): (request: DispatchAppend) => Promise<Appended | Conflict | Stale> {
  const append = inGroups<AppendRequest, Appended | Conflict | Stale>({
    lanes: LANES,
    sizeMax: REQUESTS_MAX,
    weight: { max: CHARACTERS_MAX, of: (request) => request.events.length },
    keyOf: (request) => request.stream,
    send: (requests) => sendAppends(pool, requests),
    isAboutData,
  })
  return async (request) => {
    const allRefused = request.events.every((event) => event.type === 'Refused')
    if (allRefused !== (request.controlRevision === null)) {
      throw new Error('only refusals are appended without a control revision')
    }
    return append(asRequest(request))
  }
}

/** An append to `control` travels alone, on a pool where no queue stands before it. */
export async function appendControl(
  pool: pg.Pool,
  request: ControlAppend,
): Promise<Appended | Conflict> {
  const alone = asRequest({ ...request, stream: CONTROL_STREAM, controlRevision: null })
  const [result] = await sendAppends(pool, [alone])
  if (result === undefined || result.outcome === 'stale') {
    throw new Error('an append to control cannot be stale')
  }
  return result
}

function asRequest(append: DispatchAppend): AppendRequest {
  const { stream, expected, events, callId, controlRevision } = append
  if (events.length === 0) throw new Error('an append needs an event')
  if (!validate(callId)) throw new Error(`the call id ${callId} is no UUID`)
  const count = events.length
  return { stream, expected, count, callId, controlRevision, events: JSON.stringify(events) }
}

type AppendRow = Readonly<{
  outcome: 'appended' | 'conflict' | 'stale'
  position: number
  revision: number
  control_revision: number
  recorded_at: Date
}>

const APPEND = `select outcome, position, revision, control_revision, recorded_at
  from ledger.append($1, $2, $3, $4, $5, $6) order by ordinal`

async function sendAppends(
  pool: pg.Pool,
  requests: readonly AppendRequest[],
): Promise<readonly (Appended | Conflict | Stale)[]> {
  const values = [
    textArray(requests.map((it) => it.stream)),
    intArray(requests.map((it) => it.expected)),
    intArray(requests.map((it) => it.count)),
    uuidArray(requests.map((it) => it.callId)),
    intArray(requests.map((it) => it.controlRevision)),
    textArray(requests.map((it) => it.events)),
  ]
  const rows = await ask<AppendRow>(pool, { name: 'append', text: APPEND, values }, 'unknown')
  if (rows.length !== requests.length) throw new Error('ledger.append answered other requests')
  return rows.map(outcomeOf)
}

function outcomeOf(row: AppendRow): Appended | Conflict | Stale {
  switch (row.outcome) {
    case 'appended': {
      const recordedAt = row.recorded_at.toISOString()
      return { outcome: 'appended', position: row.position, recordedAt }
    }
    case 'conflict':
      return { outcome: 'conflict', revision: row.revision }
    case 'stale':
      return { outcome: 'stale', controlRevision: row.control_revision }
  }
}
