import { type Answer, ApiProblem, get } from './api.ts'
import { type CallsRow, type HourRange, lastHours } from './call-sums.ts'
import { type Resource, useLoaded } from './resource.ts'

/** Servers write what they counted every 5 s. */
const EVERY_MS = 10_000
/** Of one range. More rows than that would be no overview any more. */
const PAGES_MAX = 50
const PAGE_SIZE = 1_000

export type Calls = Readonly<{
  rows: readonly CallsRow[]
  /** There are more rows than are read here, so that sums are too low. */
  isCut: boolean
}>
type Page = Readonly<{ rows: readonly CallsRow[]; nextPageToken: string | null }>

/** The calls of the hour that has begun and of those before it. */
export const useCalls = (hours: number): Resource<Calls> =>
  useCallsIn([lastHours(Date.now(), hours)])

/** The calls of some ranges of hours. No range reads nothing. */
export function useCallsIn(ranges: readonly HourRange[]): Resource<Calls> {
  const name = ranges.map(({ after, until }) => `${after}/${until}`).join(' ')
  const load = async (stop: AbortSignal): Promise<Answer<Calls>> => {
    const answers = await Promise.all(ranges.map((range) => readCalls(range, stop)))
    return {
      status: 200,
      position: null,
      body: {
        rows: answers.flatMap(({ rows }) => rows),
        isCut: answers.some(({ isCut }) => isCut),
      },
    }
  }
  return useLoaded(name === '' ? null : name, load, EVERY_MS)
}

async function readCalls({ after, until }: HourRange, stop: AbortSignal): Promise<Calls> {
  const rows: CallsRow[] = []
  let token: string | null = null
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query = new URLSearchParams({ after, until, pageSize: String(PAGE_SIZE) })
    if (token !== null) query.set('pageToken', token)
    const answer: Answer<Page> = await get<Page>(`/v1/analytics/calls_hourly_v1?${query}`, stop)
    rows.push(...answer.body.rows)
    token = answer.body.nextPageToken
    if (token === null) return { rows, isCut: false }
  }
  return { rows, isCut: true }
}

/** Whether the server has no such route: the store it runs on counts no calls. */
export const isNotCounted = (error: Error | null): boolean =>
  error instanceof ApiProblem && error.problem.code === 'not-found'
