import type pg from 'pg'
import { LedgerError } from '../errors.ts'
import { ask } from './ask.ts'

const HOUR_MS = 3_600_000
const HOURS_SHOWN = 24

/** Whole hours in milliseconds since 1970; null for what was not said. */
export type CallsQuery = Readonly<{
  afterMs: number | null
  untilMs: number | null
  pageSize: number
  pageToken: string | null
}>

/** A row of the view, by its columns. */
export type CallsRow = Readonly<{
  hour: string
  contract_id: string
  mode: string
  outcome: string
  code: string
  appended: string
  calls: number
}>

/** Hours that begin at `after` or later, and before `until`. */
export type CallsPage = Readonly<{
  after: string
  until: string
  rows: readonly CallsRow[]
  nextPageToken: string | null
}>

const KEY = ['hour', 'contract_id', 'mode', 'outcome', 'code', 'appended'] as const
/** A page begins after the last row of the one before, which names the whole key of a row. */
type Place = readonly string[]

/** The index of the table begins with this key: of a long range, a page costs what it shows. */
const PAGE = `
  select ${KEY.join(', ')}, calls from analytics.calls_hourly_v1
  where hour >= $1 and hour < $2 and (${KEY.join(', ')}) > ($3::timestamptz, $4, $5, $6, $7, $8)
  order by ${KEY.join(', ')} limit $9`

/** A page of the counts. Left out, the range is the hour of `nowMs` and the 23 before it. */
export async function readCalls(
  pool: pg.Pool,
  { pageSize, pageToken, ...asked }: CallsQuery,
  nowMs: number,
): Promise<CallsPage> {
  const { after, until } = rangeOf(asked, nowMs)
  const [hour = '', ...rest] = placeOf(pageToken) ?? [after, '', '', '', '', '']
  const from = hour > after ? hour : after
  const values = [from, until, hour, ...rest, pageSize + 1]
  const found = await ask<Omit<CallsRow, 'hour'> & { hour: Date }>(pool, PAGE, values)
  const shown = found
    .slice(0, pageSize)
    .map((row): CallsRow => ({ ...row, hour: row.hour.toISOString() }))
  const last = found.length > pageSize ? shown.at(-1) : undefined
  return {
    after,
    until,
    rows: shown,
    nextPageToken: last === undefined ? null : tokenOf(KEY.map((column) => last[column])),
  }
}

function rangeOf(
  { afterMs, untilMs }: Pick<CallsQuery, 'afterMs' | 'untilMs'>,
  nowMs: number,
): { after: string; until: string } {
  const endMs = untilMs ?? nowMs - (nowMs % HOUR_MS) + HOUR_MS
  const beginMs = afterMs ?? endMs - HOURS_SHOWN * HOUR_MS
  const [after, until] = [new Date(beginMs).toISOString(), new Date(endMs).toISOString()]
  if (beginMs < endMs) return { after, until }
  throw new LedgerError('schema-invalid', `after, ${after}, must lie before until, ${until}`)
}

const tokenOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url')

function placeOf(token: string | null): Place | null {
  if (token === null) return null
  const place = parsed(Buffer.from(token, 'base64url').toString())
  if (isPlace(place)) return place
  throw new LedgerError('schema-invalid', 'The pageToken is none that this server gave out')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isPlace = (place: unknown): place is Place =>
  Array.isArray(place) &&
  place.length === KEY.length &&
  place.every((it) => typeof it === 'string' && !it.includes('\u0000')) &&
  isHour(place[0])

const HOUR = /^2\d{3}-\d\d-\d\dT\d\d:00:00\.000Z$/

/** A day that the month does not have would be read as one of the next. */
const isHour = (text: string): boolean =>
  HOUR.test(text) && new Date(Date.parse(text) || 0).toISOString() === text
