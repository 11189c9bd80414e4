import type pg from 'pg'
import type { Recorded } from '../../domain/events.ts'
import { dispatches } from '../../projections/dispatches/project.ts'
import { dispatchList } from '../../projections/dispatches/query.ts'
import { gateOutcomes } from '../../projections/gate_outcomes/project.ts'
import { type List, type PageOf, type PlacedRow, pageOf } from '../../projections/list.ts'
import { outputs } from '../../projections/outputs/project.ts'
import { outputList } from '../../projections/outputs/query.ts'
import { type Projection, schemaOf } from '../../projections/projection.ts'
import { refusals } from '../../projections/refusals/project.ts'
import { refusalList } from '../../projections/refusals/query.ts'
import { LedgerError } from '../errors.ts'
import type { EventStore } from '../ports.ts'
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

const encodeToken = (place: number): string => Buffer.from(`p${place}`).toString('base64url')

function decodeToken(token: string | null): number | null {
  if (token === null) return null
  const place = /^p([0-9]{1,15})$/.exec(Buffer.from(token, 'base64url').toString())?.[1]
  if (place !== undefined) return Number(place)
  throw new LedgerError('schema-invalid', 'The pageToken is none that this server gave out')
}

export type ListQuery = Omit<PageOf, 'before'> & { readonly pageToken: string | null }

/** A page of a read model with the position it is complete up to. A missing one is at 0. */
export async function readList(
  pool: pg.Pool,
  name: ListName,
  { pageToken, pageSize, within }: ListQuery,
): Promise<ListPage> {
  const list = LISTS[name] as List
  const before = decodeToken(pageToken)
  const found = await ask<PlacedRow>(pool, pageOf(list, { pageSize, before, within }))
  const rows = found.filter((row) => row.place !== null)
  const shown = rows.slice(0, pageSize)
  const last = shown.at(-1)?.place ?? null
  return {
    rows: shown.map(list.decode),
    nextPageToken: rows.length > shown.length && last !== null ? encodeToken(last) : null,
    position: found[0]?.follower_position ?? 0,
  }
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

async function ask<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: Readonly<{ name?: string; text: string; values?: readonly unknown[] }>,
): Promise<readonly R[]> {
  try {
    return (await pool.query<R>(query as pg.QueryConfig)).rows
  } catch (cause) {
    if ((cause as { code?: string }).code === UNDEFINED_TABLE) return []
    throw new LedgerError('store-unavailable', 'The read model did not answer', { cause })
  }
}
