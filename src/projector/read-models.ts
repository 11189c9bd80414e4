import type pg from 'pg'
import type { Recorded } from '../../domain/events.ts'
import { parseFilter } from '../../domain/filter/parse-filter.ts'
import { parseOrderBy } from '../../domain/filter/parse-order-by.ts'
import type { Parsed } from '../../domain/filter/reader.ts'
import { LIMITS } from '../../domain/limits.ts'
import { dispatches } from '../../projections/dispatches/project.ts'
import { dispatchList } from '../../projections/dispatches/query.ts'
import { gateOutcomes } from '../../projections/gate_outcomes/project.ts'
import {
  keysOf,
  type List,
  type PageOf,
  type PlacedRow,
  pageOf,
  placeOf,
} from '../../projections/list.ts'
import { outputs } from '../../projections/outputs/project.ts'
import { outputList } from '../../projections/outputs/query.ts'
import { type Projection, schemaOf } from '../../projections/projection.ts'
import { refusals } from '../../projections/refusals/project.ts'
import { refusalList } from '../../projections/refusals/query.ts'
import { LedgerError } from '../errors.ts'
import type { EventStore } from '../ports.ts'
import { decodeToken, encodeToken } from './page-token.ts'
import {
  type Projector,
  type ProjectorPorts,
  type ProjectorStatus,
  startProjector,
} from './projector.ts'

/** Every read model that this build keeps. */
export const PROJECTIONS: readonly Projection[] = [dispatches, refusals, outputs, gateOutcomes]

export const startProjectors = (ports: ProjectorPorts): readonly Projector[] =>
  PROJECTIONS.map((projection) => startProjector(projection, ports))

/** The read models that can be listed. */
export const LISTS = {
  dispatches: dispatchList,
  refusals: refusalList,
  outputs: outputList,
} as const
export type ListName = keyof typeof LISTS

export type ListPage = Readonly<{
  rows: readonly unknown[]
  nextPageToken: string | null
  position: number
}>

export type ListQuery = Omit<PageOf, 'after' | 'filter' | 'orderBy'> &
  Readonly<{ pageToken: string | null; filter: string | null; orderBy: string | null }>

/** A page of a read model with the position it is complete up to. A missing one is at 0. */
export async function readList(
  pool: pg.Pool,
  name: ListName,
  { pageToken, pageSize, within, ...asked }: ListQuery,
): Promise<ListPage> {
  const list = LISTS[name] as List
  const { fields } = list
  const filter = asked.filter === null ? null : read('filter', parseFilter(asked.filter, fields))
  const orderBy = asked.orderBy === null ? [] : read('orderBy', parseOrderBy(asked.orderBy, fields))
  const keys = keysOf(list, orderBy)
  const question = { name, ...asked }
  const after = pageToken === null ? null : decodeToken(pageToken, question, keys)
  const page = { pageSize, filter, orderBy, after, within }
  const found = await ask<PlacedRow>(pool, pageOf(list, page))
  const rows = found.filter((row) => row.key_1 !== null)
  const shown = rows.slice(0, pageSize)
  const last = rows.length > shown.length ? shown.at(-1) : undefined
  return {
    rows: shown.map(list.decode),
    nextPageToken: last === undefined ? null : encodeToken(question, placeOf(last, keys)),
    position: found[0]?.follower_position ?? 0,
  }
}

/** Where a text cannot be read, the problem says so in words, and as members for tools. */
function read<T>(parameter: 'filter' | 'orderBy', parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value
  const { character, detail } = parsed
  throw new LedgerError('schema-invalid', `${parameter}, character ${character}: ${detail}`, {
    members: { parameter, character },
  })
}

/** One read model as it stands: `seconds` is the age of the oldest event that it does not show. */
export type ProjectionReport = Readonly<{
  name: string
  version: number
  state: ProjectorStatus['state']
  detail: string
  position: number
  lag: Readonly<{ positions: number; seconds: number }>
}>

/**
 * How far a read model is, whichever process follows; `state` is what this process does. In
 * Postgres one position is one event.
 */
export async function readProjection(
  { projection, status }: Projector,
  { pool, store }: { pool: pg.Pool; store: Pick<EventStore, 'read' | 'head'> },
): Promise<ProjectionReport> {
  const text = `select position from ${schemaOf(projection)}.follower`
  const position = (await ask<{ position: number }>(pool, { text }))[0]?.position ?? 0
  const head = await store.head()
  const oldest = position < head.position ? await eventAfter(store, position) : undefined
  const ageMs = oldest === undefined ? 0 : Date.now() - Date.parse(oldest.recordedAt)
  return {
    name: projection.name,
    version: projection.version,
    ...status(),
    position,
    lag: {
      positions: Math.max(0, head.position - position),
      seconds: Math.max(0, ageMs / 1_000),
    },
  }
}

async function eventAfter(
  store: Pick<EventStore, 'read'>,
  after: number,
): Promise<Recorded | undefined> {
  for await (const event of store.read({ after, limit: 1 })) return event
  return undefined
}

const UNDEFINED_TABLE = '42P01'
const QUERY_CANCELED = '57014'

async function ask<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: Readonly<{ text: string; values?: readonly unknown[] }>,
): Promise<readonly R[]> {
  try {
    return (await pool.query<R>(query as pg.QueryConfig)).rows
  } catch (cause) {
    const { code } = cause as { code?: string }
    if (code === UNDEFINED_TABLE) return []
    const why =
      code === QUERY_CANCELED
        ? `was not done within ${LIMITS.statementTimeMs / 1_000} s: ask for less, as of a shorter time`
        : 'did not answer'
    throw new LedgerError('store-unavailable', `The read model ${why}`, { cause })
  }
}
